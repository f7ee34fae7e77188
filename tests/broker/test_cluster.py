"""Several brokers in this process, on one tree and real sockets: a broker as a member of a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import trio

from odradek.broker.broker import RunningBroker, run_broker
from odradek.config.broker_config import BrokerConfig
from odradek.controller.commands import Reassign
from odradek.controller.new_topic import NewTopic
from odradek.coordination.memory_ensemble import MemoryEnsemble, MemorySession
from odradek.coordination.store import Delete, find_node
from odradek.log.logs import Logs
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import ControllerRegistration, LeaderAndIsr
from odradek.peers.transport import Channel, TcpTransport
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.create_topics_response import CreateTopicsResponse
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from odradek.protocol.generated.find_coordinator_response import FindCoordinatorResponse
from odradek.protocol.generated.incremental_alter_configs_request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.protocol.generated.incremental_alter_configs_response import IncrementalAlterConfigsResponse
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.init_producer_id_response import InitProducerIdResponse
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.metadata_response import MetadataResponse
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.produce_response import ProduceResponse
from odradek.records.builder import build_batch
from odradek.records.record import Record
from tests.broker.wire import connected

ORDERS = TopicPartition("orders", 0)
SETTLE_S = 20


@dataclass
class Cluster:
    """Brokers 0, 1 and 2, each with a session of its own; they stop in order, one or all."""

    ensemble: MemoryEnsemble
    nursery: trio.Nursery
    directory: Path
    properties: Mapping[str, str]
    sessions: dict[int, MemorySession] = field(default_factory=dict)
    brokers: dict[int, RunningBroker] = field(default_factory=dict)
    scopes: dict[int, trio.CancelScope] = field(default_factory=dict)
    ended: dict[int, trio.Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outside = self.ensemble.session()

    async def start(self, node_id: int) -> None:
        config = BrokerConfig(
            {
                "broker.id": str(node_id),
                "listeners": "PLAINTEXT://127.0.0.1:0",
                "log.dirs": str(self.directory / str(node_id)),
                # All stop at once in the end, and nobody is left to lead.
                "controlled.shutdown.retry.backoff.ms": "50",
                **self.properties,
            }
        )
        session = self.sessions[node_id] = self.ensemble.session()
        self.scopes[node_id], self.ended[node_id] = trio.CancelScope(), trio.Event()
        run = partial(run_broker, config, store=session)
        self.brokers[node_id] = await self.nursery.start(self._live, node_id, run)

    async def _live(
        self, node_id: int, run: Callable[..., Awaitable[None]], task_status: trio.TaskStatus[RunningBroker]
    ) -> None:
        with self.scopes[node_id]:
            await run(task_status=task_status)
        await self.sessions[node_id].close()
        self.ended[node_id].set()

    async def stop(self, node_id: int) -> None:
        self.scopes[node_id].cancel()
        await self.ended[node_id].wait()
        del self.brokers[node_id]

    async def state(self, partition: TopicPartition = ORDERS) -> LeaderAndIsr:
        return LeaderAndIsr.decode((await self.outside.get(paths.partition_state(partition))).data)

    async def controller_id(self) -> int:
        return ControllerRegistration.decode((await self.outside.get(paths.CONTROLLER)).data).broker_id

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        with trio.fail_after(SETTLE_S):
            while not await condition():
                await trio.lowlevel.checkpoint()
                await trio.sleep(0.01)

    async def until_everyone(self, knows: Callable[[RunningBroker], bool]) -> None:
        async def everyone_does() -> bool:
            return all(knows(broker) for broker in self.brokers.values())

        await self.until(everyone_does)


@asynccontextmanager
async def cluster(tmp_path: Path, **properties: str) -> AsyncIterator[Cluster]:
    given = {name.replace("_", "."): value for name, value in properties.items()}
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            made = Cluster(MemoryEnsemble(), nursery, tmp_path, given)
            for node_id in range(3):
                await made.start(node_id)
            yield made
            nursery.cancel_scope.cancel()


async def create(made: Cluster, topic: str = "orders", partitions: int = 1) -> None:
    request = CreateTopicsRequest([CreatableTopic(topic, partitions, 3)], 10_000)
    async with connected(made.brokers[await made.controller_id()]) as wire:
        response = await wire.ask(request, CreateTopicsResponse, 7)
    assert response.topics[0].error_code == ErrorCode.NONE
    await made.until_everyone(lambda broker: topic in broker.services.metadata)


async def produce(broker: RunningBroker, value: bytes) -> tuple[int, int]:
    """With acks=all, to partition 0 of `orders`: error code and base offset."""
    data = TopicProduceData(
        "orders", partition_data=[PartitionProduceData(0, build_batch([Record(0, 1_000, None, value)]))]
    )
    async with connected(broker) as wire:
        response = await wire.ask(ProduceRequest(None, -1, 10_000, [data]), ProduceResponse, 9)
    (partition,) = response.responses[0].partition_responses
    return partition.error_code, partition.base_offset


async def test_three_brokers_are_one_cluster(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        assert await made.outside.children(paths.BROKER_IDS) == {"0", "1", "2"}
        assert len({broker.cluster_id for broker in made.brokers.values()}) == 1
        await made.until_everyone(lambda each: each.services.metadata.snapshot.brokers.keys() == {0, 1, 2})
        for broker in made.brokers.values():
            assert broker.services.metadata.snapshot.controller_id == await made.controller_id()


async def test_the_controller_has_a_listener_of_its_own_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled: set[int] = set()
    connect = TcpTransport.connect

    async def note(self: TcpTransport, host: str, port: int, **options: int) -> Channel:
        dialled.add(port)
        return await connect(self, host, port, **options)

    monkeypatch.setattr(TcpTransport, "connect", note)
    listeners = {
        "listeners": "PLAINTEXT://127.0.0.1:0,CONTROL://127.0.0.1:0",
        "listener_security_protocol_map": "PLAINTEXT:PLAINTEXT,CONTROL:PLAINTEXT",
        "inter_broker_listener_name": "PLAINTEXT",
        "control_plane_listener_name": "CONTROL",
    }
    async with cluster(tmp_path, **listeners) as made:
        await create(made)
        controller_id = await made.controller_id()
        ports = {
            node_id: {each.listener_name: each.port for each in broker.endpoints}
            for node_id, broker in made.brokers.items()
        }
        assert {ports[node_id]["CONTROL"] for node_id in ports.keys() - {controller_id}} <= dialled
        leader = made.brokers[(await made.state()).leader]
        assert await produce(leader, b"one") == (ErrorCode.NONE, 0)
        async with connected(leader) as wire:
            told = await wire.ask(MetadataRequest(None), MetadataResponse, 9)
        assert {each.port for each in told.brokers} == {each["PLAINTEXT"] for each in ports.values()}


async def test_brokers_that_start_at_once_are_one_cluster_with_ids_of_their_own(tmp_path: Path) -> None:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            made = Cluster(MemoryEnsemble(), nursery, tmp_path, {"broker.id": "-1", "zookeeper.connect": "-"})
            async with trio.open_nursery() as starting:
                for number in range(3):
                    starting.start_soon(made.start, number)
            assert {broker.node_id for broker in made.brokers.values()} == {1001, 1002, 1003}
            assert len({broker.cluster_id for broker in made.brokers.values()}) == 1
            nursery.cancel_scope.cancel()


async def test_a_broker_that_stops_in_order_has_its_leaders_moved_first(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await create(made)
        leader = (await made.state()).leader
        assert await produce(made.brokers[leader], b"one") == (ErrorCode.NONE, 0)
        partition = made.brokers[leader].services.replicas.partition(ORDERS)
        assert partition is not None
        await made.stop(leader)
        assert not partition.is_leader  # it was told before it ended
        after = await made.state()
        assert (after.leader_epoch, leader in after.isr) == (1, False)
        assert await produce(made.brokers[after.leader], b"two") == (ErrorCode.NONE, 1)
        assert await made.outside.children(paths.BROKER_IDS) == {str(each) for each in made.brokers}


async def test_without_controlled_shutdown_nobody_is_asked(tmp_path: Path) -> None:
    async with cluster(tmp_path, controlled_shutdown_enable="false") as made:
        await create(made)
        leader = (await made.state()).leader
        partition = made.brokers[leader].services.replicas.partition(ORDERS)
        assert partition is not None
        await made.stop(leader)
        assert partition.is_leader


async def test_a_broker_that_was_taken_for_dead_registers_again_with_another_epoch(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await create(made)
        follower = min({0, 1, 2} - {(await made.state()).leader, await made.controller_id()})
        path = paths.broker_id(follower)
        first = (await made.outside.get(path)).czxid
        await made.outside.commit(Delete(path))
        await made.until(lambda: made.outside.exists(path))
        assert (await made.outside.get(path)).czxid > first

        async def is_in_sync_again() -> bool:
            return set((await made.state()).isr) == {0, 1, 2}

        await made.until(is_in_sync_again)
        assert (await produce(made.brokers[(await made.state()).leader], b"one"))[0] == ErrorCode.NONE


async def test_a_session_that_ended_is_followed_by_another_and_by_another_controller(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await create(made)
        deposed = await made.controller_id()
        await made.sessions[deposed].expire()

        async def is_whole() -> bool:
            return (
                await made.outside.exists(paths.CONTROLLER)
                and len(await made.outside.children(paths.BROKER_IDS)) == 3
                and len((await made.state()).isr) == 3
            )

        await made.until(is_whole)
        assert (await made.outside.get(paths.CONTROLLER_EPOCH)).data == b"2"
        assert (await produce(made.brokers[(await made.state()).leader], b"one"))[0] == ErrorCode.NONE


async def test_brokers_go_on_with_what_they_lead_while_the_ensemble_is_away(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await create(made)
        leader = (await made.state()).leader
        for session in made.sessions.values():
            session.cut()
        for number in range(3):
            assert await produce(made.brokers[leader], b"x") == (ErrorCode.NONE, number)
        for session in made.sessions.values():
            session.restore()
        await create(made, "later")


async def test_a_config_set_at_one_broker_holds_at_all(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await create(made)
        config = AlterConfigsResource(2, "orders", [AlterableConfig("retention.ms", 0, "1000")])
        async with connected(made.brokers[1]) as wire:
            request = IncrementalAlterConfigsRequest([config])
            answer = await wire.ask(request, IncrementalAlterConfigsResponse, 1)
        assert answer.responses[0].error_code == ErrorCode.NONE
        await made.until_everyone(
            lambda each: each.services.configs.log_config("orders").retention_ms == 1000
        )


async def test_no_two_brokers_give_the_same_producer_id(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        given = []
        for broker in made.brokers.values():
            async with connected(broker) as wire:
                answer = await wire.ask(InitProducerIdRequest(None), InitProducerIdResponse, 4)
                given.append(answer.producer_id)
        assert sorted(given) == [0, 1000, 2000]


async def test_any_broker_creates_topics_by_itself_and_tells_where_groups_are_coordinated(
    tmp_path: Path,
) -> None:
    internal = {"offsets_topic_num_partitions": "3", "offsets_topic_replication_factor": "3"}
    async with cluster(tmp_path, default_replication_factor="3", **internal) as made:
        other = made.brokers[max({0, 1, 2} - {await made.controller_id()})]
        async with connected(other) as wire:
            wanted = MetadataRequest([MetadataRequestTopic(name="orders")], allow_auto_topic_creation=True)
            answer = await wire.ask(wanted, MetadataResponse, 9)
            assert answer.topics[0].error_code == ErrorCode.LEADER_NOT_AVAILABLE
        await made.until_everyone(lambda each: "orders" in each.services.metadata)
        assert len((await made.state()).isr) == 3

        async def coordinators() -> set[tuple[int, int]]:
            found = set()
            for group in ("a", "b", "c", "d"):
                async with connected(other) as wire:
                    answer = await wire.ask(FindCoordinatorRequest(group), FindCoordinatorResponse, 3)
                if answer.error_code == ErrorCode.NONE:
                    found.add((answer.node_id, answer.port))
            return found

        async def all_are_coordinators() -> bool:
            return len(await coordinators()) == 3

        await made.until(all_are_coordinators)
        ports = {node_id: broker.endpoints[0].port for node_id, broker in made.brokers.items()}
        assert await coordinators() == set(ports.items())


async def test_a_session_that_ends_during_a_start_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cluster(tmp_path) as made:
        await made.stop(2)
        session = made.ensemble.session()
        children, has_ended = session.children, False

        async def end_once(path: str) -> frozenset[str]:
            nonlocal has_ended
            if path == paths.BROKER_IDS and not has_ended:
                has_ended = True
                await session.expire()
            return await children(path)

        monkeypatch.setattr(session, "children", end_once)
        monkeypatch.setattr(made.ensemble, "session", lambda: session)
        await made.start(2)
        assert has_ended
        assert "2" in await made.outside.children(paths.BROKER_IDS)


async def create_for_others(made: Cluster, name: str, value: str) -> tuple[int, int]:
    """A topic that the controller has no replica of, created with a config that nobody announces."""
    one, two = sorted({0, 1, 2} - {await made.controller_id()})
    wanted = NewTopic("orders", assignments=((0, (one, two)),), configs={name: value})
    created = await made.brokers[one].services.topics.create_topics([wanted], timeout_ms=10_000)
    assert created["orders"].code == ErrorCode.NONE
    await made.until_everyone(lambda broker: "orders" in broker.services.metadata)
    return one, two


async def test_a_replica_that_comes_later_has_the_topics_configs(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        others = await create_for_others(made, "cleanup.policy", "compact")
        controller = await made.controller_id()
        services = made.brokers[controller].services
        assert await services.controller.reassign(Reassign({ORDERS: (controller, *others)})) == {ORDERS: None}

        async def has_log() -> bool:
            return bool(services.replicas.has_log(ORDERS))

        await made.until(has_log)
        moved = services.replicas.find("orders", 0)
        assert moved is not None
        assert moved.log is not None
        assert moved.log.config.cleanup_policy == frozenset({"compact"})


async def test_a_controller_knows_of_each_topic_whether_it_may_be_led_out_of_sync(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        one, two = await create_for_others(made, "unclean.leader.election.enable", "true")
        await made.stop(two)

        async def is_led(leader: int, isr: tuple[int, ...]) -> bool:
            state = await made.state()
            return (state.leader, state.isr) == (leader, isr)

        await made.until(partial(is_led, one, (one,)))
        await made.stop(one)
        await made.until(partial(is_led, -1, (one,)))
        await made.start(two)
        await made.until(partial(is_led, two, (two,)))


async def test_a_controller_that_stops_leaves_its_office_before_it_closes_its_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Logs.close
    goes_on = trio.Event()

    async def wait_and_close(self: Logs, *epoch: int) -> None:
        await goes_on.wait()
        await close(self, *epoch)

    async with cluster(tmp_path) as made:
        first = await made.controller_id()
        with monkeypatch.context() as slow:
            slow.setattr(Logs, "close", wait_and_close)
            made.scopes[first].cancel()

            async def is_succeeded() -> bool:
                office = await find_node(made.outside, paths.CONTROLLER)
                return office is not None and await made.controller_id() != first

            await made.until(is_succeeded)
            assert not made.ended[first].is_set()
            goes_on.set()
