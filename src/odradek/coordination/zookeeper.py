"""The tree in a ZooKeeper ensemble: the only module that knows kazoo.

kazoo has threads of its own and swallows what its callbacks raise; an exception in what trio is asked to run
would end the broker. So a callback only appends a notice and wakes `ZooKeeperStore.run`, the one task that
reads them, and the tree is read again by whoever watches it.

A request that changes nothing is asked again until it is answered or the session is over. A commit whose
answer was lost is made again too, and when it is refused then, the tree is asked whether it had happened.
The ensemble alone ends a session, so while all of it is away the session lives and requests wait; what does
not need the tree goes on. Source: kafka.zookeeper.ZooKeeperClient, kafka.zk.KafkaZkClient.
"""

from __future__ import annotations

import logging
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio
from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError,
    ConnectionClosedError,
    ConnectionLoss,
    KazooException,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    SessionExpiredError,
)
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.protocol import serialization
from kazoo.protocol.states import EventType, WatchedEvent
from kazoo.retry import KazooRetry
from kazoo.security import OPEN_ACL_UNSAFE

from odradek.coordination.changes import Changes
from odradek.coordination.store import (
    ANY_VERSION,
    BadVersion,
    Check,
    Create,
    Delete,
    NoChildrenForEphemerals,
    Node,
    NodeExists,
    NoNode,
    NotEmpty,
    Operation,
    Result,
    SessionExpired,
    Set,
    StoreError,
    StoreUnavailable,
)
from odradek.coordination.zookeeper_settings import ZooKeeperSettings
from odradek.telemetry import get_logger

_log = get_logger(__name__)

# kazoo says each attempt to connect; the store says what came of them. Without a handler of its own, the
# standard library would write kazoo's warnings to standard error.
logging.getLogger("kazoo").addHandler(logging.NullHandler())

_CLOSE_S = 10
"""How long the end of a session may take; the ensemble ends it by itself otherwise."""

_RECONNECT_DELAY_S = 0.1
_RECONNECT_MAX_DELAY_S = 1.0

_ATTEMPTS_IN_A_SESSION = 4

_REFUSALS: dict[type[KazooException], type[StoreError]] = {
    NoNodeError: NoNode,
    NodeExistsError: NodeExists,
    BadVersionError: BadVersion,
    NotEmptyError: NotEmpty,
    NoChildrenForEphemeralsError: NoChildrenForEphemerals,
}

_EPHEMERAL, _SEQUENTIAL = 1, 2
"""ZooKeeper's flags of a node to create."""


class _OneSessionHandler(SequentialThreadingHandler):  # type: ignore[misc]
    """kazoo's threads, for a client that must not open another session by itself when one has expired.

    A request on its way would be carried out in the new session: an ephemeral node that nobody knows of.
    """

    is_over = False

    def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        if self.is_over:
            raise OSError("the session is over")
        return super().create_connection(*args, **kwargs)


