"""Topics without an id get one from their controller, and the brokers with them."""

from __future__ import annotations

import json

from odradek.controller.state import ClusterState
from odradek.controller.topic_ids import identified
from odradek.coordination.store import Create, Set
from odradek.metadata import paths
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.znodes import ReplicaAssignment, TopicAssignment
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from tests.controller.cluster import Cluster, cluster
from tests.controller.test_controller import OTHER_ID, TOPIC_ID, topic

NO_STATE = ClusterState(0, 1)
BARE = TopicAssignment(None, {0: ReplicaAssignment((0,))}, version=4)


def test_only_what_is_missing_is_written():
    named = TopicAssignment(TOPIC_ID, {0: ReplicaAssignment((0,))}, version=2)
    assert identified({"t": named}, NO_STATE, bytes) == ({"t": named}, ())
    topics, writes = identified({"t": named, "u": BARE}, NO_STATE, lambda size: bytes(range(size)))
    assert topics["t"] == named
    assert topics["u"].topic_id not in (None, NO_TOPIC_ID)
    assert topics["u"].version == 5
    assert writes == (Set(paths.topic("u"), topics["u"].encode(), version=4),)


def test_an_id_that_was_known_is_given_back():
    state = ClusterState(0, 1, topics={"t": TopicAssignment(OTHER_ID, {})})
    topics, _ = identified({"t": BARE}, state, bytes)
    assert topics["t"].topic_id == OTHER_ID


async def stored_id(running: Cluster, name: str) -> str | None:
    stored: str | None = json.loads((await running.store.get(paths.topic(name))).data).get("topic_id")
    return stored


async def test_a_new_controller_gives_ids_to_topics_of_an_older_kafka(autojump_clock):
    async with cluster() as one:
        await one.members[0].stop()
        await one.store.commit(Create(paths.topic("old"), topic((0,), topic_id=None)))
        assert await stored_id(one, "old") is None
        await one.start(0)
        await one.wait(lambda snapshot: "old" in snapshot.topics)
        led = [each for each in one.brokers[0].asked if isinstance(each, LeaderAndIsrRequest)]
        (told,) = led[-1].topic_states
        assert told.topic_id != NO_TOPIC_ID
        assert one.metadata.topic_name(told.topic_id) == "old"
        assert one.controller.state.topics["old"].topic_id == told.topic_id
        assert await stored_id(one, "old") is not None
        assert (await one.store.get(paths.topic("old"))).version == 1


async def test_a_topic_that_a_tool_of_old_creates_gets_an_id(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,), topic_id=None)))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        first = await stored_id(one, "t")
        assert first is not None
        await one.store.commit(Set(paths.topic("t"), topic((0,), (0,), topic_id=None)))
        await one.wait(lambda snapshot: len(snapshot.topics["t"].partitions) == 2)
        assert await stored_id(one, "t") == first
