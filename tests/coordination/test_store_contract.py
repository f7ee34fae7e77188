"""What every metadata store must do, whoever keeps the tree; one suite for all implementations.

An implementation joins by an entry in `IMPLEMENTATIONS`: a context manager that gives an opener of sessions
with one empty tree. Semantics are ZooKeeper's, and a real one is among them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
import trio

from compat.oracle.zookeeper_ensemble import ZooKeeperEnsemble
from odradek.coordination.changes import Changes
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.memory_ensemble import MemoryEnsemble
from odradek.coordination.store import (
    BadVersion,
    Check,
    Create,
    Delete,
    MetadataStore,
    NoChildrenForEphemerals,
    NodeExists,
    NoNode,
    NotEmpty,
    SessionExpired,
    Set,
    StoreError,
)
from odradek.coordination.zookeeper.settings import ZooKeeperSettings
from odradek.coordination.zookeeper.store import ZooKeeperStore


class Session(MetadataStore, Protocol):
    async def close(self) -> None: ...


OpenSession = Callable[[], Session]

PATIENCE_S = 120
"""For what takes milliseconds, on a machine that has other things to do."""


@pytest.fixture(scope="module")
def ensemble() -> Iterator[ZooKeeperEnsemble]:
    with ZooKeeperEnsemble() as ensemble:
        yield ensemble


@asynccontextmanager
async def embedded_in_memory(request: pytest.FixtureRequest) -> AsyncIterator[OpenSession]:
    async with EmbeddedStore() as first:
        yield first.another_session


@asynccontextmanager
async def embedded_in_file(request: pytest.FixtureRequest) -> AsyncIterator[OpenSession]:
    directory: Path = request.getfixturevalue("tmp_path")
    async with EmbeddedStore(directory / "tree.sqlite3") as first:
        yield first.another_session


@asynccontextmanager
async def ensemble_in_memory(request: pytest.FixtureRequest) -> AsyncIterator[OpenSession]:
    yield MemoryEnsemble().session


@asynccontextmanager
async def zookeeper(request: pytest.FixtureRequest) -> AsyncIterator[OpenSession]:
    """Each test has a chroot of its own."""
    ensemble: ZooKeeperEnsemble = request.getfixturevalue("ensemble")
    settings = ZooKeeperSettings(ensemble.connect, chroot=f"/contract/{uuid4()}")
    opened: list[ZooKeeperStore] = []
    async with trio.open_nursery() as nursery:

        def open_session() -> ZooKeeperStore:
            store = ZooKeeperStore(settings)
            opened.append(store)
            nursery.start_soon(store.run)
            return store

        await open_session().connect()
        yield open_session
        for store in opened:
            await store.close()
        nursery.cancel_scope.cancel()


Implementation = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[OpenSession]]

IMPLEMENTATIONS: dict[Implementation, tuple[pytest.MarkDecorator, ...]] = {
    embedded_in_memory: (),
    embedded_in_file: (),
    ensemble_in_memory: (),
    zookeeper: (pytest.mark.oracle,),
}


@pytest.fixture(
    params=[pytest.param(each, id=each.__name__, marks=marks) for each, marks in IMPLEMENTATIONS.items()]
)
async def sessions(request):
    async with request.param(request) as open_session:
        yield open_session


async def woken(store: MetadataStore, changes: Changes, within_s: float = PATIENCE_S) -> frozenset[str]:
    """The paths that may have changed, read again as every reader does."""
    paths: frozenset[str] = frozenset()
    with trio.move_on_after(within_s):
        paths = await anext(changes)
    for path in paths:
        await store.exists(path)
    return paths


async def asleep(store: MetadataStore, changes: Changes) -> bool:
    return not await woken(store, changes, within_s=0.5)


async def woken_for(store: MetadataStore, changes: Changes, *expected: str) -> set[str]:
    """Collect paths until the expected ones are among them; a store may wake more often than it must."""
    paths: set[str] = set()
    while not paths.issuperset(expected) and (more := await woken(store, changes)):
        paths |= more
    return paths


async def refused(attempt: Awaitable[object]) -> tuple[type[StoreError], str]:
    try:
        await attempt
    except StoreError as error:
        return type(error), error.path
    raise AssertionError("the store allowed it")


async def test_a_created_node_is_read_back(sessions):
    store = sessions()
    (result,) = await store.commit(Create("/a", b"data"))
    node = await store.get("/a")
    assert (result.path, result.version) == ("/a", 0)
    assert (node.data, node.version, node.ephemeral) == (b"data", 0, False)
    assert node.czxid == node.mzxid
    assert await store.exists("/a")
    assert not await store.exists("/b")


async def test_a_change_counts_the_version_and_moves_mzxid_only(sessions):
    store = sessions()
    await store.commit(Create("/a", b"1"))
    created = await store.get("/a")
    (result,) = await store.commit(Set("/a", b"2", version=0))
    node = await store.get("/a")
    assert (node.data, node.version, result.version) == (b"2", 1, 1)
    assert node.czxid == created.czxid
    assert node.mzxid > created.mzxid


async def test_zxids_grow_over_the_whole_tree(sessions):
    store, other = sessions(), sessions()
    await store.commit(Create("/a"))
    await other.commit(Create("/b"))
    assert (await other.get("/b")).czxid > (await other.get("/a")).czxid


async def test_children_are_named_without_their_path(sessions):
    store = sessions()
    await store.commit(Create("/p"), Create("/p/x"), Create("/p/y"), Create("/p/y/z"))
    assert await store.children("/p") == {"x", "y"}
    assert "p" in await store.children("/")
    assert await store.children("/p/x") == frozenset()


async def test_what_is_not_there_cannot_be_read_or_changed(sessions):
    store = sessions()
    assert await refused(store.get("/a")) == (NoNode, "/a")
    assert await refused(store.children("/a")) == (NoNode, "/a")
    assert await refused(store.commit(Set("/a", b""))) == (NoNode, "/a")
    assert await refused(store.commit(Delete("/a"))) == (NoNode, "/a")
    assert await refused(store.commit(Check("/a", -1))) == (NoNode, "/a")
    with pytest.raises(NoNode):
        await store.commit(Create("/a/b"))


async def test_a_node_is_created_once(sessions):
    store = sessions()
    await store.commit(Create("/a"))
    assert await refused(store.commit(Create("/a"))) == (NodeExists, "/a")


async def test_versions_guard_changes(sessions):
    store = sessions()
    await store.commit(Create("/a"))
    await store.commit(Set("/a", b"1"), Set("/a", b"2"))
    for stale in (Set("/a", b"", version=1), Delete("/a", version=1), Check("/a", 1)):
        assert await refused(store.commit(stale)) == (BadVersion, "/a")
    await store.commit(Check("/a", 2), Delete("/a", version=2))
    assert not await store.exists("/a")


async def test_a_node_with_children_stays(sessions):
    store = sessions()
    await store.commit(Create("/a"), Create("/a/b"))
    assert await refused(store.commit(Delete("/a"))) == (NotEmpty, "/a")
    await store.commit(Delete("/a/b"), Delete("/a"))


async def test_a_commit_happens_as_a_whole_or_not_at_all(sessions):
    store = sessions()
    await store.commit(Create("/a", b"old"))
    attempt = store.commit(Create("/b"), Set("/a", b"new"), Check("/a", 7), Create("/c"))
    assert await refused(attempt) == (BadVersion, "/a")
    assert not await store.exists("/b")
    assert (await store.get("/a")).data == b"old"


async def test_later_operations_see_earlier_ones_and_share_their_zxid(sessions):
    store = sessions()
    created, changed = await store.commit(Create("/a"), Set("/a", b"x", version=0))
    await store.commit(Delete("/a"), Create("/a", b"again"), Create("/b"))
    again = await store.get("/a")
    assert (created.version, changed.version, again.version, again.data) == (0, 1, 0, b"again")
    assert again.czxid == (await store.get("/b")).czxid


async def test_sequential_names_count_the_parents_children_of_all_time(sessions):
    store = sessions()
    await store.commit(Create("/p"), Create("/p/other"))
    (first,) = await store.commit(Create("/p/n_", b"1", sequential=True))
    await store.commit(Delete(first.path), Delete("/p/other"))
    second, third = await store.commit(Create("/p/n_", sequential=True), Create("/p/n_", sequential=True))
    assert first.path == "/p/n_0000000001"
    assert (second.path, third.path) == ("/p/n_0000000002", "/p/n_0000000003")


async def test_ephemeral_nodes_end_with_their_session(sessions):
    mortal, store = sessions(), sessions()
    await mortal.commit(Create("/ids"), Create("/ids/0", b"broker", ephemeral=True))
    assert (await store.get("/ids/0")).ephemeral
    changes = store.changes("/ids")
    assert await woken(store, changes)
    await mortal.close()
    # Another member of an ensemble may be a moment behind.
    while await store.children("/ids"):
        assert await woken(store, changes)
    assert await refused(mortal.get("/ids")) == (SessionExpired, "/ids")
    assert (await refused(mortal.commit(Create("/x"))))[0] is SessionExpired


async def test_a_session_knows_which_ephemeral_nodes_are_its_own(sessions):
    one, other = sessions(), sessions()
    await one.commit(Create("/ids"), Create("/ids/0", ephemeral=True))
    await other.commit(Create("/ids/1", ephemeral=True))
    assert [(await one.get(path)).is_own for path in ("/ids", "/ids/0", "/ids/1")] == [False, True, False]


async def test_an_ephemeral_node_has_no_children(sessions):
    store = sessions()
    await store.commit(Create("/e", ephemeral=True))
    with pytest.raises(NoChildrenForEphemerals):
        await store.commit(Create("/e/child"))


async def test_a_reader_is_woken_at_once_and_then_by_its_node_and_children(sessions):
    store, writer = sessions(), sessions()
    await writer.commit(Create("/p"), Create("/p/a"))
    changes = store.changes("/p")
    assert await woken(store, changes)
    for operation in (Set("/p", b"x"), Create("/p/b"), Delete("/p/b")):
        await writer.commit(operation)
        assert await woken(store, changes), operation


async def test_a_reader_of_a_missing_node_is_woken_by_its_birth_and_death(sessions):
    store = sessions()
    changes = store.changes("/controller")
    assert await woken(store, changes)
    await store.commit(Create("/controller"))
    assert await woken(store, changes)
    await store.commit(Delete("/controller"))
    assert await woken(store, changes)


async def test_a_reader_sleeps_through_what_does_not_concern_it(sessions):
    store = sessions()
    await store.commit(Create("/p"), Create("/p/a"), Create("/q"))
    changes = store.changes("/p")
    assert await woken(store, changes)
    await store.commit(Set("/p/a", b"grandchildren"), Set("/q", b""), Create("/p/a/b"))
    with pytest.raises(BadVersion):
        await store.commit(Set("/p", b""), Check("/q", 9))
    assert await asleep(store, changes)


async def test_changes_before_a_read_make_one_wake_and_none_is_lost(sessions):
    store = sessions()
    changes = store.changes("/n")
    await store.commit(Create("/n", b"1"))
    await store.commit(Set("/n", b"2"))
    assert await woken(store, changes)
    assert (await store.get("/n")).data == b"2"
    await store.commit(Set("/n", b"3"))
    assert await woken(store, changes)


async def test_one_reader_learns_which_of_many_paths_changed(sessions):
    store = sessions()
    await store.commit(Create("/a"), Create("/b"))
    changes = store.changes("/a", "/b")
    changes.add("/c")
    assert await woken_for(store, changes, "/a", "/b", "/c") == {"/a", "/b", "/c"}
    await store.commit(Set("/a", b"1"), Create("/c"))
    assert "/b" not in await woken_for(store, changes, "/a", "/c")
    changes.discard("/a")
    await store.commit(Set("/a", b"2"), Set("/b", b"2"))
    assert "/a" not in await woken_for(store, changes, "/b")
    changes.add("/a")
    assert "/a" in await woken_for(store, changes, "/a")
    await store.commit(Set("/a", b"3"))
    assert "/a" in await woken_for(store, changes, "/a")
    changes.follow("/d")
    assert "/d" not in await woken(store, changes, within_s=0.5)
    await store.commit(Create("/d"))
    assert "/d" in await woken_for(store, changes, "/d")


async def test_a_waiting_reader_learns_of_the_end_of_its_session(sessions):
    store = sessions()
    changes = store.changes("/n")
    assert await woken(store, changes)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.close)
        with pytest.raises(SessionExpired):
            await anext(changes)


async def test_one_of_many_racing_writers_wins(sessions):
    stores = [sessions() for _ in range(5)]
    outcomes: list[bool] = []

    async def elect(store: Session) -> None:
        try:
            await store.commit(Create("/controller", ephemeral=True))
        except NodeExists:
            outcomes.append(False)
        else:
            outcomes.append(True)

    async with trio.open_nursery() as nursery:
        for store in stores:
            nursery.start_soon(elect, store)
    assert sorted(outcomes) == [False] * 4 + [True]
