"""Session: a broker's store on a simulated ensemble, over a connection that delays, breaks and expires.

What a broker asks travels there and back in order, and its watches travel the same way, so that a broker
reads old news. A connection that is cut loses what was on its way: a request that did not arrive is sent
again, an answer that was lost leaves the broker to find out whether its commit happened, as `ZooKeeperStore`
does. A session from which nothing was heard for its time-out is expired, and its owner learns of that when it
is connected again.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import trio

from odradek.coordination.changes import Changes
from odradek.coordination.store import (
    Node,
    NoNode,
    Operation,
    Result,
    SessionExpired,
    StoreError,
    StoreUnavailable,
)
from odradek.coordination.tree import NO_SESSION, Znode

if TYPE_CHECKING:
    from odradek.testing.ensemble import Ensemble

_QUICK_S = (0.0003, 0.004)

_UNKNOWN_SHARE = 0.5
"""How often the tree does not tell whether a commit happened whose answer was lost."""


class _Request:
    """One question to the ensemble."""

    __slots__ = ("answer", "answered", "is_lost", "perform", "was_performed")

    def __init__(self, perform: Callable[[], Any]) -> None:
        self.perform = perform
        self.answer: Any = None
        self.was_performed = False
        self.is_lost = False
        self.answered = trio.Event()


class Session:
    """A broker's store: a MetadataStore that ends sessions and renews them, as `ZooKeeperStore`."""

    def __init__(self, ensemble: Ensemble, owner: str, random: Random) -> None:
        self.owner = owner
        self._ensemble = ensemble
        self._tree = ensemble.tree
        self._random = random
        self._id = ensemble.tree.open_session()
        self._is_over = False
        self._is_gone = False
        self._connected = trio.Event()
        self._connected.set()
        self._connection = 0
        self._unanswered: dict[_Request, None] = {}
        self._up_s = self._down_s = 0.0
        self._apart: dict[str, None] = {}
        self._apart_since = 0
        self._subscriptions: weakref.WeakSet[Changes] = weakref.WeakSet()
        self._readers: dict[str, weakref.WeakSet[Changes]] = {}
        self._news: set[str] = set()
        if ensemble.is_away:
            self.lose_touch("ensemble")

    # Faults

    @property
    def session_timeout_ms(self) -> int:
        return self._ensemble.session_timeout_ms

    @property
    def is_open(self) -> bool:
        """Whether the session lives, whatever its owner knows."""
        return self._tree.is_open(self._id)

    @property
    def is_in_touch(self) -> bool:
        """Whether the session lives and nothing keeps its owner from the ensemble."""
        return self.is_open and not self._apart and self._connected.is_set()

    def lose_touch(self, reason: str) -> None:
        """Nothing passes between the broker and the ensemble, for one reason more."""
        if self._is_gone or reason in self._apart:
            return
        if self._connected.is_set():
            self._disconnect()
        self._add(reason)

    def regain_touch(self, reason: str) -> None:
        """One reason less; without any the broker connects again, and finds out what happened."""
        self._remove(reason)

    def pause(self) -> None:
        """The owner does not run: it says nothing, and its session ends if that takes too long."""
        self._add("paused")

    def resume(self) -> None:
        self._remove("paused")

    def _add(self, reason: str) -> None:
        if not self._apart:
            self._expect_expiration()
        self._apart[reason] = None

    def _remove(self, reason: str) -> None:
        self._apart.pop(reason, None)
        if self._apart:
            self._expect_expiration()
            return
        self._apart_since += 1
        if not self._connected.is_set():
            self._ensemble.timeline.after(self._delay_s(), self._reconnect)

    def kill(self) -> None:
        """The owner is gone. What it asked last may still arrive; its session ends by time-out."""
        self._is_gone = True
        self._add("killed")

    def silence(self) -> None:
        """Whatever is left of the owner reaches nobody any more."""
        self._is_gone = True
        self._disconnect()

    def expire(self) -> None:
        """The ensemble ends the session."""
        if self.is_open:
            self._ensemble.trace.note("ensemble", f"session of {self.owner} expires")
            self._tree.end_session_nowait(self._id)
            if self._connected.is_set():
                self._send_down(self._learn_end)

    def _expect_expiration(self) -> None:
        self._apart_since += 1
        self._ensemble.timeline.after(
            self.session_timeout_ms / 1000, partial(self._expire_unless_heard_of, self._id, self._apart_since)
        )

    def _expire_unless_heard_of(self, session: int, apart_since: int) -> None:
        if self._ensemble.is_away:
            return
        if self._apart and (self._id, self._apart_since) == (session, apart_since):
            self.expire()

    def _disconnect(self) -> None:
        self._connection += 1
        self._connected = trio.Event()
        self._news.clear()
        for request in self._unanswered:
            request.is_lost = True
            request.answered.set()
        self._unanswered.clear()

    def _reconnect(self) -> None:
        if self._apart or self._connected.is_set():
            return
        self._connected.set()
        if not self.is_open:
            self._learn_end()
        else:
            for path in list(self._readers):
                self._wake(path)

    def _learn_end(self) -> None:
        if self.is_open or self._is_gone:
            return
        self._is_over = True
        for request in self._unanswered:
            request.answer = SessionExpired("/")
            request.answered.set()
        self._unanswered.clear()
        for changes in self._subscriptions:
            changes.fail(SessionExpired("/"))

    # To the ensemble and back

    def _delay_s(self) -> float:
        return self._random.uniform(*_QUICK_S)

    def _send_up(self, action: Callable[[], None]) -> None:
        self._up_s = max(self._up_s, trio.current_time() + self._delay_s())
        self._ensemble.timeline.at(self._up_s, action)

    def _send_down(self, action: Callable[[], None]) -> None:
        connection = self._connection

        def arrive() -> None:
            if connection == self._connection:
                action()

        self._down_s = max(self._down_s, trio.current_time() + self._delay_s())
        self._ensemble.timeline.at(self._down_s, arrive)

    async def _ask(self, path: str, perform: Callable[[], Any], *, is_write: bool = False) -> Any:
        """Raises what `perform` does, and SessionExpired; StoreUnavailable if a write's answer was lost."""
        await trio.lowlevel.checkpoint()
        while True:
            await self._usable(path)
            request = _Request(perform)
            self._unanswered[request] = None
            connection = self._connection
            self._send_up(partial(self._arrive, request, connection))
            await request.answered.wait()
            if not request.is_lost:
                if isinstance(request.answer, StoreError):
                    raise request.answer
                return request.answer
            if is_write and request.was_performed:
                await self._usable(path)
                if self._random.random() < _UNKNOWN_SHARE:
                    raise StoreUnavailable(path)
                return request.answer

    async def _usable(self, path: str) -> None:
        """Until the session is connected. Raises SessionExpired."""
        while not self._connected.is_set():
            await self._connected.wait()
        if self._is_over:
            raise SessionExpired(path)

    def _arrive(self, request: _Request, connection: int) -> None:
        if connection != self._connection:
            return
        try:
            request.answer = request.perform()
            request.was_performed = True
        except StoreError as error:
            request.answer = error
        self._send_down(partial(self._answer, request))

    def _answer(self, request: _Request) -> None:
        self._unanswered.pop(request, None)
        if isinstance(request.answer, SessionExpired):
            self._learn_end()
        request.answered.set()

    # The store

    async def get(self, path: str) -> Node:
        node: Znode = await self._ask(path, partial(self._node, path))
        ephemeral, is_own = node.session != NO_SESSION, node.session == self._id
        return Node(node.data, node.version, node.czxid, node.mzxid, ephemeral, is_own)

    async def exists(self, path: str) -> bool:
        try:
            await self._ask(path, partial(self._node, path))
        except NoNode:
            return False
        return True

    async def children(self, path: str) -> frozenset[str]:
        node: Znode = await self._ask(path, partial(self._node, path))
        return node.children

    def _node(self, path: str) -> Znode:
        if not self.is_open:
            raise SessionExpired(path)
        node = self._tree.nodes.get(path)
        if node is None:
            raise NoNode(path)
        return node

    async def commit(self, *operations: Operation) -> tuple[Result, ...]:
        if not operations:
            return ()
        perform = partial(self._commit, operations)
        results: tuple[Result, ...] = await self._ask(operations[0].path, perform, is_write=True)
        return results

    def _commit(self, operations: tuple[Operation, ...]) -> tuple[Result, ...]:
        results = self._tree.commit_nowait(self._id, operations)
        self._ensemble.trace.mix(repr(operations).encode())
        self._ensemble.on_commit(self.owner, operations)
        return results

    async def renew(self) -> None:
        """Open another session in place of one that is over, as soon as it is connected."""
        await self.close()
        self._readers.clear()
        self._subscriptions.clear()
        await self._connected.wait()
        self._id = self._tree.open_session()
        self._is_over = False

    async def close(self) -> None:
        """End the session, if the ensemble can be told."""
        await trio.lowlevel.checkpoint()
        if self._is_gone or self._apart:
            return
        if self.is_open:
            self._tree.end_session_nowait(self._id)
        self._learn_end()

    # Watching

    def changes(self, *paths: str) -> Changes:
        changes = Changes(self._watch)
        for path in paths:
            changes.add(path)
        self._subscriptions.add(changes)
        if self._is_over:
            changes.fail(SessionExpired("/"))
        return changes

    def _watch(self, path: str, changes: Changes) -> None:
        if path not in self._readers:
            self._readers[path] = weakref.WeakSet()
            self._tree.watch(path, self)
        self._readers[path].add(changes)

    def mark_dirty(self, path: str) -> bool:
        """Called by the tree; the broker hears of it a little later."""
        if path not in self._readers:
            return False
        if not self._news:
            # One delay for all that a commit changes: the tree names its paths in no order.
            self._send_down(self._hear)
        self._news.add(path)
        return True

    def _hear(self) -> None:
        news, self._news = self._news, set()
        for path in news:
            self._wake(path)

    def _wake(self, path: str) -> None:
        readers = self._readers.get(path, weakref.WeakSet())
        readers -= {changes for changes in readers if not changes.mark_dirty(path)}
        if not readers:
            self._readers.pop(path, None)
