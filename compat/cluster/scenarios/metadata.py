"""Metadata: leaders, replicas, ISR and offline replicas, as every broker tells them."""

from compat.cluster.session import BROKERS, ROTATIONS, ClusterSession, isr, leaders, lives, metadata, produce
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic


@scenario(ApiKey.METADATA, since=4)
def every_broker_says_the_same(k: ClusterSession) -> None:
    topic = k.create_topic(*ROTATIONS)
    for broker in BROKERS:
        k.send(broker, metadata(topic.name))


@scenario(ApiKey.METADATA, since=4, newest_only=True)
def a_topic_that_makes_itself(k: ClusterSession) -> None:
    """Which brokers it gets is chance; how many is not."""
    request = MetadataRequest(topics=[MetadataRequestTopic(name=k.own_topic("itself"))])
    k.send(1, request)
    for broker in BROKERS:
        counts: list[list[int]] = []

        def all_lead(answer: object, counts: list[list[int]] = counts) -> bool:
            rows = answer.topics[0].partitions  # type: ignore[attr-defined]
            counts[:] = [[len(each.replica_nodes), len(each.isr_nodes), each.error_code] for each in rows]
            return bool(rows) and not any(each.error_code for each in rows)

        k.watch(broker, request, all_lead)
        k.note(f"replicas, ISR and error of each partition at {broker}", counts)


@scenario(ApiKey.METADATA, newest_only=True, restarts=True)
def after_a_stop(k: ClusterSession) -> None:
    topic, alone = k.create_topic(*ROTATIONS), k.create_topic([2], [1], suffix="alone")
    k.stop(2)
    for broker in (0, 1):
        k.send(broker, metadata(topic.name), until=isr(2, 2, 2))
        for version in (4, 5, 9, k.version):
            k.send(broker, metadata(alone.name), version=version)
    k.send(0, produce(alone, b"a"))
    k.start(2)
    for broker in BROKERS:
        k.send(broker, metadata(topic.name), until=isr(3, 3, 3))
        k.send(broker, metadata(alone.name), until=leaders(2, 1))
    k.send(2, produce(alone, b"a"))


@scenario(ApiKey.METADATA, newest_only=True, restarts=True)
def after_a_kill(k: ClusterSession) -> None:
    topic = k.create_topic(*ROTATIONS)
    k.kill(1)
    for broker in (0, 2):
        k.send(broker, metadata(topic.name), until=isr(2, 2, 2))
    k.start(1)
    for broker in BROKERS:
        k.send(broker, metadata(topic.name), until=isr(3, 3, 3))


@scenario(ApiKey.METADATA, newest_only=True, restarts=True)
def after_the_controller_stopped(k: ClusterSession) -> None:
    """Which of the others is controller then is chance."""
    topic = k.create_topic(*ROTATIONS)
    k.stop(0)
    k.watch(1, metadata(topic.name), lambda answer: answer.controller_id in (1, 2))
    for broker in (1, 2):
        k.watch(broker, metadata(topic.name), lambda answer: isr(2, 2, 2)(answer) and lives(2)(answer))
        k.send(broker, produce(topic, b"a", partition=broker))
    k.start(0)
    for broker in BROKERS:
        k.watch(broker, metadata(topic.name), isr(3, 3, 3))
        k.send(broker, produce(topic, b"b"))
