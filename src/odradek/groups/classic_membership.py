"""Heartbeat and LeaveGroup: a member says that it is alive, or that it goes."""

from __future__ import annotations

from odradek.errors import KafkaError
from odradek.groups import rebalance
from odradek.groups.commands import UNKNOWN_MEMBER_ID, Heartbeat, LeaveGroup, LeavingMember
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState
from odradek.groups.step import Step
from odradek.protocol.error_codes import ErrorCode


def heartbeat(group: ClassicGroup, command: Heartbeat, step: Step) -> ErrorCode:
    """NONE, or REBALANCE_IN_PROGRESS: the member is to join again. Raises KafkaError to refuse."""
    group.check_member(command.member_id, command.group_instance_id)
    if command.generation_id != group.generation_id:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    rebalance.start_session(group, group.members[command.member_id], step)
    if group.state is GroupState.PREPARING_REBALANCE:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return ErrorCode.NONE


def leave(group: ClassicGroup, command: LeaveGroup, step: Step) -> list[ErrorCode]:
    """Take members out, each on its own account: one that is refused does not keep the others."""
    return [_leave(group, leaving, step) for leaving in command.members]


def _leave(group: ClassicGroup, leaving: LeavingMember, step: Step) -> ErrorCode:
    member_id = leaving.member_id
    if member_id == UNKNOWN_MEMBER_ID:
        static_id = group.static_members.get(leaving.group_instance_id or "")
        if static_id is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        member_id = static_id
    elif member_id in group.pending_members:
        rebalance.remove_pending_member(group, member_id, step)
        return ErrorCode.NONE
    else:
        try:
            group.check_member(member_id, leaving.group_instance_id)
        except KafkaError as error:
            return ErrorCode(error.code)
    rebalance.remove_member(group, group.members[member_id], step)
    return ErrorCode.NONE
