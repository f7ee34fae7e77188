"""OffsetForLeaderEpoch: where each epoch ended, at the leader and elsewhere."""

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from compat.judge.session import Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.offset_for_leader_epoch_request import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)


def ask(topic: Topic, epoch: int, *, current: int = -1) -> OffsetForLeaderEpochRequest:
    asked = OffsetForLeaderPartition(partition=0, leader_epoch=epoch, current_leader_epoch=current)
    return OffsetForLeaderEpochRequest(replica_id=-1, topics=[OffsetForLeaderTopic(topic.name, [asked])])


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH)
def at_a_follower(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a")
    for broker in BROKERS:
        k.send(broker, ask(topic, 0))


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH, newest_only=True)
def epochs_after_elections(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a", b"b")
    k.move_leader(topic, 1, 0)
    k.produce(topic, b"c", at=1)
    k.move_leader(topic, 0, 1)
    for epoch in range(7):
        k.send(0, ask(topic, epoch))
    k.produce(topic, b"d")
    for epoch in range(7):
        k.send(0, ask(topic, epoch))


@scenario(ApiKey.OFFSET_FOR_LEADER_EPOCH, newest_only=True)
def by_who_has_another_epoch(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a")
    k.move_leader(topic, 1, 0)
    for broker in BROKERS:
        for current in range(4):
            k.send(broker, ask(topic, 0, current=current))
