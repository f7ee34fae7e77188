"""ListOffsets: the leader answers, for consumers and in its epoch; followers refuse."""

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from compat.judge.session import Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)

LATEST, EARLIEST = -1, -2
CONSUMER, DEBUGGER = -1, -2


def ask(topic: Topic, timestamp: int, *, epoch: int = -1, replica: int = CONSUMER) -> ListOffsetsRequest:
    asked = ListOffsetsPartition(partition_index=0, timestamp=timestamp, current_leader_epoch=epoch)
    topics = [ListOffsetsTopic(name=topic.name, partitions=[asked])]
    return ListOffsetsRequest(replica_id=replica, topics=topics)


@scenario(ApiKey.LIST_OFFSETS, since=1)
def at_a_follower(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a", b"b")
    for broker in BROKERS:
        for timestamp in (LATEST, EARLIEST, 0):
            k.send(broker, ask(topic, timestamp))


@scenario(ApiKey.LIST_OFFSETS, newest_only=True)
def by_who_looks_into_any_replica(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a", b"b")
    for broker in (0, 2):
        k.send(broker, ask(topic, LATEST, replica=DEBUGGER))


@scenario(ApiKey.LIST_OFFSETS, newest_only=True)
def epochs_after_an_election(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a")
    k.move_leader(topic, 1, 0)
    for broker in BROKERS:
        for epoch in (0, 1, 2, 3):
            k.send(broker, ask(topic, EARLIEST, epoch=epoch))
    k.produce(topic, b"b", at=1)
    k.send(1, ask(topic, LATEST))
