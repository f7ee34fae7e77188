"""The rebalance of a classic group: wait for the members, form a generation, wait for the assignment.

    Empty, Stable, CompletingRebalance ──prepare──▶ PreparingRebalance ──complete──▶ CompletingRebalance
                                                        everybody joined, or the time is up    │
    Stable ◀──────────────────── the leader's assignment is stored (classic_sync) ─────────────┘

The first rebalance of an empty group is put off (`group.initial.rebalance.delay.ms`) so that members that
start together meet in one generation; each newcomer extends the wait up to the rebalance time-out.
Kafka: GroupCoordinator.prepareRebalance, onCompleteJoin, InitialDelayedJoin, DelayedSync.
"""

from __future__ import annotations

from odradek.groups import records
from odradek.groups.commands import UNKNOWN_MEMBER_ID, JoinGroupReply, SyncGroupReply
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState
from odradek.groups.member import Member
from odradek.groups.step import Step
from odradek.groups.subscription import UnreadableSubscription
from odradek.protocol.error_codes import ErrorCode

_RETRY_MS = 100


def prepare(group: ClassicGroup, step: Step) -> None:
    """Ask every member to join again; complete at once if all of them already wait."""
    if group.state is GroupState.COMPLETING_REBALANCE:
        answer_syncs(group, step, ErrorCode.REBALANCE_IN_PROGRESS)
    _stop_sync_timer(group, step)
    initial = group.state is GroupState.EMPTY
    group.move_to(GroupState.PREPARING_REBALANCE, step.now.wall_ms)
    if initial:
        delay_ms = step.config.initial_rebalance_delay_ms
        group.initial_join_remaining_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
        step.start_timer("join", group.group_id, delay_ms)
        return
    group.initial_join_remaining_ms = None
    step.start_timer("join", group.group_id, group.rebalance_timeout_ms)
    complete_if_all_joined(group, step)


def prepare_if_possible(group: ClassicGroup, step: Step) -> None:
    """Start a rebalance unless one is being prepared already."""
    if group.can_rebalance:
        prepare(group, step)


def complete_if_all_joined(group: ClassicGroup, step: Step) -> None:
    """Form the generation when nobody is missing; the initial delay is always waited for."""
    if (
        group.state is GroupState.PREPARING_REBALANCE
        and group.initial_join_remaining_ms is None
        and group.has_all_members_joined
    ):
        _complete(group, step)


def on_join_timer(group: ClassicGroup, step: Step) -> None:
    """The initial delay or the rebalance time-out has passed."""
    if group.state is not GroupState.PREPARING_REBALANCE:
        return
    remaining_ms = group.initial_join_remaining_ms
    if remaining_ms and group.new_member_added:
        delay_ms = min(step.config.initial_rebalance_delay_ms, remaining_ms)
        group.new_member_added = False
        group.initial_join_remaining_ms = max(remaining_ms - delay_ms, 0)
        step.start_timer("join", group.group_id, delay_ms)
        return
    _complete(group, step)


def _complete(group: ClassicGroup, step: Step) -> None:
    group.initial_join_remaining_ms = None
    step.stop_timer("join", group.group_id)
    for member in [m for m in group.members.values() if m.awaiting_join is None and not m.is_static]:
        group.remove(member.member_id)
        step.stop_timer("session", group.group_id, member.member_id)
    if not group.elect_joined_leader() and group.members:
        # Only static members are left and none has come: wait until their sessions end. Never no time at all,
        # if that is what they ask for: the timer would be due again and again in one and the same turn.
        step.start_timer("join", group.group_id, max(group.rebalance_timeout_ms, _RETRY_MS))
        return
    try:
        group.start_generation(step.now.wall_ms, release_4=step.config.release_4)
    except UnreadableSubscription:
        _fail(group, step)
        return
    if group.state is GroupState.EMPTY:
        # If this is lost, the generation before it becomes active again after a restart and times out.
        step.append_best_effort(records.group_record(group.group_id, group.snapshot({})))
        return
    for member in list(group.members.values()):
        answer_join(group, member, step)
        start_session(group, member, step)
        member.is_new = False
        group.pending_sync_members.add(member.member_id)
    step.start_timer("sync", group.group_id, group.rebalance_timeout_ms)


