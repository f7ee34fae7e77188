"""JoinGroup: a member comes, comes back, or takes the place of its former self.

A dynamic member first learns its id (MEMBER_ID_REQUIRED, KIP-394) and joins again with it. A static
member (KIP-345) that comes without an id replaces the member of its instance id: without a rebalance
when the group is stable and would choose the same protocol again. Kafka: GroupCoordinator.handleJoinGroup.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from odradek.coordinators.outcome import Now, Outcome, Ticket
from odradek.errors import KafkaError
from odradek.groups import rebalance, records
from odradek.groups.commands import UNKNOWN_MEMBER_ID, JoinGroup, JoinGroupReply, SyncGroupReply
from odradek.groups.config import NEW_MEMBER_JOIN_TIMEOUT_MS
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState
from odradek.groups.journal_errors import group_metadata_error
from odradek.groups.member import Member
from odradek.groups.step import Step
from odradek.protocol.error_codes import ErrorCode


def check_session_timeout(command: JoinGroup, step: Step) -> None:
    """Raises INVALID_SESSION_TIMEOUT outside `group.min/max.session.timeout.ms`, both inclusive."""
    config = step.config
    if not config.min_session_timeout_ms <= command.session_timeout_ms <= config.max_session_timeout_ms:
        raise KafkaError(ErrorCode.INVALID_SESSION_TIMEOUT)


def join(group: ClassicGroup, command: JoinGroup, ticket: Ticket, step: Step) -> None:
    """Take a member in; the answer comes when the generation is complete, unless it is known at once."""
    if not _has_room(group, command.member_id, step):
        group.remove(command.member_id)
        step.reply(ticket, JoinGroupReply(UNKNOWN_MEMBER_ID, ErrorCode.GROUP_MAX_SIZE_REACHED))
    elif not group.supports_protocols(command.protocol_type, [name for name, _ in command.protocols]):
        step.reply(ticket, JoinGroupReply(command.member_id, ErrorCode.INCONSISTENT_GROUP_PROTOCOL))
    elif command.member_id != UNKNOWN_MEMBER_ID:
        _join_known(group, command, ticket, step)
    elif command.group_instance_id is not None:
        _join_static(group, command, command.group_instance_id, ticket, step)
    elif command.require_known_member_id:
        group.pending_members.add(command.fresh_member_id)
        step.start_timer("session", group.group_id, command.session_timeout_ms, command.fresh_member_id)
        step.reply(ticket, JoinGroupReply(command.fresh_member_id, ErrorCode.MEMBER_ID_REQUIRED))
    else:
        _add(group, command.fresh_member_id, command, ticket, step)
    rebalance.complete_if_all_joined(group, step)


def _has_room(group: ClassicGroup, member_id: str, step: Step) -> bool:
    """`group.max.size`. While a rebalance is prepared, those who came first stay: the size itself may be
    above a maximum that has been lowered."""
    if group.state is GroupState.EMPTY:
        return True
    if group.state is GroupState.PREPARING_REBALANCE:
        member = group.members.get(member_id)
        already_waits = member is not None and member.awaiting_join is not None
        return already_waits or group.awaiting_join_count < step.config.max_size
    return member_id in group.members or len(group.members) < step.config.max_size


def _join_known(group: ClassicGroup, command: JoinGroup, ticket: Ticket, step: Step) -> None:
    """A member that has an id: from a MEMBER_ID_REQUIRED answer, or from an earlier generation."""
    if command.member_id in group.pending_members and command.group_instance_id is None:
        _add(group, command.member_id, command, ticket, step)
        return
    try:
        group.check_member(command.member_id, command.group_instance_id)
    except KafkaError as error:
        step.reply(ticket, JoinGroupReply(command.member_id, ErrorCode(error.code)))
        return
    member = group.members[command.member_id]
    unchanged = member.protocols == command.protocols
    if group.state is GroupState.COMPLETING_REBALANCE:
        # It joins again as it was: probably the answer to its first join got lost.
        answer_again = unchanged
    else:
        # A leader that joins a stable group again asks for a rebalance: it has seen partitions change.
        answer_again = (
            group.state is GroupState.STABLE and unchanged and not group.is_leader(member.member_id)
        )
    if answer_again:
        step.reply(ticket, rebalance.current_generation(group, member))
        return
    _supersede(member, step)
    group.update(member, command.protocols, command.rebalance_timeout_ms, command.session_timeout_ms, ticket)
    rebalance.prepare_if_possible(group, step)


def _supersede(member: Member, step: Step) -> None:
    """A member that joins again has given up on its earlier join: that request is not left hanging."""
    if member.awaiting_join is not None:
        step.reply(member.awaiting_join, JoinGroupReply(member.member_id, ErrorCode.REBALANCE_IN_PROGRESS))
        member.awaiting_join = None


def _add(group: ClassicGroup, member_id: str, command: JoinGroup, ticket: Ticket, step: Step) -> None:
    member = Member(
        member_id,
        command.group_instance_id,
        command.client_id,
        command.client_host,
        command.rebalance_timeout_ms,
        command.session_timeout_ms,
        command.protocol_type,
        command.protocols,
        awaiting_join=ticket,
        is_new=True,
    )
    if group.state is GroupState.PREPARING_REBALANCE and group.generation_id == 0:
        group.new_member_added = True
    group.add(member)
    # Its client cannot heartbeat yet and may be gone without our noticing: it does not wait forever.
    rebalance.start_session(group, member, step, NEW_MEMBER_JOIN_TIMEOUT_MS)
    rebalance.prepare_if_possible(group, step)


def _join_static(
    group: ClassicGroup, command: JoinGroup, instance_id: str, ticket: Ticket, step: Step
) -> None:
    """A static member without an id: the first of its instance id, or one that has restarted."""
    old_member_id = group.static_members.get(instance_id)
    if old_member_id is None:
        _add(group, command.fresh_member_id, command, ticket, step)
        return
    old_leader_id = group.leader_id or ""
    member = group.members[old_member_id]
    if member.awaiting_join is not None:
        reply = JoinGroupReply(old_member_id, ErrorCode.FENCED_INSTANCE_ID)
        step.reply(member.awaiting_join, reply)
        member.awaiting_join = None
    if member.awaiting_sync is not None:
        step.reply(member.awaiting_sync, SyncGroupReply(ErrorCode.FENCED_INSTANCE_ID))
        member.awaiting_sync = None
    before = (member.protocols, member.rebalance_timeout_ms, member.session_timeout_ms)
    group.rename_static_member(old_member_id, command.fresh_member_id)
    step.stop_timer("session", group.group_id, old_member_id)
    rebalance.start_session(group, member, step)
    group.update(member, command.protocols, command.rebalance_timeout_ms, command.session_timeout_ms, ticket)
    if group.state is GroupState.COMPLETING_REBALANCE:
        # The leader may be assigning partitions to the old id already.
        rebalance.prepare(group, step)
    elif group.state is GroupState.STABLE:
        if group.select_protocol(release_4=step.config.release_4) != group.protocol_name:
            rebalance.prepare_if_possible(group, step)
            return

        def undo(failed: Step) -> None:
            if command.fresh_member_id in group.members:
                group.rename_static_member(command.fresh_member_id, old_member_id)
                group.update(member, *before, awaiting_join=None)
                rebalance.start_session(group, member, failed)

        _store_replacement(group, member, command, old_leader_id, step, undo)


def _store_replacement(
    group: ClassicGroup,
    member: Member,
    command: JoinGroup,
    old_leader_id: str,
    step: Step,
    undo: Callable[[Step], None],
) -> None:
    """Nobody else is affected, but the new id must survive a restart before its member hears of it."""
    ticket = member.awaiting_join
    assignments = {m.member_id: m.assignment for m in group.members.values()}
    step.records.append(records.group_record(group.group_id, group.snapshot(assignments)))

    def after(error: KafkaError | None, now: Now) -> Outcome:
        later = Step(now, step.config, step.timers)
        if ticket is None or member.awaiting_join != ticket or group.state is not GroupState.STABLE:
            return later.outcome()  # the group has moved on: it is answered, or waits for the rebalance
        member.awaiting_join = None
        reply = rebalance.current_generation(group, member)
        if error is not None:
            code = group_metadata_error(error)
            reply = replace(
                reply, error=code, member_id=UNKNOWN_MEMBER_ID, leader_id=old_leader_id, members=()
            )
            undo(later)
        elif command.supports_skipping_assignment:
            # The leader goes on watching its topics but must not assign: a stable group would not
            # listen (KIP-814).
            reply = replace(reply, skip_assignment=group.is_leader(member.member_id))
        else:
            # Older leaders are kept from assigning by not telling them that they lead.
            reply = replace(reply, leader_id=old_leader_id, members=())
        group.note_subscriptions()
        later.reply(ticket, reply)
        return later.outcome()

    step.after = after
