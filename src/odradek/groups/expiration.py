"""When offsets and groups end: by retention (KIP-211), with their topics, or by hand.

    no members, protocol known     retention counts from when the group became empty
                                   (from each commit, if an old format did not record that)
    consumers, Stable              from each commit, for topics that nobody subscribes to
    no protocol (offsets only)     from each commit
    anything else                  nothing expires

A commit with a retention of its own (OffsetCommit 2–4) expires at that time in the first three cases.
Kafka: GroupMetadata.removeExpiredOffsets, GroupMetadataManager.cleanupGroupMetadata; in release 4
OffsetMetadataManager.cleanupExpiredOffsets.
"""

from __future__ import annotations

from collections.abc import Collection

from odradek.groups import records
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState
from odradek.groups.journal import GroupJournal
from odradek.groups.step import Step
from odradek.groups.stored import CommittedOffset
from odradek.metadata.topic_partition import TopicPartition


def expired_offsets(
    group: ClassicGroup, journal: GroupJournal, retention_ms: int, now_ms: int
) -> list[TopicPartition]:
    """The partitions whose offsets have outlived their retention."""
    since_empty = group.protocol_type is not None and group.state is GroupState.EMPTY
    if group.protocol_type is not None and not since_empty:
        watched = group.subscribed_topics
        if not group.is_consumer_group or group.state is not GroupState.STABLE or watched is None:
            return []
    else:
        watched = frozenset()

    def expired(committed: CommittedOffset) -> bool:
        if committed.expire_timestamp_ms is not None:
            return now_ms >= committed.expire_timestamp_ms
        from_state = since_empty and group.knows_state_timestamp
        base_ms = group.current_state_timestamp_ms if from_state else committed.commit_timestamp_ms
        return now_ms - base_ms >= retention_ms

    return [
        partition
        for partition, committed in journal.offsets.get(group.group_id, {}).items()
        if partition.topic not in watched
        and partition not in group.pending_offset_commits
        and not journal.has_pending(group.group_id, partition)
        and expired(committed)
    ]


def is_over(group: ClassicGroup, kept: Collection[TopicPartition]) -> bool:
    """Whether nothing keeps the group: neither members nor offsets, committed or on their way."""
    return group.state is GroupState.EMPTY and not kept and not group.pending_offset_commits


def end(group: ClassicGroup, journal: GroupJournal, step: Step) -> None:
    """The group is no more. One that never had a generation was never written, so nothing undoes that."""
    group.move_to(GroupState.DEAD, step.now.wall_ms)
    if group.generation_id > 0 or group.group_id in journal.groups:
        step.append_best_effort(records.group_tombstone(group.group_id))