def _fail(group: ClassicGroup, step: Step) -> None:
    """No generation comes of these members: all may join again, with subscriptions that can be read.

    Kafka tells only the member that came last, and the group never gets out of its rebalance.
    """
    for member in group.members.values():
        if member.awaiting_join is not None:
            reply = JoinGroupReply(UNKNOWN_MEMBER_ID, ErrorCode.UNKNOWN_SERVER_ERROR)
            step.reply(member.awaiting_join, reply)
            member.awaiting_join = None
            start_session(group, member, step)
    step.start_timer("join", group.group_id, group.rebalance_timeout_ms)


def answer_join(group: ClassicGroup, member: Member, step: Step) -> None:
    """Tell a waiting member its generation."""
    if member.awaiting_join is not None:
        step.reply(member.awaiting_join, current_generation(group, member))
        member.awaiting_join = None


def current_generation(group: ClassicGroup, member: Member) -> JoinGroupReply:
    """The generation as `member` is told of it: the leader also learns who is in it."""
    return JoinGroupReply(
        member.member_id,
        generation_id=group.generation_id,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol_name,
        leader_id=group.leader_id or "",
        members=group.joined_members() if group.is_leader(member.member_id) else (),
    )


def answer_syncs(group: ClassicGroup, step: Step, error: ErrorCode = ErrorCode.NONE) -> None:
    """Give every member that waits its assignment, or the error, in which case there is no assignment."""
    for member in group.members.values():
        if error is not ErrorCode.NONE:
            member.assignment = b""
        if member.awaiting_sync is not None:
            step.reply(member.awaiting_sync, _sync_reply(group, member, error))
            member.awaiting_sync = None
            # Sessions do not run out while a member waits for us, so they start again here.
            start_session(group, member, step)


def _sync_reply(group: ClassicGroup, member: Member, error: ErrorCode) -> SyncGroupReply:
    if error is not ErrorCode.NONE:
        return SyncGroupReply(error)
    return SyncGroupReply(error, group.protocol_type, group.protocol_name, member.assignment)


def start_session(group: ClassicGroup, member: Member, step: Step, timeout_ms: int | None = None) -> None:
    """The member has just shown that it lives; by default it has its session time-out to do so again."""
    timeout_ms = member.session_timeout_ms if timeout_ms is None else timeout_ms
    step.start_timer("session", group.group_id, timeout_ms, member.member_id)


def on_session_timer(group: ClassicGroup, member_id: str, step: Step) -> None:
    """A session has passed without a sign of life, or a member did not come back with the id it was given."""
    if member_id in group.pending_members:
        remove_pending_member(group, member_id, step)
        return
    member = group.members.get(member_id)
    if member is not None and member.may_expire:
        remove_member(group, member, step)


def remove_member(group: ClassicGroup, member: Member, step: Step) -> None:
    """A member leaves or is gone: the others share its partitions."""
    if member.awaiting_join is not None:
        reply = JoinGroupReply(UNKNOWN_MEMBER_ID, ErrorCode.UNKNOWN_MEMBER_ID)
        step.reply(member.awaiting_join, reply)
        member.awaiting_join = None
    if member.awaiting_sync is not None:
        # Kafka leaves this request without an answer until its client gives up.
        step.reply(member.awaiting_sync, SyncGroupReply(ErrorCode.UNKNOWN_MEMBER_ID))
        member.awaiting_sync = None
    group.remove(member.member_id)
    step.stop_timer("session", group.group_id, member.member_id)
    if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
        prepare_if_possible(group, step)
    else:
        complete_if_all_joined(group, step)


def remove_pending_member(group: ClassicGroup, member_id: str, step: Step) -> None:
    """Nobody waits any longer for a member that was told its id and has not used it."""
    group.remove(member_id)
    step.stop_timer("session", group.group_id, member_id)
    complete_if_all_joined(group, step)


def received_sync(group: ClassicGroup, member_id: str, step: Step) -> None:
    """The member has asked for its assignment in time."""
    group.pending_sync_members.discard(member_id)
    if not group.pending_sync_members:
        step.stop_timer("sync", group.group_id)


def on_sync_timer(group: ClassicGroup, step: Step) -> None:
    """Members that joined and never asked for their assignment are out; the others start again."""
    if group.state not in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
        return
    missing = list(group.pending_sync_members)
    for member_id in missing:
        group.remove(member_id)
        step.stop_timer("session", group.group_id, member_id)
    if missing:
        prepare(group, step)


def _stop_sync_timer(group: ClassicGroup, step: Step) -> None:
    group.pending_sync_members.clear()
    step.stop_timer("sync", group.group_id)
