"""The tree in a ZooKeeper ensemble. This package is the only one that knows kazoo.

What kazoo's threads have to say is a notice in a queue: `ZooKeeperStore.run`, the one task that reads them,
wakes whoever watches the tree, and they read it again.

A request that changes nothing is asked again until it is answered or the session is over. A commit whose
answer was lost is made again too, and when it is refused then, the tree is asked whether it had happened.
The ensemble alone ends a session, so while all of it is away the session lives and requests wait; what does
not need the tree goes on. Source: kafka.zookeeper.ZooKeeperClient, kafka.zk.KafkaZkClient.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio
from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    ConnectionLoss,
    KazooException,
    NodeExistsError,
    NoNodeError,
    UnimplementedError,
)
from kazoo.protocol.states import EventType, WatchedEvent, ZnodeStat

from odradek.coordination.changes import Changes
from odradek.coordination.store import (
    ANY_VERSION,
    Check,
    Create,
    Delete,
    Node,
    NoNode,
    Operation,
    Result,
    SessionExpired,
    Set,
    StoreUnavailable,
    find_node,
)
from odradek.coordination.zookeeper.multi_read import read_many_async
from odradek.coordination.zookeeper.operations import (
    acls,
    first_refusal,
    full_path,
    refusal,
    result_of,
    spelled,
)
from odradek.coordination.zookeeper.session import Session
from odradek.coordination.zookeeper.settings import ZooKeeperSettings
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_READS_IN_A_REQUEST = 500
"""The answer is of some hundred bytes for each node, and others' requests wait for it."""


@dataclass(slots=True)
class _Watch:
    """A path with readers. kazoo knows `fired` by identity, so that it is never armed twice."""

    fired: Callable[[WatchedEvent], None]
    readers: weakref.WeakSet[Changes] = field(default_factory=weakref.WeakSet)


