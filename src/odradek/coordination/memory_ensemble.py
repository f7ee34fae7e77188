"""An ensemble in memory: several brokers' sessions on one tree, cut off and expired from outside.

What ZooKeeper is to brokers that share a process, under trio's clock or a mock one: a session that is cut
off waits, as one does whose connection is lost, and learns only when it is connected again what happened
meanwhile, its own end included. When sessions end is up to whoever holds the ensemble: it has no clock.
"""

from __future__ import annotations

import weakref

import trio

from odradek.coordination.changes import Changes
from odradek.coordination.store import Operation, Result
from odradek.coordination.tree import Tree, Znode
from odradek.coordination.tree_session import TreeSession

SESSION_TIMEOUT_MS = 18_000


class MemoryEnsemble:
    """The tree. Each broker has a session of its own."""

    def __init__(self, *, session_timeout_ms: int = SESSION_TIMEOUT_MS) -> None:
        self.session_timeout_ms = session_timeout_ms
        self._tree = Tree()

    def session(self) -> MemorySession:
        """Open a session, connected."""
        return MemorySession(self._tree, self.session_timeout_ms)


class MemorySession(TreeSession):
    """One broker's session; `renew` opens the next one in its place, as an ensemble's client does.

    `cut`, `restore` and `expire` are for whoever tests what a broker makes of them.
    """

    def __init__(self, tree: Tree, session_timeout_ms: int) -> None:
        super().__init__(tree)
        self.session_timeout_ms = session_timeout_ms
        self._connected = trio.Event()
        self._connected.set()
        self._readers: dict[str, weakref.WeakSet[Changes]] = {}

    # -- faults

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    def cut(self) -> None:
        """Lose the connection: what is asked waits, and nothing is heard."""
        if self._connected.is_set():
            self._connected = trio.Event()

    def restore(self) -> None:
        """Connect again, to find out what happened meanwhile."""
        self._connected.set()
        for path in list(self._readers):
            self.mark_dirty(path)
        if not self._tree.is_open(self._session):
            self._end_subscriptions()

    async def expire(self) -> None:
        """End the session from outside; its owner learns of it as soon as it is connected."""
        await self._tree.end_session(self._session)
        if self.is_connected:
            self._end_subscriptions()

    # -- the session

    async def renew(self) -> None:
        """Open another session in place of one that is over, as soon as it is connected."""
        await self.close()
        self._readers.clear()
        self._subscriptions.clear()
        await self._connected.wait()
        self._session = self._tree.open_session()

    async def commit(self, *operations: Operation) -> tuple[Result, ...]:
        await self._connected.wait()
        return await super().commit(*operations)

    async def _read(self, path: str) -> Znode:
        await self._connected.wait()
        return await super()._read(path)

    # -- watching

    def _watch(self, path: str, changes: Changes) -> None:
        if path not in self._readers:
            self._readers[path] = weakref.WeakSet()
            self._tree.watch(path, self)
        self._readers[path].add(changes)

    def mark_dirty(self, path: str) -> bool:
        """Called by the tree; those who are cut off are told when they are connected again."""
        readers = self._readers.get(path)
        if readers is None:
            return False
        if self.is_connected:
            readers -= {changes for changes in readers if not changes.mark_dirty(path)}
        if not readers:
            del self._readers[path]
        return bool(readers)
