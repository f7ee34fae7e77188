"""Keys and values in the coordinators' topics: which message they are, and their version prefix.

    key      0  int16   type of the record (Kafka up to 3.9 calls it the version of the key)
             2  ...     the key's one layout
    value    0  int16   version of the value
             2  ...     the value at that version; a null value is a tombstone

Types are numbered within one coordinator: 0 is an offset commit for the group coordinator, a transaction
for the transaction coordinator and a snapshot for the share coordinator.

Source: Kafka's CoordinatorRecordTypeGenerator; GroupMetadataManager, TransactionLog.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import TypeVar

from odradek.errors import MalformedMessage
from odradek.protocol.generated.index import RECORD_KEYS, RECORD_VALUES
from odradek.protocol.message import Message, Record

M = TypeVar("M", bound=Message)

_PREFIX_BYTES = 2


class RecordTypes:
    """The record types of one coordinator, by the names of their keys; classes load when first needed."""

    def __init__(self, *names: str) -> None:
        self._names = names

    @cached_property
    def keys(self) -> Mapping[int, type[Record]]:
        """The class of the key of each type."""
        found = (_load(f"{name}Key", RECORD_KEYS) for name in self._names)
        return {key.RECORD_TYPE: key for key in found}

    @cached_property
    def values(self) -> Mapping[int, type[Record]]:
        """The class of the value of each type."""
        found = (_load(f"{name}Value", RECORD_VALUES) for name in self._names)
        return {value.RECORD_TYPE: value for value in found}

    def decode_key(self, raw: memoryview) -> Record:
        """Read a key. Raises KeyError for a type that this coordinator does not have, MalformedMessage."""
        return self.keys[read_prefix(raw)].decode(0, raw, _PREFIX_BYTES)

    def decode_value(self, key: Record, raw: memoryview) -> Record:
        """Read the value that belongs to `key`; raises as `decode_versioned`."""
        return decode_versioned(self.values[key.RECORD_TYPE], raw)


def _load(name: str, modules: Mapping[str, str]) -> type[Record]:
    found: type[Record] = getattr(import_module(f"odradek.protocol.generated.{modules[name]}"), name)
    return found


def read_prefix(raw: memoryview) -> int:
    """The int16 before a key, a value or a snapshot; MalformedMessage when there is none."""
    if len(raw) < _PREFIX_BYTES:
        raise MalformedMessage("record is too short for its version")
    return int.from_bytes(raw[:_PREFIX_BYTES], "big", signed=True)


def decode_versioned(cls: type[M], raw: memoryview) -> M:
    """Read a message that follows its own version.

    Raises MalformedMessage, also for a version that the message never had: the writer was newer than us.
    """
    version = read_prefix(raw)
    if version not in cls.decoders:
        raise MalformedMessage(f"unknown version {version} of {cls.__name__}")
    return cls.decode(version, raw, _PREFIX_BYTES)


def encode_key(key: Record) -> bytes:
    """A key behind its type."""
    return key.RECORD_TYPE.to_bytes(_PREFIX_BYTES, "big") + key.to_bytes(0)


def encode_versioned(message: Message, version: int) -> bytes:
    """A message behind its version."""
    return version.to_bytes(_PREFIX_BYTES, "big") + message.to_bytes(version)


GROUP_RECORDS = RecordTypes(
    "LegacyOffsetCommit",
    "OffsetCommit",
    "GroupMetadata",
    "ConsumerGroupMetadata",
    "ConsumerGroupPartitionMetadata",
    "ConsumerGroupMemberMetadata",
    "ConsumerGroupTargetAssignmentMetadata",
    "ConsumerGroupTargetAssignmentMember",
    "ConsumerGroupCurrentMemberAssignment",
    "ShareGroupMetadata",
    "ShareGroupMemberMetadata",
    "ShareGroupTargetAssignmentMetadata",
    "ShareGroupTargetAssignmentMember",
    "ShareGroupCurrentMemberAssignment",
    "ShareGroupStatePartitionMetadata",
    "ConsumerGroupRegularExpression",
    "StreamsGroupMetadata",
    "StreamsGroupMemberMetadata",
    "StreamsGroupTopology",
    "StreamsGroupTargetAssignmentMetadata",
    "StreamsGroupTargetAssignmentMember",
    "StreamsGroupCurrentMemberAssignment",
)
TRANSACTION_RECORDS = RecordTypes("TransactionLog")
SHARE_RECORDS = RecordTypes("ShareSnapshot", "ShareUpdate")
