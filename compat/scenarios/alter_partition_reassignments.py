"""AlterPartitionReassignments: moves that cannot begin, that end at once, and that nobody began."""

from typing import Any

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.alter_partition_reassignments_request import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from odradek.protocol.generated.list_partition_reassignments_request import (
    ListPartitionReassignmentsRequest,
)

Targets = dict[str, list[tuple[int, list[int] | None]]]


def request(targets: Targets, **fields: Any) -> AlterPartitionReassignmentsRequest:
    """Topics with pairs of a partition and its replicas; None ends what is under way."""
    topics = [
        ReassignableTopic(
            name=name,
            partitions=[ReassignablePartition(partition_index=p, replicas=nodes) for p, nodes in rows],
        )
        for name, rows in targets.items()
    ]
    return AlterPartitionReassignmentsRequest(topics=topics, **{"timeout_ms": 30_000, **fields})


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def where_it_is(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(request({topic.name: [(0, [0])]}))
    k.send(request({topic.name: [(0, [0]), (1, [0])]}))
    k.send(ListPartitionReassignmentsRequest(timeout_ms=30_000, topics=None))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def nothing_to_cancel(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(request({topic.name: [(0, None)]}))
    k.send(request({topic.name: [(0, None), (1, [0])]}))
    k.send(request({k.name("none"): [(0, None)]}))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def invalid_replicas(k: Session) -> None:
    topic = k.create_topic()
    all_wrong: list[list[int]] = [[], [0, 0], [-1], [0, -3], [7], [0, 7], [8, 0, 7, 9]]
    for wrong in all_wrong:
        k.send(request({topic.name: [(0, wrong)]}))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def unknown(k: Session) -> None:
    topic = k.create_topic()
    k.send(request({k.name("none"): [(0, [0])]}))
    k.send(request({k.name("none"): [(0, [5])]}))
    k.send(request({topic.name: [(3, [0])]}))
    k.send(request({topic.name: [(-1, [0])]}))
    k.send(request({"": [(0, [0])]}))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def several_topics(k: Session) -> None:
    one, two = k.create_topic("b"), k.create_topic("a", partitions=5)
    rows: list[tuple[int, list[int] | None]] = [(4, [0]), (3, None), (2, [9]), (1, [0, 0]), (0, [0])]
    k.send(request({one.name: [(0, [0])], two.name: rows, k.name("none"): [(0, [0])]}))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def nothing(k: Session) -> None:
    topic = k.create_topic()
    k.send(request({}))
    k.send(request({topic.name: []}))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def without_time(k: Session) -> None:
    topic = k.create_topic()
    for timeout_ms in (0, -1):
        k.send(request({topic.name: [(0, [0])]}, timeout_ms=timeout_ms))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def the_same_partition_twice(k: Session) -> None:
    topic = k.create_topic()
    k.send(request({topic.name: [(0, [0]), (0, None)]}))
    k.send(request({topic.name: [(0, None), (0, [0])]}))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS, since=1)
def another_replication_factor_is_not_allowed(k: Session) -> None:
    topic = k.create_topic()
    k.send(request({topic.name: [(0, [0])]}, allow_replication_factor_change=False))
    k.send(request({topic.name: [(0, [])]}, allow_replication_factor_change=False))
