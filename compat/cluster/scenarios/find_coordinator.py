"""FindCoordinator: the leader of a group's partition of the offsets topic, as every broker tells it."""

from typing import Any

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest


def ask(*groups: str) -> FindCoordinatorRequest:
    return FindCoordinatorRequest(coordinator_keys=list(groups))


@scenario(ApiKey.FIND_COORDINATOR, since=4)
def every_broker_says_the_same(k: ClusterSession) -> None:
    groups = [k.group_of(broker) for broker in BROKERS]
    for broker in BROKERS:
        k.send(broker, ask(*groups))


@scenario(ApiKey.FIND_COORDINATOR, newest_only=True, restarts=True)
def after_it_stopped(k: ClusterSession) -> None:
    groups = [k.group_of(broker) for broker in BROKERS]

    def moved(answer: Any) -> bool:
        return all(each.node_id in (0, 1) for each in answer.coordinators)

    k.stop(2)
    for broker in (0, 1):
        k.send(broker, ask(*groups), until=moved)
