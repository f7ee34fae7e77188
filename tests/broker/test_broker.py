"""A whole broker in this process: it serves, stops in order, and remembers."""

import sqlite3
from pathlib import Path

import pytest
import trio
import trio.testing

from odradek.broker import metadata_store
from odradek.broker.broker import RunningBroker
from odradek.broker.identity import CannotStart
from odradek.broker.metadata_store import STORE_FILE
from odradek.controller.metadata_waits import wait_until
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import StoreUnavailable
from odradek.metadata import paths
from odradek.metadata.cache import Snapshot
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.create_topics_response import CreateTopicsResponse
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.fetch_response import FetchResponse
from odradek.protocol.generated.incremental_alter_configs_request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.protocol.generated.incremental_alter_configs_response import IncrementalAlterConfigsResponse
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.init_producer_id_response import InitProducerIdResponse
from odradek.protocol.generated.metadata_request import MetadataRequest
from odradek.protocol.generated.metadata_response import MetadataResponse
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.produce_response import ProduceResponse
from odradek.records.builder import build_batch
from odradek.records.record import Record, read_all_records
from tests.broker.wire import Wire, connected, running

TOPIC, BROKER = 2, 4
"""Resource types of the config APIs."""


async def create(wire: Wire, name: str, partitions: int = 1) -> int:
    topic = CreatableTopic(name, partitions, 1)
    response = await wire.ask(CreateTopicsRequest([topic], 10_000), CreateTopicsResponse, 7)
    return response.topics[0].error_code


async def produce(wire: Wire, topic: str, *values: bytes) -> int:
    """Append one batch to partition 0 with acks=all; its base offset."""
    records = [Record(offset, 1_000, None, value) for offset, value in enumerate(values)]
    data = TopicProduceData(topic, partition_data=[PartitionProduceData(0, build_batch(records))])
    response = await wire.ask(ProduceRequest(None, -1, 10_000, [data]), ProduceResponse, 9)
    (partition,) = response.responses[0].partition_responses
    assert partition.error_code == ErrorCode.NONE
    return partition.base_offset


async def fetch(wire: Wire, topic: str) -> list[bytes | None]:
    """All values of partition 0."""
    partition = FetchPartition(0, fetch_offset=0, partition_max_bytes=1 << 20)
    request = FetchRequest(
        max_wait_ms=0, min_bytes=1, max_bytes=1 << 20, topics=[FetchTopic(topic, partitions=[partition])]
    )
    response = await wire.ask(request, FetchResponse, 12)
    (data,) = response.responses[0].partitions
    assert data.error_code == ErrorCode.NONE
    records = bytes(memoryview(data.records or b""))  # type: ignore[arg-type]
    return [None if record.value is None else bytes(record.value) for record in read_all_records(records)]


async def alter(wire: Wire, resource_type: int, resource: str, name: str, value: str) -> None:
    config = AlterConfigsResource(resource_type, resource, [AlterableConfig(name, 0, value)])
    request = IncrementalAlterConfigsRequest([config])
    response = await wire.ask(request, IncrementalAlterConfigsResponse, 1)
    assert response.responses[0].error_code == ErrorCode.NONE


async def test_what_was_produced_is_fetched_also_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as broker, connected(broker) as wire:
        assert await create(wire, "orders") == ErrorCode.NONE
        assert await produce(wire, "orders", b"one", b"two") == 0
        assert await produce(wire, "orders", b"three") == 2
        assert await fetch(wire, "orders") == [b"one", b"two", b"three"]
        cluster_id = broker.cluster_id
    assert (tmp_path / ".kafka_cleanshutdown").exists()
    assert f"cluster.id={cluster_id}" in (tmp_path / "meta.properties").read_text()
    async with running(tmp_path) as broker, connected(broker) as wire:
        assert broker.cluster_id == cluster_id
        assert not (tmp_path / ".kafka_cleanshutdown").exists()
        assert await fetch(wire, "orders") == [b"one", b"two", b"three"]
        assert await produce(wire, "orders", b"four") == 3
        assert await create(wire, "orders") == ErrorCode.TOPIC_ALREADY_EXISTS


async def test_producer_ids_are_never_given_twice_not_even_by_the_next_start(tmp_path: Path) -> None:
    given = []
    for _ in range(2):
        async with running(tmp_path) as broker, connected(broker) as wire:
            for _ in range(2):
                answer = await wire.ask(InitProducerIdRequest(None), InitProducerIdResponse, 4)
                given.append(answer.producer_id)
    assert given == [0, 1, 1000, 1001]


async def test_a_broker_on_a_store_in_memory_leaves_no_file_of_it(tmp_path: Path) -> None:
    async with EmbeddedStore() as store:
        async with running(tmp_path, store=store) as broker:
            assert await store.children(paths.BROKER_IDS) == {str(broker.node_id)}
    assert not (tmp_path / STORE_FILE).exists()


async def metadata(broker: RunningBroker, listener: int) -> tuple[str, int]:
    async with connected(broker, listener) as wire:
        answer = await wire.ask(MetadataRequest([]), MetadataResponse, 9)
        (node,) = answer.brokers
        return node.host, node.port


async def test_each_listener_tells_its_own_address(tmp_path: Path) -> None:
    properties = {
        "listeners": "INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0",
        "advertised.listeners": "INSIDE://inside.example:0,OUTSIDE://outside.example:4711",
        "listener.security.protocol.map": "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT",
        "inter.broker.listener.name": "INSIDE",
    }
    async with EmbeddedStore() as store, running(tmp_path, properties, store) as broker:
        inside = broker.endpoints[0]
        assert inside.port > 0, "the port that was free"
        assert await metadata(broker, 0) == ("inside.example", inside.port)
        assert broker.endpoints[1].connection_string == "OUTSIDE://outside.example:4711"


