"""The records of `__consumer_offsets`, between bytes and values.

    key     int16 kind (0 and 1: an offset, 2: a generation of a group, others: newer kinds of group),
            then OffsetCommitKey or GroupMetadataKey
    value   int16 version, then OffsetCommitValue or GroupMetadataValue; null is a tombstone

Written are the versions that Kafka 3.9 writes: 3 of both values, and 1 of OffsetCommitValue for a commit
that carries its own expiration. Read is every version there has been.
"""

from __future__ import annotations

from typing import NamedTuple

from odradek.coordinators.outcome import JournalRecord
from odradek.groups.stored import CommittedOffset, StoredGroup, StoredMember
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.coordinator_records import (
    decode_key,
    decode_versioned,
    encode_key,
    encode_versioned,
    read_prefix,
)
from odradek.protocol.generated.group_metadata_key import GroupMetadataKey
from odradek.protocol.generated.group_metadata_value import GroupMetadataValue, MemberMetadata
from odradek.protocol.generated.legacy_offset_commit_key import LegacyOffsetCommitKey
from odradek.protocol.generated.offset_commit_key import OffsetCommitKey
from odradek.protocol.generated.offset_commit_value import OffsetCommitValue

_OFFSET_KEYS = (LegacyOffsetCommitKey.RECORD_TYPE, OffsetCommitKey.RECORD_TYPE)
"""Both have one layout."""

_VALUE_VERSION = 3
_EXPIRING_OFFSET_VALUE_VERSION = 1
_NO_EXPIRATION = -1


class OffsetKey(NamedTuple):
    """Names one committed offset."""

    group_id: str
    partition: TopicPartition


class GroupKey(NamedTuple):
    """Names the generation of one group."""

    group_id: str


def read_key(key: bytes) -> OffsetKey | GroupKey | None:
    """What a record is about; None for kinds that belong to newer sorts of group."""
    kind = read_prefix(key)
    if kind in _OFFSET_KEYS:
        offset = decode_key(OffsetCommitKey, memoryview(key))
        return OffsetKey(offset.group, TopicPartition(offset.topic, offset.partition))
    if kind == GroupMetadataKey.RECORD_TYPE:
        return GroupKey(decode_key(GroupMetadataKey, memoryview(key)).group)
    return None


def read_offset(value: bytes | None, batch_offset: int) -> CommittedOffset | None:
    """A committed offset of any version; None for a tombstone."""
    if value is None:
        return None
    message = decode_versioned(OffsetCommitValue, memoryview(value))
    expires = message.expire_timestamp
    return CommittedOffset(
        message.offset,
        message.leader_epoch,
        message.metadata,
        message.commit_timestamp,
        None if expires == _NO_EXPIRATION else expires,
        batch_offset,
    )


def offset_record(group_id: str, partition: TopicPartition, committed: CommittedOffset) -> JournalRecord:
    """The record of a commit."""
    expires = committed.expire_timestamp_ms
    version = _VALUE_VERSION if expires is None else _EXPIRING_OFFSET_VALUE_VERSION
    message = OffsetCommitValue(
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
        commit_timestamp=committed.commit_timestamp_ms,
        expire_timestamp=_NO_EXPIRATION if expires is None else expires,
    )
    return JournalRecord(_offset_key(group_id, partition), encode_versioned(message, version))


def offset_tombstone(group_id: str, partition: TopicPartition) -> JournalRecord:
    """The record that takes a commit away."""
    return JournalRecord(_offset_key(group_id, partition), None)


def read_group(value: bytes | None) -> StoredGroup | None:
    """A generation of any version; None for a tombstone."""
    if value is None:
        return None
    message = decode_versioned(GroupMetadataValue, memoryview(value))
    return StoredGroup(
        message.protocol_type,
        message.generation,
        message.protocol,
        message.leader,
        message.current_state_timestamp,
        tuple(
            StoredMember(
                member.member_id,
                member.group_instance_id,
                member.client_id,
                member.client_host,
                member.session_timeout if read_prefix(value) == 0 else member.rebalance_timeout,
                member.session_timeout,
                bytes(member.subscription),
                bytes(member.assignment),
            )
            for member in message.members
        ),
    )


def group_record(group_id: str, stored: StoredGroup) -> JournalRecord:
    """The record of a generation."""
    message = GroupMetadataValue(
        protocol_type=stored.protocol_type,
        generation=stored.generation_id,
        protocol=stored.protocol_name,
        leader=stored.leader_id,
        current_state_timestamp=stored.current_state_timestamp_ms,
        members=[
            MemberMetadata(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout=member.rebalance_timeout_ms,
                session_timeout=member.session_timeout_ms,
                subscription=member.subscription,
                assignment=member.assignment,
            )
            for member in stored.members
        ],
    )
    return JournalRecord(_group_key(group_id), encode_versioned(message, _VALUE_VERSION))


def group_tombstone(group_id: str) -> JournalRecord:
    """The record that ends a group."""
    return JournalRecord(_group_key(group_id), None)


def _offset_key(group_id: str, partition: TopicPartition) -> bytes:
    key = OffsetCommitKey(group=group_id, topic=partition.topic, partition=partition.partition)
    return encode_key(key)


def _group_key(group_id: str) -> bytes:
    return encode_key(GroupMetadataKey(group=group_id))
