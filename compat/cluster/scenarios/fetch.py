"""Fetch: at leaders and followers, for consumers with a rack, and with epochs that an election has ended."""

from typing import Any

from compat.cluster.session import BROKERS, ClusterSession, isr, metadata
from compat.judge import scenario
from compat.judge.session import Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic


def fetch(
    topic: Topic,
    offset: int = 0,
    *,
    rack: str = "",
    epoch: int = -1,
    last_epoch: int = -1,
    partition: int = 0,
) -> FetchRequest:
    asked = FetchPartition(
        partition=partition,
        fetch_offset=offset,
        partition_max_bytes=1 << 20,
        current_leader_epoch=epoch,
        last_fetched_epoch=last_epoch,
    )
    topics = [FetchTopic(topic=topic.name, topic_id=topic.id, partitions=[asked])]
    return FetchRequest(max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, topics=topics, rack_id=rack)


def row(answer: Any) -> Any:
    return answer.responses[0].partitions[0]


def knows_of(high_watermark: int) -> Any:
    """Whether the answer has it, or an error."""
    return lambda answer: bool(row(answer).error_code) or row(answer).high_watermark == high_watermark


@scenario(ApiKey.FETCH, since=10)
def at_a_follower(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a", b"b")
    for broker in BROKERS:
        k.send(broker, fetch(topic), until=knows_of(2))
        for offset in (1, 2):
            k.send(broker, fetch(topic, offset))


@scenario(ApiKey.FETCH, newest_only=True)
def out_of_range_at_a_follower(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a", b"b")
    for broker in BROKERS:
        k.watch(broker, fetch(topic), knows_of(2))
        for offset in (3, 100, -1):
            k.send(broker, fetch(topic, offset))


@scenario(ApiKey.FETCH, newest_only=True)
def from_the_own_rack(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a")
    k.watch(
        0,
        fetch(topic, 1, rack="rack-1"),
        lambda answer: row(answer).preferred_read_replica == 1,
    )
    for rack in ("rack-1", "rack-0", "rack-2", "elsewhere", ""):
        k.send(0, fetch(topic, rack=rack))
    k.send(1, fetch(topic, rack="rack-1"), until=knows_of(1))
    k.send(2, fetch(topic, rack="rack-1"))


@scenario(ApiKey.FETCH, since=15)
def epochs_after_an_election(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a")
    for epoch in (0, 1):
        k.send(0, fetch(topic, epoch=epoch))
    k.move_leader(topic, 1, 0)
    for broker in BROKERS:
        k.watch(broker, fetch(topic), knows_of(1))
        for epoch in (0, 1, 2, 3):
            k.send(broker, fetch(topic, 1, epoch=epoch))


@scenario(ApiKey.FETCH, newest_only=True)
def what_was_fetched_in_another_epoch(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a", b"b")
    k.move_leader(topic, 1, 0)
    k.produce(topic, b"c", at=1)
    for offset, epoch in ((0, 0), (2, 0), (3, 0), (1, 1), (3, 1), (3, 2), (3, 3), (4, 0)):
        k.send(1, fetch(topic, offset, last_epoch=epoch))


@scenario(ApiKey.FETCH, newest_only=True, restarts=True)
def what_is_kept_over_the_death_of_a_leader(k: ClusterSession) -> None:
    topic = k.create_topic([2, 1, 0])
    k.produce(topic, b"a", b"b", at=2)
    k.kill(2)
    k.watch(0, metadata(topic.name), isr(2))
    k.watch(1, metadata(topic.name), isr(2))
    k.produce(topic, b"c", at=1)
    for broker in (0, 1):
        k.send(broker, fetch(topic), until=knows_of(3))
    k.start(2)
    k.watch(2, metadata(topic.name), isr(3))
    k.send(2, fetch(topic), until=knows_of(3))
