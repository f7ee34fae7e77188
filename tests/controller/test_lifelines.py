"""A broker whose process is gone is known to be gone by its connections, and only then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from odradek.controller.lifelines import Lifelines
from odradek.coordination.memory_ensemble import MemoryEnsemble
from odradek.coordination.store import Create, Set, find_node
from odradek.metadata import paths
from odradek.metadata.znodes import (
    BrokerRegistration,
    ControllerRegistration,
    Endpoint,
    encode_controller_epoch,
)
from odradek.peers.transport import Channel, PeerRefused, PeerReset

SESSION_S = 18


class Process:
    """One broker's process, as connections show it."""

    def __init__(self) -> None:
        self.ended = trio.Event()
        self.is_listening = True
        self.is_paused = False
        self.connections = 0

    def kill(self) -> None:
        self.is_listening = False
        self.reset()

    def reset(self) -> None:
        """End all connections."""
        self.ended.set()
        self.ended = trio.Event()


class Line:
    """A connection on which nothing is said."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ended = process.ended

    async def send(self, frame: object) -> None:
        raise AssertionError("a lifeline says nothing")

    async def receive(self) -> memoryview:
        await self._ended.wait()
        raise PeerReset("gone")

    async def aclose(self) -> None:
        self._process.connections -= 1


class Machines:
    """A transport to processes by their ports."""

    def __init__(self, count: int) -> None:
        self.processes = [Process() for _ in range(count)]

    async def connect(self, host: str, port: int, *, receive_buffer_bytes: int = -1) -> Channel:
        process = self.processes[port]
        await trio.lowlevel.checkpoint()
        if process.is_paused:
            await trio.sleep_forever()
        if not process.is_listening:
            raise PeerRefused("nobody listens")
        process.connections += 1
        return Line(process)


class Cluster:
    """Brokers 0, 1 and 2 registered, the first of them controller; those that live watch the others."""

    def __init__(self) -> None:
        self.ensemble = MemoryEnsemble()
        self.machines = Machines(3)
        self.sessions = [self.ensemble.session() for _ in range(3)]
        self.scopes = [trio.CancelScope() for _ in range(3)]
        self.outside = self.ensemble.session()

    async def register(self, node_id: int, *, is_odradek: bool = True) -> None:
        endpoint = Endpoint("localhost", node_id, "PLAINTEXT", "PLAINTEXT")
        registration = BrokerRegistration((endpoint,), 0, is_odradek=is_odradek)
        await self.sessions[node_id].commit(
            Create(paths.broker_id(node_id), registration.encode(), ephemeral=True)
        )

    async def elect(self, node_id: int) -> None:
        await self.sessions[node_id].commit(
            Create(paths.CONTROLLER, ControllerRegistration(node_id, 0).encode(), ephemeral=True),
            Set(paths.CONTROLLER_EPOCH, encode_controller_epoch(node_id + 1)),
        )

    async def run(self, node_id: int) -> None:
        lifelines = Lifelines(self.sessions[node_id], node_id, "PLAINTEXT", self.machines)
        with self.scopes[node_id]:
            await lifelines.run()

    def kill(self, node_id: int) -> None:
        """The process ends; its session lives on."""
        self.scopes[node_id].cancel()
        self.machines.processes[node_id].kill()

    async def registered(self) -> set[str]:
        return set(await self.outside.children(paths.BROKER_IDS))


@asynccontextmanager
async def running(*, real: tuple[int, ...] = ()) -> AsyncIterator[Cluster]:
    cluster = Cluster()
    await cluster.outside.commit(
        Create(paths.BROKERS), Create(paths.BROKER_IDS), Create(paths.CONTROLLER_EPOCH, b"0")
    )
    for node_id in range(3):
        await cluster.register(node_id, is_odradek=node_id not in real)
    await cluster.elect(0)
    async with trio.open_nursery() as nursery:
        for node_id in range(3):
            if node_id not in real:
                nursery.start_soon(cluster.run, node_id)
        await trio.sleep(1)
        yield cluster
        nursery.cancel_scope.cancel()


async def test_a_killed_brokers_registration_is_ended_at_once(autojump_clock):
    async with running() as cluster:
        cluster.kill(2)
        await trio.testing.wait_all_tasks_blocked()
        assert await cluster.registered() == {"0", "1"}
        assert await cluster.outside.exists(paths.CONTROLLER)


async def test_a_killed_controllers_office_ends_with_its_registration(autojump_clock):
    async with running() as cluster:
        cluster.kill(0)
        await trio.testing.wait_all_tasks_blocked()
        assert await cluster.registered() == {"1", "2"}
        assert not await cluster.outside.exists(paths.CONTROLLER)


async def test_a_new_controller_finds_who_was_killed_with_the_old_one(autojump_clock):
    async with running() as cluster:
        cluster.kill(0)
        cluster.kill(2)
        await trio.sleep(1)
        assert await cluster.registered() == {"1", "2"}
        await cluster.elect(1)
        await trio.sleep(1)
        assert await cluster.registered() == {"1"}


async def test_a_registration_that_cannot_be_read_is_nobodys_of_ours(autojump_clock):
    async with running() as cluster:
        await cluster.outside.commit(Create(paths.broker_id(7), b"no"), Create(paths.broker_id(8), b"{}"))
        cluster.kill(2)
        await trio.testing.wait_all_tasks_blocked()
        assert await cluster.registered() == {"0", "1", "7", "8"}


async def test_a_paused_or_unreachable_broker_has_its_session(autojump_clock):
    async with running() as cluster:
        cluster.machines.processes[2].is_paused = True
        cluster.machines.processes[2].reset()
        await trio.sleep(SESSION_S)
        assert await cluster.registered() == {"0", "1", "2"}


async def test_a_broker_that_only_closed_its_connections_has_its_session(autojump_clock):
    async with running() as cluster:
        for _ in range(5):
            cluster.machines.processes[2].reset()
            await trio.sleep(1)
        assert await cluster.registered() == {"0", "1", "2"}
        assert cluster.machines.processes[2].connections == 1


async def test_real_kafka_has_its_session(autojump_clock):
    async with running(real=(2,)) as cluster:
        assert cluster.machines.processes[2].connections == 0
        cluster.kill(2)
        await trio.sleep(SESSION_S)
        assert await cluster.registered() == {"0", "1", "2"}


async def test_who_is_refused_by_the_next_process_leaves_its_registration_alone(autojump_clock):
    async with running() as cluster:
        cluster.sessions[0].cut()
        cluster.kill(2)
        await cluster.sessions[2].expire()
        await cluster.sessions[2].renew()
        await cluster.register(2)
        cluster.machines.processes[2].is_listening = True
        cluster.sessions[0].restore()
        await trio.sleep(1)
        assert await cluster.registered() == {"0", "1", "2"}
        assert cluster.machines.processes[2].connections == 1


async def test_a_deposed_controller_ends_nothing(autojump_clock):
    async with running() as cluster:
        cluster.sessions[0].cut()
        await cluster.sessions[0].expire()
        await cluster.elect(1)
        cluster.scopes[1].cancel()
        cluster.kill(2)
        await trio.sleep(1)
        assert await cluster.registered() == {"1", "2"}


async def test_a_broker_that_registers_again_lives_whoever_refuses_for_it(autojump_clock):
    """A firewall, or a name of somebody else's machine: its registration is ended once, not for ever."""
    async with running() as cluster:
        ends = 0
        cluster.machines.processes[2].kill()
        path = paths.broker_id(2)
        with trio.move_on_after(5 * SESSION_S):
            async for _ in cluster.sessions[2].changes(path):
                if await find_node(cluster.sessions[2], path) is None:
                    ends += 1
                    await cluster.register(2)
        assert ends == 1


async def test_a_controller_that_registers_again_is_not_deposed_for_ever(autojump_clock):
    async with running() as cluster:
        ends = 0
        cluster.machines.processes[0].kill()
        with trio.move_on_after(5 * SESSION_S):
            async for _ in cluster.outside.changes(paths.CONTROLLER, paths.broker_id(0)):
                if not await cluster.outside.exists(paths.CONTROLLER):
                    ends += 1
                    await cluster.elect(0)
                if not await cluster.outside.exists(paths.broker_id(0)):
                    await cluster.register(0)
        assert ends <= 2, "by each survivor once"
