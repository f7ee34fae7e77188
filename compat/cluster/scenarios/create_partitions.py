"""CreatePartitions: on which brokers, and by whom."""

from compat.cluster.session import BROKERS, ClusterSession, isr, lives, metadata
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.create_partitions_request import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)


def grown(name: str, count: int, *replicas: list[int]) -> CreatePartitionsRequest:
    rows = [CreatePartitionsAssignment(each) for each in replicas] or None
    topic = CreatePartitionsTopic(name=name, count=count, assignments=rows)
    return CreatePartitionsRequest(topics=[topic], timeout_ms=30_000)


@scenario(ApiKey.CREATE_PARTITIONS, newest_only=True)
def with_assignments(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.send(0, grown(topic.name, 3, [1, 2], [2, 0]))
    for broker in BROKERS:
        k.send(broker, metadata(topic.name), until=isr(2, 2, 2))


@scenario(ApiKey.CREATE_PARTITIONS, newest_only=True)
def impossible_assignments(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.send(0, grown(topic.name, 2, [1, 9]))
    k.send(0, grown(topic.name, 2, [1, 1]))
    k.send(0, grown(topic.name, 2, [1]))
    k.send(0, grown(topic.name, 2, [1, 2], [2, 0]))
    k.send(0, grown(topic.name, 3, [1, 2]))
    k.send(0, grown(topic.name, 3, [1, 2], [2]))


@scenario(ApiKey.CREATE_PARTITIONS)
def not_the_controller(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for broker in (1, 2):
        k.send(broker, grown(topic.name, 2))


@scenario(ApiKey.CREATE_PARTITIONS, newest_only=True, restarts=True)
def while_one_is_gone(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1, 2])
    k.stop(2)
    k.watch(0, metadata(topic.name), lives(2))
    k.send(0, grown(topic.name, 2))
    k.send(0, grown(topic.name, 2, [1, 2, 0]))
    k.send(0, metadata(topic.name))
