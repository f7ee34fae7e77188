"""LeaveGroup: one member, several at once, and those who never came."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import heartbeat, leave
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.leave_group_request import LeaveGroupRequest

BATCHED = 3


@scenario(ApiKey.LEAVE_GROUP)
def the_only_member(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(leave(k.version, member.group, (member.id, None)))
    k.send(heartbeat(member))
    k.send(DescribeGroupsRequest(groups=[member.group]))


@scenario(ApiKey.LEAVE_GROUP)
def twice(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(leave(k.version, member.group, (member.id, None)))
    k.send(leave(k.version, member.group, (member.id, None)))


@scenario(ApiKey.LEAVE_GROUP)
def who_never_came(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(leave(k.version, member.group, ("nobody", None)))
    k.send(leave(k.version, member.group, ("", None)))
    k.send(leave(k.version, k.name("none"), ("nobody", None)))
    k.send(leave(k.version, "", ("nobody", None)))


@scenario(ApiKey.LEAVE_GROUP, since=BATCHED)
def several_at_once(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(leave(k.version, member.group, ("nobody", None), (member.id, None), ("", "two")))
    k.send(heartbeat(member))


@scenario(ApiKey.LEAVE_GROUP, since=BATCHED)
def by_instance(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(leave(k.version, member.group, ("other", "one")))
    k.send(leave(k.version, member.group, ("", "two")))
    k.send(leave(k.version, member.group, ("", "one")))
    k.send(leave(k.version, member.group, ("", "one")))


@scenario(ApiKey.LEAVE_GROUP, since=BATCHED)
def by_member_and_instance(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(leave(k.version, member.group, (member.id, "one")))
    k.send(DescribeGroupsRequest(groups=[member.group]))


@scenario(ApiKey.LEAVE_GROUP, since=BATCHED)
def nobody_leaves(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(LeaveGroupRequest(group_id=member.group, members=[]))
    k.send(LeaveGroupRequest(group_id=k.name("none"), members=[]))