async def test_limits_that_change_hold_for_the_next_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as broker, connected(broker) as wire:
        await alter(wire, BROKER, "", "max.connections.per.ip", "1")
        async with connected(broker) as second:
            with pytest.raises((EOFError, trio.BrokenResourceError)):
                await second.ask(MetadataRequest([]), MetadataResponse, 9)


async def test_configs_of_topics_hold_for_the_next_append(tmp_path: Path) -> None:
    async with running(tmp_path) as broker, connected(broker) as wire:
        await create(wire, "small")
        await alter(wire, TOPIC, "small", "max.message.bytes", "10")
        with pytest.raises(AssertionError, match="10"):
            await produce(wire, "small", b"too large")


async def test_a_directory_serves_one_broker_at_a_time(tmp_path: Path) -> None:
    async with running(tmp_path) as broker, connected(broker) as wire:
        with pytest.RaisesGroup(
            pytest.RaisesExc(CannotStart, match="Another broker may be using it"), flatten_subgroups=True
        ):
            async with running(tmp_path):
                pass
        assert await create(wire, "unharmed") == ErrorCode.NONE


async def test_a_full_disk_stops_the_start_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> EmbeddedStore:
        raise StoreUnavailable("/") from sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(metadata_store, "EmbeddedStore", full)
    with pytest.RaisesGroup(
        pytest.RaisesExc(CannotStart, match=r"cannot be opened \(database or disk is full\)\.$"),
        flatten_subgroups=True,
    ):
        async with running(tmp_path):
            pass


async def test_a_failed_directory_has_no_leaders_and_the_controller_knows(tmp_path: Path) -> None:
    """One of two fails: as in Kafka, what is in it is led by nobody, and new topics go to the other."""
    directories = {"log.dirs": f"{tmp_path / 'a'},{tmp_path / 'b'}"}
    async with running(tmp_path, directories) as broker, connected(broker) as wire:
        for topic in ("t", "u"):
            assert await create(wire, topic) == ErrorCode.NONE
        lost = {topic: broker.services.replicas.hosted(topic, 0) for topic in ("t", "u")}
        failed = lost["u"].log.directory if lost["u"].log else None
        assert failed is not None
        failed.fail(OSError(5, "Input/output error"), "Error while writing")
        expected = {topic: each.is_offline for topic, each in lost.items()}
        assert sorted(expected.values()) == [False, True]

        async def leaders() -> dict[str | None, tuple[int, list[int]]]:
            known = await wire.ask(MetadataRequest(topics=None), MetadataResponse, 9)
            return {
                topic.name: (each.leader_id, each.offline_replicas)
                for topic in known.topics
                for each in topic.partitions
            }

        def has_no_leader(known: Snapshot) -> bool:
            state = known.partition(TopicPartition("u", 0))
            return state is not None and state.leader == -1

        assert await wait_until(broker.services.metadata, has_no_leader, timeout_ms=10_000)
        assert await leaders() == {"t": (0, []), "u": (-1, [0])}
        assert await broker.services.store.children(paths.LOG_DIR_EVENT_NOTIFICATION) == frozenset()
        assert await create(wire, "v") == ErrorCode.NONE
        assert (await leaders())["v"] == (0, [])


async def test_a_directory_of_another_broker_stops_the_start(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    with pytest.RaisesGroup(
        pytest.RaisesExc(CannotStart, match="Configured broker.id 7 doesn't match stored broker.id 0"),
        flatten_subgroups=True,
    ):
        async with running(tmp_path, {"broker.id": "7"}):
            pass


async def test_a_directory_of_another_cluster_stops_the_start(tmp_path: Path) -> None:
    async with running(tmp_path):
        pass
    properties = tmp_path / "meta.properties"
    text = properties.read_text()
    properties.write_text(text.replace("cluster.id=", "cluster.id=X"))
    with pytest.RaisesGroup(
        pytest.RaisesExc(CannotStart, match="doesn't match stored clusterId Some\\(X"), flatten_subgroups=True
    ):
        async with running(tmp_path):
            pass


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"zookeeper.set.acl": "true"}, "zookeeper.set.acl is set"),
        ({"zookeeper.connection.timeout.ms": "50"}, "ZooKeeper at 127.0.0.1:1/chroot cannot be used within"),
    ],
)
async def test_a_zookeeper_that_cannot_be_used_stops_the_start(
    tmp_path: Path, properties: dict[str, str], reason: str
) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(CannotStart, match=reason), flatten_subgroups=True):
        async with running(tmp_path, {"zookeeper.connect": "127.0.0.1:1/chroot", **properties}):
            pass


async def test_a_listener_that_promises_security_is_not_served_without(tmp_path: Path) -> None:
    properties = {
        "listeners": "PLAINTEXT://127.0.0.1:0,SECURE://127.0.0.1:0",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURE:SSL",
    }
    with pytest.RaisesGroup(
        pytest.RaisesExc(CannotStart, match="Listener SECURE://127.0.0.1:0 is SSL"), flatten_subgroups=True
    ):
        async with running(tmp_path, properties):
            pass


async def test_an_id_is_chosen_where_none_is_configured_and_kept(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path, {"broker.id": "-1"}) as broker:
            assert broker.node_id == 1001
