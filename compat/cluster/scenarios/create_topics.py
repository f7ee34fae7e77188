"""CreateTopics: on which brokers, with how many replicas, and by whom."""

from compat.cluster.session import BROKERS, ClusterSession, isr, lives, metadata
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.create_topics_request import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from odradek.protocol.generated.describe_cluster_request import DescribeClusterRequest


def assigned(name: str, *replicas: list[int]) -> CreateTopicsRequest:
    rows = [CreatableReplicaAssignment(index, each) for index, each in enumerate(replicas)]
    topic = CreatableTopic(name=name, num_partitions=-1, replication_factor=-1, assignments=rows)
    return CreateTopicsRequest(topics=[topic], timeout_ms=1_000)


def counted(name: str, partitions: int, replication_factor: int) -> CreateTopicsRequest:
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=replication_factor)
    return CreateTopicsRequest(topics=[topic], timeout_ms=5_000)


@scenario(ApiKey.CREATE_TOPICS, newest_only=True)
def with_assignments(k: ClusterSession) -> None:
    name = k.own_topic("a")
    k.send(0, assigned(name, [2, 0], [1, 2], [0, 1]))
    for broker in BROKERS:
        k.send(broker, metadata(name), until=isr(2, 2, 2))


@scenario(ApiKey.CREATE_TOPICS, newest_only=True)
def impossible_assignments(k: ClusterSession) -> None:
    name = k.own_topic("a")
    k.send(0, assigned(name, [0, 0]))
    k.send(0, assigned(name, [0, 1], [2]))
    k.send(0, assigned(name, []))
    k.send(0, assigned(name, [0, -1]))


@scenario(ApiKey.CREATE_TOPICS, newest_only=True)
def on_brokers_that_are_not_there(k: ClusterSession) -> None:
    """Kafka creates them, and waits in vain for a leader."""
    nowhere = assigned(k.own_topic("nowhere"), [9])
    partly = assigned(k.own_topic("partly"), [9, 1])
    k.send(0, nowhere)
    k.send(0, partly)
    for broker in BROKERS:
        k.send(broker, metadata(k.name("nowhere")))
        k.send(broker, metadata(k.name("partly")), until=lambda answer: bool(answer.topics[0].partitions))


@scenario(ApiKey.CREATE_TOPICS, newest_only=True)
def replication_factors(k: ClusterSession) -> None:
    for factor in (4, 0):
        k.send(0, counted(k.own_topic("a"), 1, factor))
    k.send(0, counted(k.own_topic("b"), 2, 3))


@scenario(ApiKey.CREATE_TOPICS)
def not_the_controller(k: ClusterSession) -> None:
    for broker in (1, 2):
        k.send(broker, assigned(k.own_topic("a"), [1]))
        k.send(broker, counted(k.own_topic("b"), 1, 1))


@scenario(ApiKey.CREATE_TOPICS, newest_only=True, restarts=True)
def while_one_is_gone(k: ClusterSession) -> None:
    k.stop(2)
    k.send(0, DescribeClusterRequest(), until=lives(2))
    k.send(0, counted(k.own_topic("three"), 1, 3))
    k.send(0, counted(k.own_topic("two"), 2, 2))
    k.send(0, assigned(k.own_topic("assigned"), [0, 2], [2, 1]))
    k.send(0, metadata(k.name("assigned")), until=isr(1, 1))
    k.start(2)
    for broker in BROKERS:
        k.send(broker, metadata(k.name("assigned")), until=isr(2, 2))
