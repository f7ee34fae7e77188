"""One session with a tree in this process: reads from memory, commits in the session's name."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Self

import trio

from odradek.coordination.changes import Changes
from odradek.coordination.store import Node, NoNode, Operation, Result, SessionExpired
from odradek.coordination.tree import NO_SESSION, Tree, Znode


class TreeSession:
    """A MetadataStore; opened by construction, ended by `close`. Owned by the trio thread."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._session = tree.open_session()
        self._subscriptions: weakref.WeakSet[Changes] = weakref.WeakSet()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session: its ephemeral nodes go, its iterators raise SessionExpired."""
        if self._tree.is_open(self._session):
            await self._tree.end_session(self._session)
            self._end_subscriptions()

    def _end_subscriptions(self) -> None:
        for changes in self._subscriptions:
            changes.fail(SessionExpired("/"))

    async def get(self, path: str) -> Node:
        node = await self._read(path)
        ephemeral = node.session != NO_SESSION
        is_own = node.session == self._session
        return Node(node.data, node.version, node.czxid, node.mzxid, ephemeral, is_own)

    async def exists(self, path: str) -> bool:
        try:
            await self._read(path)
        except NoNode:
            return False
        return True

    async def children(self, path: str) -> frozenset[str]:
        return (await self._read(path)).children

    async def commit(self, *operations: Operation) -> tuple[Result, ...]:
        return await self._tree.commit(self._session, operations)

    def changes(self, *paths: str) -> Changes:
        changes = Changes(self._watch)
        for path in paths:
            changes.add(path)
        self._subscriptions.add(changes)
        if not self._tree.is_open(self._session):
            changes.fail(SessionExpired("/"))
        return changes

    def _watch(self, path: str, changes: Changes) -> None:
        self._tree.watch(path, changes)

    async def _read(self, path: str) -> Znode:
        await trio.lowlevel.checkpoint()
        if not self._tree.is_open(self._session):
            raise SessionExpired(path)
        node = self._tree.nodes.get(path)
        if node is None:
            raise NoNode(path)
        return node
