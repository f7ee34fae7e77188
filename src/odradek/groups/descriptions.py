"""How groups look to administrators: DescribeGroups and ListGroups."""

from __future__ import annotations

from collections.abc import Iterable

from odradek.groups.commands import GroupDescription, GroupListing, ListGroups, MemberDescription
from odradek.groups.group import ClassicGroup
from odradek.groups.group_state import GroupState

CLASSIC_GROUP_TYPE = "classic"


def describe(group: ClassicGroup | None, *, release_4: bool) -> GroupDescription:
    """A group that does not exist is Dead. Protocol and members' bytes are shown while it is Stable;
    since release 4 the assignments of the last generation at other times too."""
    if group is None:
        return GroupDescription(GroupState.DEAD.value)
    stable = group.state is GroupState.STABLE
    protocol = (group.protocol_name or "") if stable else ""
    return GroupDescription(
        group.state.value,
        group.protocol_type or "",
        protocol,
        tuple(
            MemberDescription(
                member.member_id,
                member.group_instance_id,
                member.client_id,
                member.client_host,
                member.metadata(protocol) if stable else b"",
                member.assignment if stable or release_4 else b"",
            )
            for member in group.members.values()
        ),
    )


def listing(groups: Iterable[ClassicGroup], command: ListGroups) -> list[GroupListing]:
    """The groups that pass both filters."""
    states = {state.lower() for state in command.states}
    types = {group_type.lower() for group_type in command.types}
    if types and CLASSIC_GROUP_TYPE not in types:
        return []
    return [
        GroupListing(group.group_id, group.protocol_type or "", group.state.value, CLASSIC_GROUP_TYPE)
        for group in groups
        if not states or group.state.value.lower() in states
    ]
