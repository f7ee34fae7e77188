"""DeleteGroups: empty ones go."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import commit, leave
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.delete_groups_request import DeleteGroupsRequest
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestGroup


def delete(*groups: str) -> DeleteGroupsRequest:
    return DeleteGroupsRequest(groups_names=list(groups))


@scenario(ApiKey.DELETE_GROUPS)
def with_offsets_only(k: Session) -> None:
    k.send(commit(k.name("g"), k.create_topic(), 5))
    k.send(delete(k.name("g")))
    k.send(delete(k.name("g")))
    k.send(OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=k.name("g"), topics=None)]), version=8)


@scenario(ApiKey.DELETE_GROUPS)
def with_members(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(delete(member.group))
    k.send(leave(3, member.group, (member.id, None)), version=3)
    k.send(delete(member.group))
    k.send(DescribeGroupsRequest(groups=[member.group]))


@scenario(ApiKey.DELETE_GROUPS)
def unknown_groups(k: Session) -> None:
    k.send(delete(k.name()))
    k.send(delete(""))
    k.send(delete())


@scenario(ApiKey.DELETE_GROUPS)
def several_groups(k: Session) -> None:
    topic = k.create_topic("t")
    k.send(commit(k.name("a"), topic, 5))
    k.stable_member(k.name("b"))
    k.send(delete(k.name("c"), k.name("b"), k.name("a"), k.name("a")), unordered="results")
