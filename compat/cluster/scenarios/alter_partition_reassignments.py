"""AlterPartitionReassignments and ListPartitionReassignments: moves to other brokers, and their end."""

from collections.abc import Callable
from functools import partial

from compat.cluster.session import BROKERS, ROTATIONS, ClusterSession, isr, lives, metadata, reassignment
from compat.judge import scenario
from compat.judge.session import Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.list_partition_reassignments_request import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)
from odradek.protocol.generated.metadata_response import MetadataResponse


def moves_of(topic: Topic, *partitions: int) -> ListPartitionReassignmentsRequest:
    asked = ListPartitionReassignmentsTopics(topic.name, list(partitions))
    return ListPartitionReassignmentsRequest(timeout_ms=30_000, topics=[asked])


def has_replicas(*replicas: int) -> Callable[[MetadataResponse], bool]:
    return lambda answer: answer.topics[0].partitions[0].replica_nodes == list(replicas)


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def to_other_brokers(k: ClusterSession) -> None:
    topic = k.create_topic([0])
    k.produce(topic, b"a")
    # One joins at a time, and version 6 has no epoch: else it would be chance who is first, and when.
    for replicas in ([1], [1, 2], [1, 2, 0], [2, 0], [0]):
        k.send(0, reassignment(topic.name, replicas))
        k.send(0, moves_of(topic, 0), until=lambda answer: not answer.topics)
        for broker in BROKERS:
            k.send(broker, metadata(topic.name), version=6, until=partial(has_moved, replicas))


def has_moved(replicas: list[int], answer: MetadataResponse) -> bool:
    """Whether the partition has these replicas, all in sync, and one of them leads."""
    [row] = answer.topics[0].partitions
    return row.replica_nodes == replicas and set(row.isr_nodes) == set(replicas) and row.leader_id in replicas


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def impossible(k: ClusterSession) -> None:
    topic = k.create_topic(*ROTATIONS)
    for replicas in ([9], [0, 9], [], [1, 1], [0, -1], None):
        k.send(0, reassignment(topic.name, replicas))
    for partition in (7, -1):
        k.send(0, reassignment(topic.name, [0], partition=partition))
    k.send(0, metadata(topic.name))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS)
def not_the_controller(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for broker in (1, 2):
        k.send(broker, reassignment(topic.name, [2]))
        k.send(broker, reassignment(topic.name, None))
        k.send(broker, ListPartitionReassignmentsRequest(timeout_ms=30_000, topics=None))


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS, newest_only=True, restarts=True)
def under_way_and_cancelled(k: ClusterSession) -> None:
    """A broker that is paused takes no replica, so that a move to it lasts."""
    topic = k.create_topic([0, 1], [1, 0])
    k.produce(topic, b"a")
    k.pause(2)
    k.send(0, reassignment(topic.name, [2, 0]))
    for broker in (0, 1):
        k.send(broker, metadata(topic.name), until=has_replicas(2, 0, 1))
    k.send(0, moves_of(topic, 0, 1))
    k.send(0, ListPartitionReassignmentsRequest(timeout_ms=30_000, topics=None))
    k.send(0, reassignment(topic.name, None, partition=1))
    k.send(0, reassignment(topic.name, [1, 2]))
    k.send(0, moves_of(topic, 0))
    k.send(0, reassignment(topic.name, None))
    k.send(0, reassignment(topic.name, None))
    k.send(0, moves_of(topic, 0, 1))
    for broker in (0, 1):
        k.send(broker, metadata(topic.name), until=has_replicas(1, 0))
    k.resume(2)


@scenario(ApiKey.ALTER_PARTITION_REASSIGNMENTS, newest_only=True, restarts=True)
def to_a_broker_that_is_gone(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1], [0, 2])
    k.stop(2)
    k.watch(0, metadata(topic.name), lives(2))
    k.send(0, reassignment(topic.name, [2, 0]))
    k.send(0, reassignment(topic.name, [2], partition=1))
    k.send(0, reassignment(topic.name, [1, 0], partition=1))
    k.send(0, moves_of(topic, 0, 1), until=lambda answer: not answer.topics)
    k.send(0, metadata(topic.name), until=isr(2, 2))
