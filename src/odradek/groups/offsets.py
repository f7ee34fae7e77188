"""Committed offsets: commit, fetch, delete.

A commit is visible once it is committed to `__consumer_offsets`; until then `require_stable` fetches
answer UNSTABLE_OFFSET_COMMIT for its partitions. Kafka: GroupCoordinator.handleCommitOffsets,
GroupMetadataManager.getOffsets, and in release 4 OffsetMetadataManager.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odradek.coordinators.outcome import Now, Outcome, Ticket
from odradek.errors import KafkaError
from odradek.groups import rebalance, records
from odradek.groups.commands import (
    UNKNOWN_MEMBER_ID,
    CommitOffsets,
    FetchedOffset,
    FetchOffsets,
    OffsetToCommit,
)
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState
from odradek.groups.journal import GroupJournal
from odradek.groups.journal_errors import offset_commit_error
from odradek.groups.step import Step
from odradek.groups.stored import CommittedOffset
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode


def commit(group: ClassicGroup, command: CommitOffsets, ticket: Ticket, step: Step) -> None:
    """Write the offsets down; answered per partition. Raises KafkaError when the member may not commit."""
    _check_may_commit(group, command)
    if group.state in (GroupState.STABLE, GroupState.PREPARING_REBALANCE):
        rebalance.start_session(group, group.members[command.member_id], step)
    codes = dict.fromkeys(command.offsets, ErrorCode.NONE)
    accepted = {}
    for partition, offset in command.offsets.items():
        if java_length(offset.metadata) > step.config.offset_metadata_max_bytes:
            codes[partition] = ErrorCode.OFFSET_METADATA_TOO_LARGE
        else:
            accepted[partition] = _committed(offset, command.retention_ms, step.now)
    if not accepted:
        step.reply(ticket, codes)
        return
    for partition, committed in accepted.items():
        step.records.append(records.offset_record(group.group_id, partition, committed))
    group.pending_offset_commits.update(accepted)  # none, if one of them cannot be written at all

    def after(error: KafkaError | None, now: Now) -> Outcome:
        for partition, committed in accepted.items():
            if group.pending_offset_commits.get(partition) is committed:
                del group.pending_offset_commits[partition]
            if error is not None:
                codes[partition] = offset_commit_error(error)
        return Outcome(replies=((ticket, codes),))

    step.after = after


def _check_may_commit(group: ClassicGroup, command: CommitOffsets) -> None:
    if command.generation_id < 0 and group.state is GroupState.EMPTY:
        return  # an administrator, or a consumer that assigns its partitions itself
    named = command.member_id != UNKNOWN_MEMBER_ID or command.group_instance_id is not None
    if command.generation_id >= 0 or named:
        group.check_member(command.member_id, command.group_instance_id)
        if command.generation_id != group.generation_id:
            raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    elif group.state is not GroupState.EMPTY:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    if group.state is GroupState.COMPLETING_REBALANCE:
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)


def _committed(offset: OffsetToCommit, retention_ms: int | None, now: Now) -> CommittedOffset:
    return CommittedOffset(
        offset.offset,
        offset.leader_epoch,
        offset.metadata,
        now.wall_ms if offset.commit_timestamp_ms is None else offset.commit_timestamp_ms,
        None if retention_ms is None else _wrapped(now.wall_ms + retention_ms),
    )


def _wrapped(value: int) -> int:
    """As Java adds int64, which is what the journal has room for: beyond the end of time lies the past."""
    return (value + 2**63) % 2**64 - 2**63


def java_length(text: str) -> int:
    """Kafka compares `offset.metadata.max.bytes` with UTF-16 code units, not with bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def fetch(
    group: ClassicGroup, journal: GroupJournal, command: FetchOffsets
) -> dict[TopicPartition, FetchedOffset]:
    """What the group has committed; a partition it never committed has offset −1."""
    committed = journal.offsets.get(group.group_id, {})
    partitions = command.partitions if command.partitions is not None else tuple(committed)
    return {
        partition: (
            FetchedOffset(error=ErrorCode.UNSTABLE_OFFSET_COMMIT)
            if command.require_stable and _is_unsettled(group, journal, partition)
            else _fetched(committed, partition)
        )
        for partition in partitions
    }


def nothing_committed(command: FetchOffsets) -> dict[TopicPartition, FetchedOffset]:
    """The answer for a group that does not exist: it has no offsets, which is no error."""
    return dict.fromkeys(command.partitions or (), FetchedOffset())


def _is_unsettled(group: ClassicGroup, journal: GroupJournal, partition: TopicPartition) -> bool:
    return partition in group.pending_offset_commits or journal.has_pending(group.group_id, partition)


def _fetched(committed: Mapping[TopicPartition, CommittedOffset], partition: TopicPartition) -> FetchedOffset:
    offset = committed.get(partition)
    if offset is None:
        return FetchedOffset()
    return FetchedOffset(offset.offset, offset.leader_epoch, offset.metadata)


def deletable(group: ClassicGroup, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, ErrorCode]:
    """Which offsets may go: those of topics that the group does not consume now.

    Raises NON_EMPTY_GROUP for an active group that is not made of consumers: what does it consume?
    """
    if group.state is GroupState.EMPTY:
        return dict.fromkeys(partitions, ErrorCode.NONE)
    if not group.is_consumer_group:
        raise KafkaError(ErrorCode.NON_EMPTY_GROUP)
    return {
        partition: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
        if group.is_subscribed_to(partition.topic)
        else ErrorCode.NONE
        for partition in partitions
    }


def forget(group: ClassicGroup, partitions: Iterable[TopicPartition], step: Step) -> None:
    """Write tombstones for these offsets of the group."""
    partitions = list(partitions)
    for partition in partitions:
        group.pending_offset_commits.pop(partition, None)
    step.append_best_effort(*(records.offset_tombstone(group.group_id, p) for p in partitions))
