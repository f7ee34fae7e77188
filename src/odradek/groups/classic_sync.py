"""SyncGroup: the leader brings the assignment, every member fetches its part of it.

Members wait until the leader's assignment is committed to `__consumer_offsets`; that makes the group
Stable. Kafka: GroupCoordinator.handleSyncGroup.
"""

from __future__ import annotations

from odradek.coordinators.outcome import Now, Outcome, Ticket
from odradek.errors import KafkaError
from odradek.groups import rebalance, records
from odradek.groups.commands import SyncGroup, SyncGroupReply
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState
from odradek.groups.journal_errors import group_metadata_error
from odradek.groups.step import Step
from odradek.protocol.error_codes import ErrorCode


def sync(group: ClassicGroup, command: SyncGroup, ticket: Ticket, step: Step) -> None:
    """Answer with the member's assignment, as soon as there is one. Raises KafkaError to refuse."""
    _check(group, command)
    if group.state is GroupState.EMPTY:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    if group.state is GroupState.PREPARING_REBALANCE:
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
    member = group.members[command.member_id]
    rebalance.received_sync(group, command.member_id, step)
    if group.state is GroupState.STABLE:
        reply = SyncGroupReply(ErrorCode.NONE, group.protocol_type, group.protocol_name, member.assignment)
        step.reply(ticket, reply)
        rebalance.start_session(group, member, step)
        return
    if member.awaiting_sync is not None:
        step.reply(member.awaiting_sync, SyncGroupReply(ErrorCode.REBALANCE_IN_PROGRESS))
    member.awaiting_sync = ticket
    if group.is_leader(command.member_id):
        _store_assignment(group, command, step)


def _check(group: ClassicGroup, command: SyncGroup) -> None:
    group.check_member(command.member_id, command.group_instance_id)
    if command.generation_id != group.generation_id:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    for said, known in (
        (command.protocol_type, group.protocol_type),
        (command.protocol_name, group.protocol_name),
    ):
        if said is not None and said != known:
            raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)


def _store_assignment(group: ClassicGroup, command: SyncGroup, step: Step) -> None:
    """Members that the leader forgot get an empty assignment."""
    assignments = {member_id: command.assignments.get(member_id, b"") for member_id in group.members}
    step.records.append(records.group_record(group.group_id, group.snapshot(assignments)))

    def after(error: KafkaError | None, now: Now) -> Outcome:
        later = Step(now, step.config, step.timers)
        if group.state is not GroupState.COMPLETING_REBALANCE or group.generation_id != command.generation_id:
            return later.outcome()  # somebody joined or left meanwhile; all were told to join again
        if error is not None:
            rebalance.answer_syncs(group, later, group_metadata_error(error))
            rebalance.prepare_if_possible(group, later)
            return later.outcome()
        for member in group.members.values():
            member.assignment = assignments[member.member_id]
        group.move_to(GroupState.STABLE, now.wall_ms)
        rebalance.answer_syncs(group, later)
        return later.outcome()

    step.after = after
