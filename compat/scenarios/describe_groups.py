"""DescribeGroups: state and members, step by step."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import commit, join, leave
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest


@scenario(ApiKey.DESCRIBE_GROUPS)
def every_state(k: Session) -> None:
    group = k.name()
    describe = DescribeGroupsRequest(groups=[group])
    k.send(describe)
    member = k.join(group)
    k.send(describe)
    member = k.stable_member(k.name("stable"), protocols=("range", "sticky"))
    describe = DescribeGroupsRequest(groups=[member.group])
    k.send(describe)
    second = join(member.group)
    second.member_id = k.send(second).member_id
    waiting = k.post(second)
    k.send(describe, until=lambda answer: answer.groups[0].group_state == "PreparingRebalance")
    k.send(leave(3, member.group, (member.id, None)), version=3)
    other = k.take(waiting)
    k.send(describe)
    k.send(leave(3, member.group, (other.member_id, None)), version=3)
    k.send(describe)


@scenario(ApiKey.DESCRIBE_GROUPS)
def with_offsets_only(k: Session) -> None:
    k.send(commit(k.name(), k.create_topic(), 5))
    k.send(DescribeGroupsRequest(groups=[k.name()]))


@scenario(ApiKey.DESCRIBE_GROUPS)
def several_groups(k: Session) -> None:
    k.stable_member(k.name("b"))
    asked = [k.name("c"), k.name("b"), "", k.name("b")]
    k.send(DescribeGroupsRequest(groups=asked), unordered="groups")
    k.send(DescribeGroupsRequest(groups=[]))


@scenario(ApiKey.DESCRIBE_GROUPS)
def a_static_member(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(DescribeGroupsRequest(groups=[member.group]))


@scenario(ApiKey.DESCRIBE_GROUPS, since=3)
def authorized_operations(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(DescribeGroupsRequest(groups=[member.group], include_authorized_operations=True))
    k.send(DescribeGroupsRequest(groups=[k.name("none")], include_authorized_operations=True))


@scenario(ApiKey.DESCRIBE_GROUPS, newest_only=True, restarts=True)
def after_a_restart(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one", session_timeout_ms=60_000)
    k.restart_broker()
    request = DescribeGroupsRequest(groups=[member.group])
    k.send(request)
