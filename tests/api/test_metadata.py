"""Metadata where the conversation of one broker on one listener has nothing to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import trio
import trio.testing

from odradek.controller.new_topic import NewTopic
from odradek.metadata.cache import Snapshot
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.update_metadata_request import UpdateMetadataBroker, UpdateMetadataRequest
from tests.api.topic_broker import TopicBroker, topic_broker
from tests.controller.cluster import cluster


def about(name: str) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(name=name)])


async def test_brokers_are_told_by_the_listener_asked_on(autojump_clock):
    async with topic_broker(size=2) as broker:
        response = await broker.ask(MetadataRequest(topics=None), 12)
        assert sorted((each.node_id, each.port) for each in response.brokers) == [(0, 9092), (1, 9093)]
        assert response.cluster_id == "WSugVm_UR3K59u-QyyfwuQ"


async def test_a_broker_denies_no_topic_before_it_was_told_of_them(autojump_clock):
    async with cluster() as one:
        await one.topics.create_topics([NewTopic("t")], timeout_ms=1000)
        whole = one.metadata.snapshot
        one.metadata.snapshot = Snapshot()
        answers: list[Any] = []

        async def ask() -> None:
            answers.append(await TopicBroker(one).ask(about("t"), 12))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            assert answers == []
            one.metadata.snapshot = replace(whole, brokers={})
            one.metadata.apply(UpdateMetadataRequest(live_brokers=[UpdateMetadataBroker(id=0)]))
        assert [topic.error_code for topic in answers[0].topics] == [ErrorCode.NONE]


async def test_who_is_told_nothing_answers_in_the_end(autojump_clock):
    async with cluster() as one:
        one.metadata.snapshot = Snapshot()
        request = MetadataRequest([MetadataRequestTopic(name="t")], allow_auto_topic_creation=False)
        response = await TopicBroker(one).ask(request, 12)
        assert (response.brokers, response.controller_id) == ([], -1)
        assert response.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_a_leader_without_the_listener_is_an_error_of_its_own_since_version_6(autojump_clock):
    async with cluster() as one:
        await one.topics.create_topics([NewTopic("t")], timeout_ms=1000)
        elsewhere = TopicBroker(one, listener_name="INTERNAL")
        for version, code in ((5, ErrorCode.LEADER_NOT_AVAILABLE), (6, ErrorCode.LISTENER_NOT_FOUND)):
            response = await elsewhere.ask(about("t"), version)
            (partition,) = response.topics[0].partitions
            assert (response.brokers, partition.error_code, partition.leader_id) == ([], code, -1)


async def test_a_dead_leader_is_not_available(autojump_clock):
    async with topic_broker(size=2) as broker:
        await broker.cluster.topics.create_topics([NewTopic("t", assignments=((0, (1,)),))], timeout_ms=1000)
        await broker.cluster.members[1].stop()
        await broker.cluster.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == -1)
        (partition,) = (await broker.ask(about("t"), 9)).topics[0].partitions
        assert partition.error_code == ErrorCode.LEADER_NOT_AVAILABLE
        assert (partition.leader_id, partition.leader_epoch) == (-1, 1)
        assert (partition.replica_nodes, partition.isr_nodes, partition.offline_replicas) == ([1], [1], [1])


async def test_version_0_leaves_dead_replicas_out_and_calls_that_an_error(autojump_clock):
    async with topic_broker(size=2) as broker:
        await broker.cluster.topics.create_topics(
            [NewTopic("t", assignments=((0, (0, 1)),))], timeout_ms=1000
        )
        await broker.cluster.members[1].stop()
        await broker.cluster.wait(lambda snapshot: snapshot.topics["t"].partitions[0].isr == (0,))
        old = (await broker.ask(about("t"), 0)).topics[0].partitions[0]
        new = (await broker.ask(about("t"), 1)).topics[0].partitions[0]
        assert (old.error_code, old.replica_nodes) == (ErrorCode.REPLICA_NOT_AVAILABLE, [0])
        assert (new.error_code, new.replica_nodes) == (ErrorCode.NONE, [0, 1])


async def test_nothing_is_created_where_the_broker_does_not_allow_it(autojump_clock):
    async with topic_broker(auto_create_topics_enable="false") as broker:
        for version in (0, 9):
            response = await broker.ask(about("t"), version)
            assert response.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_old_versions_cannot_but_ask_for_creation(autojump_clock):
    async with topic_broker() as broker:
        response = await broker.ask(about("t"), 3)
        assert response.topics[0].error_code == ErrorCode.LEADER_NOT_AVAILABLE
        await broker.cluster.wait(lambda snapshot: "t" in snapshot.topics)


async def test_rows_come_as_kafkas_sets_and_maps_iterate(autojump_clock):
    for release, partitions in (("3.9", [0, 1, 4, 2, 3]), ("4.0", [0, 1, 2, 3, 4])):
        async with topic_broker(odradek_emulate=release) as broker:
            await broker.cluster.topics.create_topics([NewTopic("t", 5, 1)], timeout_ms=1000)
            response = await broker.ask(about("t"), 9)
            assert [each.partition_index for each in response.topics[0].partitions] == partitions
            names = ["", "..", "a b", "x" * 250, "a/b"]
            asked = MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in names])
            response = await broker.ask(asked, 9)
            assert [each.name for each in response.topics] == ["", "a/b", "a b", "x" * 250, ".."]
