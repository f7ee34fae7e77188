"""OffsetForLeaderEpoch: where an epoch ended."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.offset_for_leader_epoch_request import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)


def ask(topic: str, epoch: int, *, current: int = -1, partition: int = 0) -> OffsetForLeaderEpochRequest:
    asked = OffsetForLeaderPartition(partition=partition, leader_epoch=epoch, current_leader_epoch=current)
    topics = [OffsetForLeaderTopic(topic=topic, partitions=[asked])]
    return OffsetForLeaderEpochRequest(replica_id=-1, topics=topics)


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH)
def epochs(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(topic.name, 0))
    k.produce(topic, b"a", b"b")
    for epoch in (0, 1, 99, -1, -2):
        k.send(ask(topic.name, epoch))


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH, since=2)
def current_epochs(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b")
    for current in (0, 1, 99, -2):
        k.send(ask(topic.name, 0, current=current))


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH)
def unknown_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(k.name("none"), 0))
    k.send(ask(topic.name, 0, partition=3))


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH)
def no_topics(k: Session) -> None:
    k.send(OffsetForLeaderEpochRequest(replica_id=-1, topics=[]))


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH, newest_only=True, restarts=True)
def after_a_restart(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b")
    k.restart_broker()
    k.produce(topic, b"c")
    for epoch in range(4):
        k.send(ask(topic.name, epoch))