class _Session:
    """A kazoo client, whose word reaches the trio thread through `tell`."""

    def __init__(self, settings: ZooKeeperSettings, tell: Callable[[_Session, object], None]) -> None:
        self.connected = trio.Event()
        self.was_cut = False
        self.is_over = False
        self._token = trio.lowlevel.current_trio_token()
        self._tell = tell
        self._unanswered: set[trio.Event] = set()
        self._handler = _OneSessionHandler()
        retry = KazooRetry(
            max_tries=-1,
            delay=_RECONNECT_DELAY_S,
            max_delay=_RECONNECT_MAX_DELAY_S,
            sleep_func=self._handler.sleep_func,
        )
        self.client = KazooClient(
            _patiently(settings.hosts),
            timeout=settings.session_timeout_ms / 1000,
            handler=self._handler,
            connection_retry=retry,
        )
        self.client.add_listener(self._changed)
        self.client.start_async()

    @property
    def session_id(self) -> int | None:
        """ZooKeeper's id of the session, while it is connected."""
        client_id = self.client.client_id
        return None if client_id is None else client_id[0]

    def _changed(self, state: str) -> None:
        """Called by kazoo's connecting thread, which tries to connect anew only afterwards."""
        if state == KazooState.LOST:
            self._handler.is_over = True
        self.notify(state)

    def notify(self, notice: object) -> None:
        """Called by kazoo's threads."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._tell, self, notice)

    async def answer(self, ask: Callable[[KazooClient], Any]) -> Any:
        """Ask and wait for the answer. Raises what kazoo raises."""
        answered = trio.Event()
        self._unanswered.add(answered)
        try:
            result = ask(self.client)
            result.rawlink(lambda _: self._wake(answered))
            await answered.wait()
        finally:
            self._unanswered.discard(answered)
        if not result.ready():
            raise SessionExpiredError
        return result.get(block=False)

    def _wake(self, answered: trio.Event) -> None:
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(answered.set)

    def end(self) -> None:
        """Answer no more."""
        self.is_over = True
        self.connected.set()
        for answered in self._unanswered:
            answered.set()

    async def close(self) -> None:
        """Tell the ensemble, if it can be told, and end kazoo's threads."""
        with trio.move_on_after(_CLOSE_S, shield=True) as closing:
            await trio.to_thread.run_sync(self._stop, abandon_on_cancel=True)
        if closing.cancelled_caught:
            _log.warn("ZooKeeper did not confirm the end of the session")

    def _stop(self) -> None:
        self.client.stop()
        self.client.close()


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
        self._notices: deque[tuple[_Session, object]] = deque()
        self._noticed = trio.Event()
        self._watches: dict[str, _Watch] = {}
        self._subscriptions: weakref.WeakSet[Changes] = weakref.WeakSet()
        self._session = _Session(settings, self._take)

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
        session = await self._usable(path)
        try:
            await session.answer(lambda client: client.create_async(path, None))
        except NodeExistsError:
            return

    async def renew(self) -> None:
        """Open another session in place of one that is over, however long that takes."""
        await self.close()
        self._watches.clear()
        self._subscriptions.clear()
        self._session = _Session(self._settings, self._take)
        await self._usable("/")

    async def close(self) -> None:
        """End the session: its ephemeral nodes go, its iterators raise SessionExpired."""
        self._end(self._session)
        await self._session.close()

    def _end(self, session: _Session) -> None:
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

    def _take(self, session: _Session, notice: object) -> None:
        """Run by trio for kazoo; must not raise."""
        self._notices.append((session, notice))
        self._noticed.set()

    def _heed(self, session: _Session, notice: object) -> None:
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

    async def _usable(self, path: str) -> _Session:
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
    def _fired(session: _Session, path: str, event: WatchedEvent) -> None:
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
        return Node(data or b"", stat.version, stat.czxid, stat.mzxid, stat.ephemeralOwner != 0)

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
                raise _refusal(error, path) from error

    def _full(self, path: str) -> str:
        return self._settings.chroot + path if path != "/" else self._settings.chroot or "/"

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
                raise _refusal(error, path) from error
            refusal = _first_refusal(operations, answers)
            if refusal is None:
                return tuple(map(self._result, operations, answers))
            if not is_repeated:
                raise refusal
            results = await self._happened(session, operations)
            if results is None:
                raise StoreUnavailable(path) from refusal
            return results

    def _ask(self, operations: Sequence[Operation], client: KazooClient) -> Any:
        transaction = client.transaction()
        transaction.operations.extend(self._spelled(operation) for operation in operations)
        return transaction.commit_async()

    def _spelled(self, operation: Operation) -> object:
        # Kafka writes null where there is no data, and cannot read an empty /latest_producer_id_block.
        full = self._full(operation.path)
        match operation:
            case Create(_, data, ephemeral, sequential):
                flags = _EPHEMERAL * ephemeral | _SEQUENTIAL * sequential
                return serialization.Create(full, data or None, OPEN_ACL_UNSAFE, flags)
            case Set(_, data, version):
                return serialization.SetData(full, data or None, version)
            case Delete(_, version):
                return serialization.Delete(full, version)
            case Check(_, version):
                return serialization.CheckVersion(full, version)

    def _result(self, operation: Operation, answer: Any) -> Result:
        match operation:
            case Create():
                return Result(answer.removeprefix(self._settings.chroot), 0)
            case Set(path):
                return Result(path, answer.version)
            case Delete(path, version) | Check(path, version):
                return Result(path, version)

    async def _happened(
        self, session: _Session, operations: Sequence[Operation]
    ) -> tuple[Result, ...] | None:
        """What a commit did whose answer was lost, if the tree is as it leaves it; else nobody can know."""
        results = []
        for operation in operations:
            result = await self._left_by(session, operation)
            if result is None:
                return None
            results.append(result)
        return tuple(results)

    async def _left_by(self, session: _Session, operation: Operation) -> Result | None:
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


def _first_refusal(operations: Sequence[Operation], answers: Sequence[Any]) -> StoreError | None:
    """Those before the operation that cannot be applied are rolled back, those after it are not tried."""
    for operation, answer in zip(operations, answers, strict=True):
        if isinstance(answer, Exception) and not isinstance(answer, RolledBackError):
            return _refusal(answer, operation.path)
    return None


def _refusal(error: Exception, path: str) -> StoreError:
    if isinstance(error, SessionExpiredError | ConnectionClosedError):
        return SessionExpired(path)
    for kazoo_error, store_error in _REFUSALS.items():
        if isinstance(error, kazoo_error):
            return store_error(path)
    return StoreUnavailable(path)


def _patiently(hosts: str) -> str:
    """The hosts, often enough to be tried more than once in a session.

    A ZooKeeper that is just starting never answers whoever comes too early, and kazoo waits for an answer as
    long as a session lasts, divided by the number of hosts.
    """
    return ",".join([hosts] * max(1, _ATTEMPTS_IN_A_SESSION // len(hosts.split(","))))
