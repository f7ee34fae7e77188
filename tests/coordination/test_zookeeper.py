"""What a store in a ZooKeeper ensemble does beyond the contract: lost answers, ended sessions, roots."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest
import trio
from kazoo.client import KazooClient

from compat.oracle.zookeeper import ZooKeeper
from odradek.coordination.changes import Changes
from odradek.coordination.store import (
    Check,
    Create,
    Delete,
    NodeExists,
    SessionExpired,
    Set,
    StoreUnavailable,
)
from odradek.coordination.zookeeper.multi_read import MultiRead
from odradek.coordination.zookeeper.settings import ZooKeeperSettings
from odradek.coordination.zookeeper.store import ZooKeeperStore

PATIENCE_S = 120
"""For what takes milliseconds, on a machine that has other things to do."""


@pytest.fixture(scope="module")
def ensemble() -> Iterator[ZooKeeper]:
    with ZooKeeper() as zookeeper:
        yield zookeeper


@asynccontextmanager
async def opened(settings: ZooKeeperSettings) -> AsyncIterator[ZooKeeperStore]:
    async with trio.open_nursery() as nursery:
        store = ZooKeeperStore(settings)
        await nursery.start(store.run)
        try:
            await store.connect()
            yield store
        finally:
            await store.close()
            nursery.cancel_scope.cancel()


class Wire:
    """The way to a ZooKeeper. It can be cut, and lose the next answer: the connection ends in its place."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self.loses_answers = False
        self.is_cut = False
        self.address = ""
        self._connections: set[trio.CancelScope] = set()

    def cut(self) -> None:
        """End what is connected, and whatever connects while `is_cut`."""
        self.is_cut = True
        for scope in self._connections:
            scope.cancel()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.address = f"127.0.0.1:{listener.socket.getsockname()[1]}"
        task_status.started()
        await trio.serve_listeners(self._serve, [listener])

    async def _serve(self, client: trio.SocketStream) -> None:
        if self.is_cut:
            await client.aclose()
            return
        server = await trio.open_tcp_stream(*self._target)
        async with client, server, trio.open_nursery() as nursery:
            self._connections.add(nursery.cancel_scope)
            nursery.start_soon(self._pass_requests, client, server, nursery.cancel_scope)
            with suppress(trio.BrokenResourceError):  # one of them is gone
                async for answer in server:
                    if self.loses_answers:
                        self.loses_answers = False
                        break
                    await client.send_all(answer)
            nursery.cancel_scope.cancel()

    async def _pass_requests(
        self, client: trio.SocketStream, server: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        try:
            async for request in client:
                await server.send_all(request)
        except trio.BrokenResourceError:
            pass
        scope.cancel()


@asynccontextmanager
async def over_a_wire(ensemble: ZooKeeper) -> AsyncIterator[tuple[ZooKeeperStore, Wire]]:
    wire = Wire(ensemble.connect)
    async with trio.open_nursery() as nursery:
        await nursery.start(wire.run)
        async with opened(ZooKeeperSettings(wire.address, chroot=f"/lost/{uuid4()}")) as store:
            yield store, wire
        nursery.cancel_scope.cancel()


@pytest.mark.oracle
async def test_a_commit_whose_answer_was_lost_is_known_to_have_happened(ensemble: ZooKeeper) -> None:
    async with over_a_wire(ensemble) as (store, wire):
        await store.commit(Create("/epoch", b"1"), Create("/old"))
        wire.loses_answers = True
        results = await store.commit(
            Check("/epoch", 0),
            Create("/controller", b"0", ephemeral=True),
            Set("/epoch", b"2", version=0),
            Delete("/old"),
        )
        assert not wire.loses_answers
        assert [result.version for result in results] == [0, 0, 1, -1]
        assert (await store.get("/epoch")).version == 1
        assert (await store.get("/controller")).ephemeral


@pytest.mark.oracle
async def test_a_commit_that_somebody_else_may_have_made_is_not_claimed(ensemble: ZooKeeper) -> None:
    async with over_a_wire(ensemble) as (store, wire):
        await store.commit(Create("/controller", b"1"))
        wire.loses_answers = True
        with pytest.raises(StoreUnavailable):
            await store.commit(Create("/controller", b"0", ephemeral=True))
        with pytest.raises(NodeExists):
            await store.commit(Create("/controller", b"0", ephemeral=True))


@pytest.mark.oracle
async def test_a_read_whose_answer_was_lost_is_asked_again(ensemble: ZooKeeper) -> None:
    async with over_a_wire(ensemble) as (store, wire):
        await store.commit(Create("/a", b"1"))
        wire.loses_answers = True
        assert (await store.get("/a")).data == b"1"
        assert not wire.loses_answers


@pytest.mark.oracle
async def test_changes_while_the_connection_was_lost_are_seen(ensemble: ZooKeeper) -> None:
    async with over_a_wire(ensemble) as (store, wire):
        changes = store.changes("/a")
        await anext(changes)
        assert not await store.exists("/a")
        wire.loses_answers = True
        await store.commit(Create("/a"))
        with trio.fail_after(PATIENCE_S):
            assert await anext(changes) == {"/a"}
        await store.commit(Delete("/a"))
        with trio.fail_after(PATIENCE_S):
            assert "/a" in await anext(changes)


def end_session(ensemble: ZooKeeper, session_id: int, password: bytes) -> None:
    """Close somebody's session by another connection to it: what expiry looks like, without the wait."""
    client = KazooClient(ensemble.connect, client_id=(session_id, password))
    client.start()
    client.stop()
    client.close()


async def read_on(changes: Changes) -> None:
    async for _ in changes:
        pass


@pytest.mark.oracle
async def test_an_expired_session_ends_everything_and_another_begins_anew(ensemble: ZooKeeper) -> None:
    async with over_a_wire(ensemble) as (store, wire):
        await store.commit(Create("/a"), Create("/mine", ephemeral=True))
        changes = store.changes("/a")
        await anext(changes)
        session = store._session.client.client_id
        wire.cut()
        await trio.to_thread.run_sync(end_session, ensemble, *session)
        wire.is_cut = False
        with trio.fail_after(PATIENCE_S), pytest.raises(SessionExpired):
            await read_on(changes)
        with pytest.raises(SessionExpired):
            await store.get("/a")
        with pytest.raises(SessionExpired):
            await store.commit(Create("/b"))
        await store.renew()
        assert await store.children("/") == {"a"}
        renewed = store.changes("/a")
        await anext(renewed)
        await store.get("/a")
        await store.commit(Set("/a", b"1"), Create("/mine", ephemeral=True))
        with trio.fail_after(PATIENCE_S):
            assert await anext(renewed) == {"/a"}


@pytest.mark.oracle
async def test_the_chroot_is_made_and_nodes_without_data_hold_null_as_kafkas(ensemble: ZooKeeper) -> None:
    chroot = f"/a/b/{uuid4()}"
    async with opened(ZooKeeperSettings(ensemble.connect, chroot)) as store:
        await store.commit(Create("/empty"), Create("/full", b"1"), Set("/full", b""))
        client = ensemble.client()
        try:
            assert client.get(f"{chroot}/empty")[0] is None
            assert client.get(f"{chroot}/full")[0] is None
        finally:
            client.stop()
            client.close()
        assert (await store.get("/empty")).data == b""
    async with opened(ZooKeeperSettings(ensemble.connect, chroot)) as store:
        assert await store.children("/") == {"empty", "full"}


async def test_an_ensemble_that_is_not_there_is_given_up() -> None:
    with pytest.RaisesGroup(StoreUnavailable):
        async with opened(ZooKeeperSettings("127.0.0.1:1", connection_timeout_ms=50)):
            pass


def test_settings_are_read_as_kafka_reads_them() -> None:
    settings = ZooKeeperSettings.of("a:1,b:2/kafka/", session_timeout_ms=6000, connection_timeout_ms=None)
    assert settings == ZooKeeperSettings("a:1,b:2", "/kafka", 6000, 6000)
    assert settings.connect == "a:1,b:2/kafka"
    alone = ZooKeeperSettings.of("a:1", session_timeout_ms=6000, connection_timeout_ms=1000)
    assert alone == ZooKeeperSettings("a:1", "", 6000, 1000)


def test_a_broker_without_an_ensemble_loads_no_kazoo() -> None:
    program = "import sys, odradek.cli.main, odradek.broker.broker; sys.exit('kazoo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_many_nodes_are_read_at_once(ensemble: ZooKeeper) -> None:
    async with opened(ZooKeeperSettings(ensemble.connect, chroot=f"/{uuid4().hex}")) as store:
        await store.commit(*(Create(f"/n{number}", str(number).encode()) for number in range(1100)))
        await store.commit(Set("/n7", b"other"))
        paths = [f"/n{number}" for number in range(1200)]
        found = await store.get_many(paths)
        assert found[:1100] == [await store.get(path) for path in paths[:1100]]
        assert found[1100:] == [None] * 100
        assert await store.get_many([]) == []
        assert await store.get_many(["/n7"]) == [await store.get("/n7")]


async def test_an_ensemble_that_cannot_read_many_at_once_is_asked_one_by_one(
    ensemble: ZooKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MultiRead, "type", 9999)  # no ZooKeeper knows it, as 3.5 does not know multiRead
    async with opened(ZooKeeperSettings(ensemble.connect, chroot=f"/{uuid4().hex}")) as store:
        await store.commit(Create("/a", b"1"))
        assert await store.get_many(["/a", "/b"]) == [await store.get("/a"), None]
