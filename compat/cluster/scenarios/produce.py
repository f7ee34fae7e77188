"""Produce: only at the leader, and only while enough replicas are in sync."""

from compat.cluster.session import (
    BROKERS,
    ROTATIONS,
    ClusterSession,
    election,
    isr,
    leaders,
    metadata,
    produce,
)
from compat.judge import scenario
from compat.judge.session import TIMESTAMP_MS, Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.records.builder import build_batch
from odradek.records.record import Record


@scenario(ApiKey.PRODUCE, since=8)
def not_leader(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for broker in BROKERS:
        for acks in (1, -1):
            k.send(broker, produce(topic, b"a", acks=acks))


@scenario(ApiKey.PRODUCE, newest_only=True)
def not_leader_of_some(k: ClusterSession) -> None:
    topic = k.create_topic(*ROTATIONS)
    rows = [produce(topic, b"a", partition=number).topic_data[0].partition_data[0] for number in (2, 1, 0, 7)]
    data = TopicProduceData(name=topic.name, topic_id=topic.id, partition_data=rows)
    for broker in BROKERS:
        k.send(broker, ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=[data]))


@scenario(ApiKey.PRODUCE, since=9)
def another_leader(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.send(0, produce(topic, b"a"))
    k.move_leader(topic, 1, 0)
    for broker in BROKERS:
        k.send(broker, produce(topic, b"b"))


@scenario(ApiKey.PRODUCE, newest_only=True)
def sequences_go_on_at_another_leader(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    init = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
    producer = k.send(2, init).producer_id
    k.send(0, sequenced(topic, producer, 0))
    k.send(0, sequenced(topic, producer, 1))
    k.move_leader(topic, 1, 0)
    for sequence in (1, 0, 3, 2):
        k.send(1, sequenced(topic, producer, sequence))


def sequenced(topic: Topic, producer: int, sequence: int) -> ProduceRequest:
    batch = build_batch(
        [Record(0, TIMESTAMP_MS, None, b"x")],
        producer_id=producer,
        producer_epoch=0,
        base_sequence=sequence,
    )
    data = PartitionProduceData(index=0, records=bytes(batch))
    rows = [TopicProduceData(name=topic.name, topic_id=topic.id, partition_data=[data])]
    return ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=rows)


@scenario(ApiKey.PRODUCE, newest_only=True, restarts=True)
def fewer_in_sync(k: ClusterSession) -> None:
    topics = [
        k.create_topic([0, 1, 2], suffix=f"min-{count}", configs={"min.insync.replicas": str(count)})
        for count in (1, 2, 3)
    ]
    for left, broker in ((2, 2), (1, 1)):
        k.stop(broker)
        for topic in topics:
            k.send(0, metadata(topic.name), until=isr(left))
            for acks in (-1, 1):
                for version in (3, k.version):
                    k.send(0, produce(topic, b"a", acks=acks), version=version)
    for broker in (1, 2):
        k.start(broker)
    for topic in topics:
        k.watch(0, metadata(topic.name), isr(3))
        k.send(0, produce(topic, b"b"))


@scenario(ApiKey.PRODUCE, newest_only=True, restarts=True)
def a_replica_dies_before_it_has_it(k: ClusterSession) -> None:
    three = k.create_topic([0, 1, 2], suffix="min-3", configs={"min.insync.replicas": "3"})
    two = k.create_topic([0, 1, 2], suffix="min-2", configs={"min.insync.replicas": "2"})
    k.pause(2)
    k.send(0, produce(two, b"a", timeout_ms=300))
    # What has fewer than min.insync.replicas is not committed (KIP-966) and waits as long as it may.
    in_vain = k.post(0, produce(three, b"b", timeout_ms=1_000))
    waiting = k.post(0, produce(two, b"b", timeout_ms=60_000))
    k.kill(2)
    for each in (in_vain, waiting):
        k.take(each)


@scenario(ApiKey.PRODUCE, newest_only=True, restarts=True)
def the_leader_dies(k: ClusterSession) -> None:
    topic, alone = k.create_topic([2, 1, 0]), k.create_topic([2], suffix="alone")
    for each in (topic, alone):
        k.produce(each, b"a", at=2)
    k.kill(2)
    for broker in (0, 1):
        k.watch(broker, metadata(topic.name), isr(2))
        k.watch(broker, metadata(alone.name), leaders(-1))
        for each in (topic, alone):
            k.send(broker, produce(each, b"b"))
    k.start(2)
    k.watch(2, metadata(topic.name), isr(3))
    k.watch(2, metadata(alone.name), leaders(2))
    k.send(2, produce(alone, b"c"))
    k.send(2, produce(topic, b"c"))
    k.send(0, election(topic.name))
    k.watch(2, metadata(topic.name), leaders(2))
    k.send(2, produce(topic, b"d"))
