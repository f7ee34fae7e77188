"""ListGroups: all of them, by state, by type."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import commit
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.list_groups_request import ListGroupsRequest


def some_groups(k: Session) -> None:
    k.stable_member(k.name("stable"))
    k.join(k.name("joined"))
    k.send(commit(k.name("empty"), k.create_topic("t"), 5))


@scenario(ApiKey.LIST_GROUPS)
def all_groups(k: Session) -> None:
    k.send(ListGroupsRequest(), unordered="groups")
    some_groups(k)
    k.send(ListGroupsRequest(), unordered="groups")


@scenario(ApiKey.LIST_GROUPS, since=4)
def by_state(k: Session) -> None:
    some_groups(k)
    for states in (["Stable"], ["stable"], ["Empty", "CompletingRebalance"], ["Nonsense"], [""]):
        k.send(ListGroupsRequest(states_filter=states), unordered="groups")


@scenario(ApiKey.LIST_GROUPS, since=5)
def by_type(k: Session) -> None:
    some_groups(k)
    for types in (["classic"], ["Classic"], ["consumer"], ["nonsense"], ["classic", "share"]):
        k.send(ListGroupsRequest(types_filter=types), unordered="groups")


@scenario(ApiKey.LIST_GROUPS, since=5)
def by_state_and_type(k: Session) -> None:
    some_groups(k)
    k.send(ListGroupsRequest(states_filter=["Empty"], types_filter=["classic"]), unordered="groups")
