"""The metadata cache under UpdateMetadata."""

from __future__ import annotations

from uuid import UUID

from odradek.metadata.cache import LEADER_DURING_DELETE, MetadataCache
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import Endpoint
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)

TOPIC_ID = UUID(int=7)


def update(*topics: UpdateMetadataTopicState, controller_id: int = 0) -> UpdateMetadataRequest:
    endpoint = UpdateMetadataEndpoint(port=9092, host="h", listener="EXTERNAL", security_protocol=0)
    broker = UpdateMetadataBroker(id=0, endpoints=[endpoint], rack="r")
    return UpdateMetadataRequest(
        controller_id=controller_id, controller_epoch=1, topic_states=list(topics), live_brokers=[broker]
    )


def topic(
    name: str, *partitions: int, topic_id: UUID = TOPIC_ID, leader: int = 0
) -> UpdateMetadataTopicState:
    states = [
        UpdateMetadataPartitionState(
            partition_index=number,
            leader=leader,
            leader_epoch=3,
            isr=[0],
            replicas=[0, 1],
            offline_replicas=[1],
        )
        for number in partitions
    ]
    return UpdateMetadataTopicState(topic_name=name, topic_id=topic_id, partition_states=states)


def test_an_empty_cache_knows_nothing():
    cache = MetadataCache()
    assert "t" not in cache
    assert (cache.topic_id("t"), cache.topic_name(TOPIC_ID), cache.partition_count("t")) == (
        NO_TOPIC_ID,
        None,
        None,
    )
    assert cache.snapshot.controller_id is None


def test_topics_are_found_by_name_and_id():
    cache = MetadataCache()
    cache.apply(update(topic("t", 0, 1)))
    assert (cache.topic_id("t"), cache.topic_name(TOPIC_ID), cache.partition_count("t")) == (TOPIC_ID, "t", 2)
    state = cache.snapshot.partition(TopicPartition("t", 1))
    assert state is not None
    assert (state.leader, state.leader_epoch, state.isr, state.replicas) == (0, 3, (0,), (0, 1))
    assert state.offline_replicas == (1,)


def test_brokers_are_known_by_listener():
    cache = MetadataCache()
    cache.apply(update())
    assert cache.snapshot.endpoint(0, "EXTERNAL") == Endpoint("h", 9092, "EXTERNAL", "PLAINTEXT")
    assert cache.snapshot.endpoint(0, "OTHER") is None
    assert cache.snapshot.endpoint(1, "EXTERNAL") is None
    assert cache.snapshot.brokers[0].rack == "r"
    assert cache.snapshot.controller_id == 0


def test_an_update_keeps_what_it_does_not_name():
    cache = MetadataCache()
    cache.apply(update(topic("a", 0), topic("b", 0, topic_id=UUID(int=8))))
    cache.apply(update(topic("a", 1, topic_id=NO_TOPIC_ID), controller_id=-1))
    assert cache.partition_count("a") == 2
    assert cache.topic_id("a") == TOPIC_ID
    assert cache.topic_id("b") == UUID(int=8)
    assert cache.snapshot.controller_id is None


def test_a_deleted_topic_is_gone_with_its_id_and_may_come_back_with_another():
    cache = MetadataCache()
    cache.apply(update(topic("t", 0, 1)))
    deleted = cache.apply(update(topic("t", 0, 1, leader=LEADER_DURING_DELETE)))
    assert deleted == [TopicPartition("t", 0), TopicPartition("t", 1)]
    assert "t" not in cache
    assert cache.topic_name(TOPIC_ID) is None
    cache.apply(update(topic("t", 0, topic_id=UUID(int=9))))
    assert cache.topic_name(UUID(int=9)) == "t"


def test_a_snapshot_never_changes():
    cache = MetadataCache()
    cache.apply(update(topic("t", 0)))
    snapshot = cache.snapshot
    cache.apply(update(topic("t", 1), topic("u", 0, topic_id=UUID(int=8))))
    assert list(snapshot.topics) == ["t"]
    assert list(snapshot.topics["t"].partitions) == [0]


def test_listeners_hear_of_every_update_until_they_stop():
    cache = MetadataCache()
    heard: list[int] = []
    stop = cache.subscribe(lambda: heard.append(len(cache.snapshot.topics)))
    cache.apply(update(topic("t", 0)))
    stop()
    cache.apply(update())
    assert heard == [1]
