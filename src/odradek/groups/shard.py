"""The groups of one partition of `__consumer_offsets`: commands in, decisions out.

Finds the group a command is about and runs the command through it. What survives a restart is in
`GroupJournal`; what does not (who waits, whose session ends when) is in the groups and the timers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from odradek.coordinators.outcome import Now, Outcome, ReplayedRecord, Ticket
from odradek.coordinators.timers import Timers
from odradek.errors import KafkaError
from odradek.groups import (
    classic_join,
    classic_membership,
    classic_sync,
    commands,
    descriptions,
    expiration,
    offsets,
    rebalance,
)
from odradek.groups.config import GroupConfig
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState
from odradek.groups.journal import GroupJournal
from odradek.groups.step import Step, TimerKey
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode


class GroupShard:
    """A `coordinators.shard.Shard`."""

    def __init__(self, config: GroupConfig) -> None:
        self.config = config
        self.groups: dict[str, ClassicGroup] = {}
        self.journal = GroupJournal()
        self.timers: Timers[TimerKey] = Timers()
        self._handlers: dict[type, Callable[[Any, Ticket, Step], None]] = {
            commands.JoinGroup: self._join,
            commands.SyncGroup: self._sync,
            commands.Heartbeat: self._heartbeat,
            commands.LeaveGroup: self._leave,
            commands.CommitOffsets: self._commit_offsets,
            commands.FetchOffsets: self._fetch_offsets,
            commands.DeleteOffsets: self._delete_offsets,
            commands.DeleteGroup: self._delete_group,
            commands.DescribeGroup: self._describe_group,
            commands.ListGroups: self._list_groups,
            commands.ExpireOffsets: self._expire_offsets,
            commands.ForgetPartitions: self._forget_partitions,
        }

    # -- coordinators.shard.Shard ------------------------------------------------------------------------

    def handle(self, command: Any, ticket: Ticket, now: Now) -> Outcome:
        step = Step(now, self.config, self.timers)
        self._handlers[type(command)](command, ticket, step)
        return step.outcome()

    def replay(self, record: ReplayedRecord) -> None:
        self.journal.replay(record)

    def replay_end_of_transaction(self, producer_id: int, *, committed: bool) -> None:
        self.journal.end_transaction(producer_id, committed=committed)

    def loaded(self, now: Now) -> Iterator[Outcome]:
        for group_id in self.journal.group_ids():
            stored = self.journal.groups.get(group_id)
            if stored is None:
                self.groups[group_id] = ClassicGroup(group_id, now.wall_ms)
                continue
            group = self.groups[group_id] = ClassicGroup.restore(group_id, stored)
            step = self._step(now)
            if len(group.members) > self.config.max_size:
                rebalance.prepare(group, step)  # whoever joins again first may stay
            for member in group.members.values():
                rebalance.start_session(group, member, step)
            yield step.outcome()

    def next_deadline_ms(self) -> int | None:
        return self.timers.next_deadline_ms()

    def expire(self, now: Now) -> Iterator[Outcome]:
        while (key := self.timers.pop_due(now.monotonic_ms)) is not None:
            kind, group_id, member_id = key
            group = self.groups.get(group_id)
            if group is None:
                continue
            step = self._step(now)
            if kind == "session":
                rebalance.on_session_timer(group, member_id, step)
            elif kind == "join":
                rebalance.on_join_timer(group, step)
            else:
                rebalance.on_sync_timer(group, step)
            yield step.outcome()

    # -- commands ----------------------------------------------------------------------------------------

    def _step(self, now: Now) -> Step:
        return Step(now, self.config, self.timers)

    def _group(self, group_id: str, missing: ErrorCode = ErrorCode.UNKNOWN_MEMBER_ID) -> ClassicGroup:
        group = self.groups.get(group_id)
        if group is None:
            raise KafkaError(missing)
        return group

    def _created(self, group_id: str, step: Step) -> ClassicGroup:
        group = self.groups.get(group_id)
        if group is None:
            group = self.groups[group_id] = ClassicGroup(group_id, step.now.wall_ms)
        return group

    def _join(self, command: commands.JoinGroup, ticket: Ticket, step: Step) -> None:
        classic_join.check_session_timeout(command, step)
        known = command.member_id != commands.UNKNOWN_MEMBER_ID
        group = self._group(command.group_id) if known else self._created(command.group_id, step)
        classic_join.join(group, command, ticket, step)

    def _sync(self, command: commands.SyncGroup, ticket: Ticket, step: Step) -> None:
        classic_sync.sync(self._group(command.group_id), command, ticket, step)

    def _heartbeat(self, command: commands.Heartbeat, ticket: Ticket, step: Step) -> None:
        group = self._group(command.group_id)
        step.reply(ticket, classic_membership.heartbeat(group, command, step))

    def _leave(self, command: commands.LeaveGroup, ticket: Ticket, step: Step) -> None:
        group = self.groups.get(command.group_id)
        if group is None:
            step.reply(ticket, [ErrorCode.UNKNOWN_MEMBER_ID] * len(command.members))
        else:
            step.reply(ticket, classic_membership.leave(group, command, step))

    def _commit_offsets(self, command: commands.CommitOffsets, ticket: Ticket, step: Step) -> None:
        group = self.groups.get(command.group_id)
        if group is None:
            if command.generation_id >= 0:
                new = self.config.release_4 and command.request_version >= 9
                raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND if new else ErrorCode.ILLEGAL_GENERATION)
            group = self._created(command.group_id, step)
        offsets.commit(group, command, ticket, step)

    def _fetch_offsets(self, command: commands.FetchOffsets, ticket: Ticket, step: Step) -> None:
        group = self.groups.get(command.group_id)
        if group is None:
            step.reply(ticket, offsets.nothing_committed(command))
        else:
            step.reply(ticket, offsets.fetch(group, self.journal, command))

    def _delete_offsets(self, command: commands.DeleteOffsets, ticket: Ticket, step: Step) -> None:
        group = self._group(command.group_id, ErrorCode.GROUP_ID_NOT_FOUND)
        codes = offsets.deletable(group, command.partitions)
        allowed = {partition for partition, code in codes.items() if code is ErrorCode.NONE}
        forgotten = self._partitions(group) & allowed
        if self.config.release_4:
            offsets.forget(group, forgotten, step)
        elif allowed:
            self._clean_up(group, forgotten, step)  # takes an empty group with its last offset
        step.reply(ticket, codes)

    def _delete_group(self, command: commands.DeleteGroup, ticket: Ticket, step: Step) -> None:
        group = self._group(command.group_id, ErrorCode.GROUP_ID_NOT_FOUND)
        if group.state is not GroupState.EMPTY:
            raise KafkaError(ErrorCode.NON_EMPTY_GROUP)
        offsets.forget(group, self._partitions(group), step)
        self._end(group, step)
        step.reply(ticket, None)

    def _describe_group(self, command: commands.DescribeGroup, ticket: Ticket, step: Step) -> None:
        group = self.groups.get(command.group_id)
        step.reply(ticket, descriptions.describe(group, release_4=self.config.release_4))

    def _list_groups(self, command: commands.ListGroups, ticket: Ticket, step: Step) -> None:
        step.reply(ticket, descriptions.listing(self.groups.values(), command))

    def _expire_offsets(self, command: commands.ExpireOffsets, ticket: Ticket, step: Step) -> None:
        retention_ms = self.config.offsets_retention_ms
        count = 0
        for group in list(self.groups.values()):
            expired = expiration.expired_offsets(group, self.journal, retention_ms, step.now.wall_ms)
            count += len(expired)
            self._clean_up(group, expired, step)
        step.reply(ticket, count)

    def _forget_partitions(self, command: commands.ForgetPartitions, ticket: Ticket, step: Step) -> None:
        for group in list(self.groups.values()):
            deleted = self._partitions(group) & command.partitions
            self._clean_up(group, deleted, step)
        step.reply(ticket, None)

    def _partitions(self, group: ClassicGroup) -> set[TopicPartition]:
        """Those with an offset, committed or on its way: in the log a deletion comes after both."""
        return self.journal.partitions(group.group_id) | group.pending_offset_commits.keys()

    def _clean_up(self, group: ClassicGroup, partitions: Collection[TopicPartition], step: Step) -> None:
        """Forget these offsets, and the group if nothing keeps it."""
        offsets.forget(group, partitions, step)
        if expiration.is_over(group, self.journal.partitions(group.group_id).difference(partitions)):
            self._end(group, step)

    def _end(self, group: ClassicGroup, step: Step) -> None:
        expiration.end(group, self.journal, step)
        del self.groups[group.group_id]
