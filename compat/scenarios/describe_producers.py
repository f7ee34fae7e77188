"""DescribeProducers: what a partition remembers of those who wrote with a producer id."""

import time

from compat.judge import Session, scenario
from compat.judge.session import Topic
from compat.scenarios.delete_records import delete
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_producers_request import DescribeProducersRequest, TopicRequest
from odradek.records.builder import build_batch
from odradek.records.record import Record


def ask(topic: str, *partitions: int) -> DescribeProducersRequest:
    return DescribeProducersRequest(topics=[TopicRequest(name=topic, partition_indexes=list(partitions))])


def write(
    k: Session, topic: Topic, producer_id: int, *, epoch: int = 0, sequence: int = 0, records: int = 1
) -> None:
    now_ms = int(time.time() * 1000)
    made = build_batch(
        [Record(index, now_ms, None, b"v") for index in range(records)],
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=sequence,
    )
    k.append(topic, bytes(made))


@scenario(ApiKey.DESCRIBE_PRODUCERS)
def producers(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(ask(topic.name, 0, 1))
    k.produce(topic, b"of nobody")
    k.send(ask(topic.name, 0))
    write(k, topic, 4000)
    k.send(ask(topic.name, 0))
    write(k, topic, 4000, sequence=1, records=3)
    k.send(ask(topic.name, 0))
    write(k, topic, 4000, epoch=7)
    k.send(ask(topic.name, 1, 0))


@scenario(ApiKey.DESCRIBE_PRODUCERS)
def many_producers(k: Session) -> None:
    """Their epochs tell them apart, and so the order in which they come."""
    topic = k.create_topic()
    for epoch, producer_id in enumerate((4000, 17, 1, 16, 1 << 33, 5, 40, 1 << 16)):
        write(k, topic, producer_id, epoch=epoch)
    k.send(ask(topic.name, 0))
    for epoch in range(8, 30):
        write(k, topic, epoch * 7919, epoch=epoch)
    k.send(ask(topic.name, 0))


@scenario(ApiKey.DESCRIBE_PRODUCERS)
def no_such_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(k.name("none"), 0, 1))
    k.send(ask(topic.name, 0, 1, -1))
    for name in ("", ".", "a b", "x" * 250):
        k.send(ask(name, 0))


@scenario(ApiKey.DESCRIBE_PRODUCERS)
def twice_and_nothing(k: Session) -> None:
    topic = k.create_topic()
    k.send(DescribeProducersRequest(topics=[]))
    k.send(ask(topic.name))
    k.send(ask(topic.name, 0, 0))
    again = TopicRequest(name=topic.name, partition_indexes=[0])
    k.send(DescribeProducersRequest(topics=[again, again]))


@scenario(ApiKey.DESCRIBE_PRODUCERS, restarts=True)
def after_restarts(k: Session) -> None:
    topic = k.create_topic()
    for sequence in range(3):
        write(k, topic, 4000, sequence=sequence)
    for kill in (False, True):
        k.restart_broker(kill=kill)
        k.send(ask(topic.name, 0), until=lambda answer: not answer.topics[0].partitions[0].error_code)


@scenario(ApiKey.DESCRIBE_PRODUCERS)
def of_records_that_are_gone(k: Session) -> None:
    topic = k.create_topic()
    write(k, topic, 4000)
    k.send(delete(topic.name, (0, -1)))
    k.send(ask(topic.name, 0))
