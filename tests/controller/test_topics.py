"""TopicAdmin: what it writes, what it waits for, and what it makes of topics that nobody created."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from odradek.controller.new_topic import NewPartitions, NewTopic
from odradek.controller.zookeeper_checks import ZooKeeperChecks
from odradek.coordination.commits import size_bytes
from odradek.coordination.store import Create, Set
from odradek.coordination.tree_session import TreeSession
from odradek.metadata import paths
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import ReplicaAssignment, TopicAssignment
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse
from tests.controller.cluster import cluster


async def test_a_created_topic_has_its_nodes_and_is_led(autojump_clock):
    async with cluster() as one:
        created = await one.topics.create_topics(
            [NewTopic("t", 2, 1, configs={"retention.ms": "5"})], timeout_ms=1000
        )
        node = TopicAssignment.decode((await one.store.get(paths.topic("t"))).data)
        config = (await one.store.get(paths.config("topics", "t"))).data
        assert node.topic_id == created["t"].topic_id == one.metadata.topic_id("t")
        assert node.partitions == {0: ReplicaAssignment((0,)), 1: ReplicaAssignment((0,))}
        assert config == b'{"version":1,"config":{"retention.ms":"5"}}'
        assert set(one.brokers[0].replicas) == {TopicPartition("t", 0), TopicPartition("t", 1)}
        assert trio.current_time() < 0.001


async def test_configs_set_before_their_topic_are_replaced(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.config("topics", "t"), b"{}"))
        await one.topics.create_topics([NewTopic("t")], timeout_ms=1000)
        assert (await one.store.get(paths.config("topics", "t"))).data == b'{"version":1,"config":{}}'


async def test_one_bad_topic_does_not_spoil_the_others(autojump_clock):
    async with cluster() as one:
        created = await one.topics.create_topics([NewTopic("a b"), NewTopic("t")], timeout_ms=1000)
        assert [one.code for one in created.values()] == [
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            ErrorCode.NONE,
        ]


async def test_topics_of_one_request_are_checked_against_each_other(autojump_clock):
    async with cluster() as one:
        created = await one.topics.create_topics([NewTopic("a.b"), NewTopic("a_b")], timeout_ms=1000)
        assert created["a.b"].code == ErrorCode.NONE
        assert created["a_b"].message == "Topic 'a_b' collides with existing topics: a.b"
        assert await one.store.children(paths.TOPICS) == {"a.b"}


async def test_a_topic_that_came_meanwhile_costs_only_itself(autojump_clock, monkeypatch):
    new_topic = ZooKeeperChecks.new_topic
    async with cluster() as one, trio.open_nursery() as nursery:

        def overtaken(self, topic, view, config, start):
            if topic.name == "t":
                # Somebody else writes it after it was checked, before it is written.
                nursery.start_soon(one.store.commit, Create(paths.topic("t"), b"{}"))
            return new_topic(self, topic, view, config, start)

        monkeypatch.setattr(ZooKeeperChecks, "new_topic", overtaken)
        names = [f"u{number}" for number in range(150)]
        created = await one.topics.create_topics(
            [NewTopic(name) for name in (*names[:70], "t", *names[70:])], timeout_ms=1000
        )
        assert created.pop("t").message == "Topic 't' already exists."
        assert {result.code for result in created.values()} == {ErrorCode.NONE}
        assert await one.store.children(paths.TOPICS) == {*names, "t"}


async def test_topics_of_one_request_go_in_as_many_commits_as_they_need(autojump_clock, monkeypatch):
    """Long configs count as well: ZooKeeper closes the connection on a commit of more than 1 MB."""
    commit = TreeSession.commit
    sizes_bytes: list[int] = []

    async def weighed(self, *operations):
        sizes_bytes.append(size_bytes(*operations))
        return await commit(self, *operations)

    monkeypatch.setattr(TreeSession, "commit", weighed)
    throttled = ",".join(f"{number}:0" for number in range(3000))
    configs = {"follower.replication.throttled.replicas": throttled}
    async with cluster() as one:
        created = await one.topics.create_topics(
            [NewTopic(f"t{number}", 1, 1, configs=configs) for number in range(60)], timeout_ms=10_000
        )
        assert {result.code for result in created.values()} == {ErrorCode.NONE}
        assert await one.store.children(paths.TOPICS) == created.keys()
    assert max(sizes_bytes) < 1_000_000


async def test_validation_writes_nothing(autojump_clock):
    async with cluster() as one:
        created = await one.topics.create_topics([NewTopic("t")], timeout_ms=1000, validate_only=True)
        assert created["t"].partition_count == 1
        assert await one.store.children(paths.TOPICS) == frozenset()
        assert await one.store.children("/config/topics") == frozenset()


async def test_a_topic_nobody_can_lead_takes_all_the_time_there_is(autojump_clock):
    async with cluster() as one:
        dead = NewTopic("t", assignments=((0, (9,)),))
        created = await one.topics.create_topics([dead], timeout_ms=4000)
        assert created["t"].code == ErrorCode.REQUEST_TIMED_OUT
        assert trio.current_time() == pytest.approx(4)


async def test_a_deleted_topic_can_be_created_anew_at_once(autojump_clock):
    async with cluster() as one:
        for _ in range(3):
            created = await one.topics.create_topics([NewTopic("t")], timeout_ms=1000)
            deleted = await one.topics.delete_topics(["t"], timeout_ms=1000)
            assert (created["t"].code, deleted) == (ErrorCode.NONE, {"t": ErrorCode.NONE})
        assert trio.current_time() < 0.001


async def test_a_topic_with_a_replica_on_a_dead_broker_is_gone_once_nobody_knows_it(autojump_clock):
    """As at Kafka 3.9.2; its node waits for the broker to come back, and with it the replica."""
    async with cluster() as one:
        half_dead = [
            NewTopic("t", assignments=((0, (0, 9)),)),
            NewTopic("u", assignments=((0, (9,)), (1, (0,)))),
        ]
        created = await one.topics.create_topics(half_dead, timeout_ms=1000)
        assert {name: topic.code for name, topic in created.items()} == {
            "t": ErrorCode.NONE,
            "u": ErrorCode.REQUEST_TIMED_OUT,
        }
        began = trio.current_time()
        deleted = await one.topics.delete_topics(["t", "u"], timeout_ms=5000)
        assert deleted == {"t": ErrorCode.NONE, "u": ErrorCode.NONE}
        assert trio.current_time() - began < 0.001
        assert await one.store.children("/admin/delete_topics") == {"t", "u"}


@pytest.mark.parametrize(
    ("emulated", "code", "waited"), [("3.9", ErrorCode.REQUEST_TIMED_OUT, 0.001), ("4.3", ErrorCode.NONE, 2)]
)
async def test_a_kraft_controller_is_in_time_with_what_it_has_begun(
    autojump_clock, monkeypatch, emulated, code, waited
):
    """Kafka 4.3.0 creates and deletes topics without error when it is given 1 ms, 3.9.2 does not."""
    async with cluster(odradek_emulate=emulated) as one:
        tell = one.brokers[0].update_metadata

        async def tell_late(request: UpdateMetadataRequest) -> UpdateMetadataResponse:
            await trio.sleep(2)
            return await tell(request)

        monkeypatch.setattr(one.brokers[0], "update_metadata", tell_late)
        assert (await one.topics.create_topics([NewTopic("t")], timeout_ms=1))["t"].code == code
        assert trio.current_time() == pytest.approx(waited)
        await trio.sleep(10)
        assert await one.topics.delete_topics(["t"], timeout_ms=1) == {"t": code}


async def test_a_topic_that_cannot_be_deleted_in_time_is_late(autojump_clock):
    async with cluster() as one:
        await one.topics.create_topics([NewTopic("t")], timeout_ms=1000)
        one.brokers[0].deletion_error = ErrorCode.KAFKA_STORAGE_ERROR
        began = trio.current_time()
        assert await one.topics.delete_topics(["t", "nope"], timeout_ms=2000) == {
            "t": ErrorCode.REQUEST_TIMED_OUT,
            "nope": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        }
        assert trio.current_time() - began == pytest.approx(2)
        again = await one.topics.create_topics([NewTopic("t")], timeout_ms=1000)
        assert again["t"].message == "Topic 't' is marked for deletion."
        more = await one.topics.create_partitions([NewPartitions("t", 5)], timeout_ms=1000)
        assert more["t"].message == "The topic is queued for deletion."


async def test_added_partitions_follow_the_first_ones_brokers(autojump_clock):
    async with cluster(size=3) as three:
        await three.topics.create_topics([NewTopic("t", assignments=((0, (1, 2)),))], timeout_ms=1000)
        await three.topics.create_partitions([NewPartitions("t", 4)], timeout_ms=1000)
        node = TopicAssignment.decode((await three.store.get(paths.topic("t"))).data)
        assert [node.partitions[number].replicas for number in range(4)] == [(1, 2), (2, 1), (0, 2), (1, 2)]


async def test_a_reassigned_topic_gets_no_partitions(autojump_clock):
    async with cluster() as one:
        await one.topics.create_topics([NewTopic("t")], timeout_ms=1000)
        moving = TopicAssignment(None, {0: ReplicaAssignment((0, 1), adding=(1,))})
        await one.store.commit(Set(paths.topic("t"), moving.encode()))
        more = await one.topics.create_partitions([NewPartitions("t", 2)], timeout_ms=1000)
        assert more["t"].code == ErrorCode.REASSIGNMENT_IN_PROGRESS


@pytest.mark.parametrize(
    ("name", "count", "config"),
    [
        (
            TRANSACTION_STATE_TOPIC,
            7,
            # As a 3.9.2 broker wrote it.
            b'{"version":1,"config":{"compression.type":"uncompressed","cleanup.policy":"compact",'
            b'"min.insync.replicas":"1","segment.bytes":"104857600","unclean.leader.election.enable":"false"}}',
        ),
        (
            GROUP_METADATA_TOPIC,
            5,
            b'{"version":1,"config":{"compression.type":"producer","cleanup.policy":"compact",'
            b'"segment.bytes":"104857600"}}',
        ),
        ("plain", 2, b'{"version":1,"config":{}}'),
    ],
)
async def test_automatic_topics(name, count, config, autojump_clock):
    properties: dict[str, Any] = {
        "num_partitions": "2",
        "offsets_topic_num_partitions": "5",
        "transaction_state_log_num_partitions": "7",
    }
    async with cluster(**properties) as one:
        assert await one.topics.create_automatically([name]) == {name: ErrorCode.LEADER_NOT_AVAILABLE}
        await one.wait(lambda snapshot: name in snapshot.topics)
        assert one.metadata.partition_count(name) == count
        assert (await one.store.get(paths.config("topics", name))).data == config


async def test_an_automatic_topic_that_cannot_be_is_refused(autojump_clock):
    async with cluster(default_replication_factor="3") as one:
        assert await one.topics.create_automatically(["t", "a b"]) == {
            "t": ErrorCode.INVALID_REPLICATION_FACTOR,
            "a b": ErrorCode.INVALID_TOPIC_EXCEPTION,
        }


async def test_a_kraft_release_creates_in_the_background_and_never_its_own_log(autojump_clock):
    async with cluster(odradek_emulate="4.3") as one:
        names = ["t", "__cluster_metadata"]
        answers = await one.topics.create_automatically(names)
        assert answers == dict.fromkeys(names, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        assert await one.store.children(paths.TOPICS) == {"t"}


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([0, 1], ErrorCode.NONE),
        ([1], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ([-1, 0], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ([-1], ErrorCode.UNKNOWN_SERVER_ERROR),
        ([-1, 1], ErrorCode.UNKNOWN_SERVER_ERROR),
    ],
)
async def test_partitions_are_numbered_from_0_but_kafka_only_adds_them_up(numbers, code, autojump_clock):
    async with cluster() as one:
        wanted = NewTopic("t", assignments=tuple((number, (0,)) for number in numbers))
        created = await one.topics.create_topics([wanted], timeout_ms=1000)
        assert created["t"].code == code
