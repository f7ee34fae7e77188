"""FindCoordinator: by group and by transaction, one key and many."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest

MANY = 4
"""The first version that takes several keys."""


def find(k: Session, *keys: str, key_type: int = 0) -> FindCoordinatorRequest:
    if k.version < MANY:
        return FindCoordinatorRequest(key=keys[0], key_type=key_type)
    return FindCoordinatorRequest(coordinator_keys=list(keys), key_type=key_type)


@scenario(ApiKey.FIND_COORDINATOR)
def of_a_group(k: Session) -> None:
    k.send(find(k, k.name()))


@scenario(ApiKey.FIND_COORDINATOR)
def of_a_group_without_name(k: Session) -> None:
    k.send(find(k, ""))


@scenario(ApiKey.FIND_COORDINATOR, since=4)
def of_several_groups(k: Session) -> None:
    k.send(find(k, k.name("b"), k.name("a"), k.name("b")))
    k.send(FindCoordinatorRequest(coordinator_keys=[]))


@scenario(ApiKey.FIND_COORDINATOR, since=1)
def types_that_do_not_exist(k: Session) -> None:
    for key_type in (3, 9, -1):
        k.send(find(k, k.name(), key_type=key_type))


@scenario(ApiKey.FIND_COORDINATOR, since=1)
def of_a_share(k: Session) -> None:
    k.send(find(k, k.name(), key_type=2))