class ZooKeeperStore:
    """A session with an ensemble, opened by construction, ended by `close`; nothing is heard without `run`.

    Owned by the trio thread. After SessionExpired nothing works until `renew` has opened another session.
    """

    def __init__(self, settings: ZooKeeperSettings) -> None:
        self._settings = settings
        self._notices: deque[tuple[Session, object]] = deque()
        self._noticed = trio.Event()
        self._watches: dict[str, _Watch] = {}
        self._subscriptions: weakref.WeakSet[Changes] = weakref.WeakSet()
        self._session = Session(settings, self._take)

    # -- the session

    @property
    def session_timeout_ms(self) -> int:
        """How long a session outlives its client, as asked for; the ensemble has bounds of its own."""
        return self._settings.session_timeout_ms

    async def connect(self) -> None:
        """Wait for the first connection and make the chroot. Raises StoreUnavailable if it takes too long."""
        with trio.move_on_after(self._settings.connection_timeout_ms / 1000) as waiting:
            await self._usable("/")
            names = self._settings.chroot.split("/")[1:]
            for depth in range(1, len(names) + 1):
                await self._make_chroot("/" + "/".join(names[:depth]))
        if waiting.cancelled_caught:
            raise StoreUnavailable("/")

    async def _make_chroot(self, path: str) -> None:
        """Whoever may not create it need not, if it is there."""
        acl = acls(path, self._settings)
        while True:
            session = await self._usable(path)
            try:
                if await session.answer(lambda client: client.exists_async(path)) is None:
                    await session.answer(lambda client: client.create_async(path, None, acl))
            except ConnectionLoss:
                continue
            except NodeExistsError:
                return
            except KazooException as error:
                raise refusal(error, path) from error
            else:
                return

    async def renew(self) -> None:
        """Open another session in place of one that is over, however long that takes."""
        await self.close()
        self._watches.clear()
        self._subscriptions.clear()
        self._session = Session(self._settings, self._take)
        await self._usable("/")

    async def close(self) -> None:
        """End the session: its ephemeral nodes go, its iterators raise SessionExpired."""
        self._end(self._session)
        await self._session.close()

    def _end(self, session: Session) -> None:
        session.end()
        for changes in self._subscriptions:
            changes.fail(SessionExpired("/"))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Read what kazoo has to say, until cancelled."""
        task_status.started()
        while True:
            await self._noticed.wait()
            self._noticed = trio.Event()
            while self._notices:
                session, notice = self._notices.popleft()
                if session is self._session and not session.is_over:
                    self._heed(session, notice)

    def _take(self, session: Session, notice: object) -> None:
        """Run by trio for kazoo; must not raise."""
        self._notices.append((session, notice))
        self._noticed.set()

    def _heed(self, session: Session, notice: object) -> None:
        match notice:
            case KazooState.CONNECTED:
                _log.info("ZooKeeper connected", hosts=self._settings.hosts)
                session.connected.set()
                for path in list(self._watches):
                    if session.was_cut:
                        self._woken(path, EventType.CREATED)
                    else:
                        self._arm(path, EventType.CREATED)
            case KazooState.SUSPENDED:
                _log.warn("ZooKeeper connection lost, reconnecting", hosts=self._settings.hosts)
                session.connected, session.was_cut = trio.Event(), True
            case KazooState.LOST:
                self._end(session)
            case (str(path), str(kind)):
                self._woken(path, kind)

    async def _usable(self, path: str) -> Session:
        """The session, connected as far as known. Raises SessionExpired."""
        await trio.lowlevel.checkpoint()
        session = self._session
        while not session.connected.is_set():
            await session.connected.wait()
        if session.is_over:
            raise SessionExpired(path)
        return session

    # -- watching

    def changes(self, *paths: str) -> Changes:
        changes = Changes(self._watch)
        for path in paths:
            changes.add(path)
        self._subscriptions.add(changes)
        if self._session.is_over:
            changes.fail(SessionExpired("/"))
        return changes

    def _watch(self, path: str, changes: Changes) -> None:
        if path not in self._watches:
            self._watches[path] = _Watch(partial(self._fired, self._session, path))
            self._arm(path, EventType.CREATED)
        self._watches[path].readers.add(changes)

    @staticmethod
    def _fired(session: Session, path: str, event: WatchedEvent) -> None:
        """Called by kazoo's thread, once for each time that it was armed."""
        if event.type != EventType.NONE:  # a lost connection, and all is armed again with the next one
            session.notify((path, event.type))

    def _arm(self, path: str, fired: str) -> None:
        """Ask for the next event in place of one that fired; the ensemble answers in the order of asking."""
        client, watch, full = self._session.client, self._watches[path].fired, self._full(path)
        if fired != EventType.CHILD:
            client.exists_async(full, watch)
        if fired in (EventType.CHILD, EventType.CREATED):
            client.get_children_async(full, watch)

    def _woken(self, path: str, fired: str) -> None:
        watch = self._watches.get(path)
        if watch is None:
            return
        watch.readers -= {changes for changes in watch.readers if not changes.mark_dirty(path)}
        if watch.readers:
            self._arm(path, fired)
        else:
            del self._watches[path]

    # -- reading

    async def get(self, path: str) -> Node:
        data, stat = await self._read(path, lambda client: client.get_async(self._full(path)))
        return self._node(data, stat)

    async def get_many(self, paths: Sequence[str]) -> list[Node | None]:
        """Read nodes with few requests; None where there is none. They need not be of one moment."""
        nodes: list[Node | None] = []
        for at in range(0, len(paths), _READS_IN_A_REQUEST):
            nodes += await self._get_some(paths[at : at + _READS_IN_A_REQUEST])
        return nodes

    async def _get_some(self, paths: Sequence[str]) -> list[Node | None]:
        full = [self._full(path) for path in paths]
        try:
            answers = await self._read(paths[0], lambda client: read_many_async(client, full))
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, UnimplementedError):
                raise
            return [await find_node(self, path) for path in paths]
        nodes: list[Node | None] = []
        for path, answer in zip(paths, answers, strict=True):
            if isinstance(answer, NoNodeError):
                nodes.append(None)
            elif isinstance(answer, KazooException):
                raise refusal(answer, path) from answer
            else:
                nodes.append(self._node(*answer))
        return nodes

    async def exists(self, path: str) -> bool:
        stat = await self._read(path, lambda client: client.exists_async(self._full(path)))
        return stat is not None

    async def children(self, path: str) -> frozenset[str]:
        names = await self._read(path, lambda client: client.get_children_async(self._full(path)))
        return frozenset(names)

    async def _read(self, path: str, ask: Callable[[KazooClient], Any]) -> Any:
        while True:
            session = await self._usable(path)
            try:
                return await session.answer(ask)
            except ConnectionLoss:
                continue
            except KazooException as error:
                raise refusal(error, path) from error

    def _node(self, data: bytes | None, stat: ZnodeStat) -> Node:
        owner = stat.ephemeralOwner
        is_own = owner != 0 and owner == self._session.session_id
        return Node(data or b"", stat.version, stat.czxid, stat.mzxid, owner != 0, is_own)

    def _full(self, path: str) -> str:
        return full_path(path, self._settings.chroot)

    # -- writing

    async def commit(self, *operations: Operation) -> tuple[Result, ...]:
        await trio.lowlevel.checkpoint()
        if not operations:
            return ()
        path = operations[0].path
        is_repeated = False
        while True:
            session = await self._usable(path)
            try:
                answers = await session.answer(partial(self._ask, operations))
            except ConnectionLoss:
                is_repeated = True
                continue
            except KazooException as error:
                raise refusal(error, path) from error
            refused = first_refusal(operations, answers)
            if refused is None:
                chroot = self._settings.chroot
                return tuple(result_of(*pair, chroot) for pair in zip(operations, answers, strict=True))
            if not is_repeated:
                raise refused
            results = await self._happened(session, operations)
            if results is None:
                raise StoreUnavailable(path) from refused
            return results

    def _ask(self, operations: Sequence[Operation], client: KazooClient) -> Any:
        transaction = client.transaction()
        transaction.operations.extend(spelled(each, self._settings) for each in operations)
        return transaction.commit_async()

    async def _happened(self, session: Session, operations: Sequence[Operation]) -> tuple[Result, ...] | None:
        """What a commit did whose answer was lost, if the tree is as it leaves it; else nobody can know."""
        results = []
        for operation in operations:
            result = await self._left_by(session, operation)
            if result is None:
                return None
            results.append(result)
        return tuple(results)

    async def _left_by(self, session: Session, operation: Operation) -> Result | None:
        path = operation.path
        match operation:
            case Check(_, version):
                return Result(path, version)
            case Delete(_, version):
                return None if await self.exists(path) else Result(path, version)
            case Create(sequential=True):
                return None
        try:
            data, stat = await self._read(path, lambda client: client.get_async(self._full(path)))
        except NoNode:
            return None
        match operation:
            case Create(ephemeral=ephemeral):
                as_left = stat.version == 0 and stat.ephemeralOwner == (
                    session.session_id if ephemeral else 0
                )
            case Set(version=version):
                as_left = version in (ANY_VERSION, stat.version - 1)
        return Result(path, stat.version) if as_left and (data or b"") == operation.data else None
