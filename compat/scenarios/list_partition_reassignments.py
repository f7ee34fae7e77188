"""ListPartitionReassignments: what moves, which is nothing where there is one broker."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.list_partition_reassignments_request import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)


def request(
    topics: dict[str, list[int]] | None, timeout_ms: int = 30_000
) -> ListPartitionReassignmentsRequest:
    rows = (
        None
        if topics is None
        else [ListPartitionReassignmentsTopics(name=each, partition_indexes=topics[each]) for each in topics]
    )
    return ListPartitionReassignmentsRequest(timeout_ms=timeout_ms, topics=rows)


@scenario(ApiKey.LIST_PARTITION_REASSIGNMENTS)
def all_of_them(k: Session) -> None:
    k.create_topic()
    k.send(request(None))


@scenario(ApiKey.LIST_PARTITION_REASSIGNMENTS)
def some(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(request({topic.name: [0, 1]}))
    k.send(request({topic.name: []}))
    k.send(request({}))


@scenario(ApiKey.LIST_PARTITION_REASSIGNMENTS)
def unknown(k: Session) -> None:
    topic = k.create_topic()
    k.send(request({k.name("none"): [0]}))
    k.send(request({topic.name: [5, -1]}))
    k.send(request({"a b": [0]}))


@scenario(ApiKey.LIST_PARTITION_REASSIGNMENTS)
def without_time(k: Session) -> None:
    k.send(request(None, timeout_ms=0))
