"""The embedded store: ZooKeeper's tree for one process, durable in one sqlite file or purely in memory.

Memory holds the whole tree and answers every read; sqlite only makes commits atomic and durable, and is read
once, at start. A commit is checked against memory, written and synced, and only then seen by readers, so
that nobody acts on something that a power failure could take back.

The write runs in a thread: sqlite's own work takes microseconds, but the sync at its end waits for the disk
behind whatever else is being flushed there, and that is the log's traffic (a group-committed fsync of the
log is easily 10-100 ms away). Commits are serialised by a lock meanwhile; reads are not held up. Without a
file there is nothing to wait for, and a commit is applied inline, as virtual time wants it.

Several sessions can share a tree (brokers in one process, tests of ephemeral nodes): `another_session`.
All of it is owned by the trio thread; the connection is lent to one worker thread at a time.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import trio

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
    StoreUnavailable,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS node (
    path TEXT PRIMARY KEY, data BLOB NOT NULL, version INTEGER NOT NULL, czxid INTEGER NOT NULL,
    mzxid INTEGER NOT NULL, children_ever INTEGER NOT NULL, session INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

_NO_SESSION = 0


@dataclass(frozen=True, slots=True)
class _Znode:
    """A node of the tree; `children_ever` numbers sequential children, `session` owns an ephemeral node."""

    data: bytes
    version: int
    czxid: int
    mzxid: int
    children_ever: int = 0
    session: int = _NO_SESSION
    children: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Commit:
    """A commit being worked out: the nodes it leaves different, over a tree that it does not touch."""

    tree: dict[str, _Znode]
    zxid: int
    session: int
    touched: dict[str, _Znode | None] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)

    def apply(self, operation: Operation) -> Result:
        match operation:
            case Create():
                return self._create(operation)
            case Set(path, data, expected):
                node = self._node(path, expected)
                changed = replace(node, data=data, version=node.version + 1, mzxid=self.zxid)
                self.touched[path] = changed
                self.woken.add(path)
                return Result(path, changed.version)
            case Delete(path, expected):
                node = self._node(path, expected)
                if node.children:
                    raise NotEmpty(path)
                self._remove(path)
                return Result(path, expected)
            case Check(path, expected):
                self._node(path, expected)
                return Result(path, expected)

    def _node(self, path: str, expected: int = ANY_VERSION) -> _Znode:
        node = self.touched[path] if path in self.touched else self.tree.get(path)
        if node is None:
            raise NoNode(path)
        if expected not in (ANY_VERSION, node.version):
            raise BadVersion(path)
        return node

    def _create(self, operation: Create) -> Result:
        parent_path, name = split(operation.path)
        parent = self._node(parent_path)
        if operation.sequential:
            name += f"{parent.children_ever:010d}"
        path = join(parent_path, name)
        if name in parent.children:
            raise NodeExists(path)
        if parent.session != _NO_SESSION:
            raise NoChildrenForEphemerals(path)
        session = self.session if operation.ephemeral else _NO_SESSION
        self.touched[path] = _Znode(operation.data, 0, self.zxid, self.zxid, session=session)
        self.touched[parent_path] = replace(
            parent, children=parent.children | {name}, children_ever=parent.children_ever + 1
        )
        self.woken |= {path, parent_path}
        return Result(path, 0)

    def _remove(self, path: str) -> None:
        parent_path, name = split(path)
        parent = self._node(parent_path)
        self.touched[path] = None
        self.touched[parent_path] = replace(parent, children=parent.children - {name})
        self.woken |= {path, parent_path}

    def expire(self, sessions: frozenset[int] | None) -> None:
        """Remove the ephemeral nodes of these sessions, or all there are."""
        for path, node in list(self.tree.items()):
            if node.session != _NO_SESSION and (sessions is None or node.session in sessions):
                self._remove(path)


def split(path: str) -> tuple[str, str]:
    """Give a path's parent and its last name; raises ValueError for what is no path of a node to create."""
    parent, slash, name = path.rpartition("/")
    if not slash or not path.startswith("/") or "//" in path:
        raise ValueError(f"not an absolute path: {path!r}")
    return parent or "/", name


def join(parent: str, name: str) -> str:
    """Give the path of a child."""
    return f"/{name}" if parent == "/" else f"{parent}/{name}"


class _Journal:
    """The sqlite file. Write-ahead log with synchronous=FULL: the commit's sync is over before it returns."""

    def __init__(self, path: Path) -> None:
        existed = path.exists()
        # Autocommit mode with explicit transactions: the module's implicit ones differ between releases.
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        # Another process that opened it would end this one's session: the file is locked while it is open.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        if not existed:
            _sync_directory(path.parent)

    def load(self) -> tuple[dict[str, _Znode], int, int]:
        """Read the tree, its last zxid and its last session."""
        columns = "path, data, version, czxid, mzxid, children_ever, session"
        tree: dict[str, _Znode] = {}
        children: dict[str, set[str]] = {}
        for path, *values in self._db.execute(f"SELECT {columns} FROM node"):
            tree[path] = _Znode(*values)
            if path != "/":
                parent, name = split(path)
                children.setdefault(parent, set()).add(name)
        for parent, names in children.items():
            tree[parent] = replace(tree[parent], children=frozenset(names))
        counters = dict(self._db.execute("SELECT name, value FROM counter"))
        return tree, counters.get("zxid", 0), counters.get("session", 0)

    def write(self, touched: dict[str, _Znode | None], zxid: int, session: int) -> None:
        """Write one commit, durably; runs in a worker thread."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(
                "DELETE FROM node WHERE path = ?", [(p,) for p, n in touched.items() if n is None]
            )
            self._db.executemany("INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?, ?, ?, ?)", _rows(touched))
            counters = [("zxid", zxid), ("session", session)]
            self._db.executemany("INSERT OR REPLACE INTO counter VALUES (?, ?)", counters)
            self._db.execute("COMMIT")
        except BaseException:
            # Where the disk is full, sqlite has already rolled back by itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._db.close()


def _rows(touched: dict[str, _Znode | None]) -> Iterator[tuple[str, bytes, int, int, int, int, int]]:
    for path, node in touched.items():
        if node is not None:
            yield path, node.data, node.version, node.czxid, node.mzxid, node.children_ever, node.session


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Tree:
    """The state that sessions share: nodes, the last zxid, and who watches what."""

    def __init__(self, path: Path | None) -> None:
        self._journal = None if path is None else _Journal(path)
        self.nodes: dict[str, _Znode] = {"/": _Znode(b"", 0, 0, 0)}
        self._zxid = 0
        self._last_session = 0
        self.open_sessions: set[int] = set()
        self._writing = trio.Lock()
        self._watchers: dict[str, weakref.WeakSet[Changes]] = {}
        if self._journal is not None:
            nodes, self._zxid, self._last_session = self._journal.load()
            self.nodes |= nodes
            # Whoever owned ephemeral nodes in the file is gone: one process at a time holds the directory.
            expired = _Commit(self.nodes, self._zxid + 1, _NO_SESSION)
            expired.expire(None)
            self._journal.write(expired.touched, expired.zxid, self._last_session)
            self._take_over(expired)

    def open_session(self) -> int:
        self._last_session += 1
        self.open_sessions.add(self._last_session)
        return self._last_session

    async def commit(self, session: int, operations: tuple[Operation, ...]) -> tuple[Result, ...]:
        await trio.lowlevel.checkpoint()
        async with self._writing:
            if session not in self.open_sessions:
                raise SessionExpired(operations[0].path if operations else "/")
            commit = _Commit(self.nodes, self._zxid + 1, session)
            results = tuple([commit.apply(operation) for operation in operations])
            if commit.touched:
                await self._write(commit)
        return results

    async def end_session(self, session: int) -> None:
        with trio.CancelScope(shield=True):  # bounded: it waits for one sync at most
            async with self._writing:
                self.open_sessions.discard(session)
                commit = _Commit(self.nodes, self._zxid + 1, session)
                commit.expire(frozenset({session}))
                if commit.touched:
                    try:
                        await self._write(commit)
                    except StoreUnavailable:
                        # The next start takes the session's nodes out of the file.
                        self._take_over(commit)
                if not self.open_sessions and self._journal is not None:
                    self._journal.close()

    async def _write(self, commit: _Commit) -> None:
        if self._journal is not None:
            last_session = self._last_session
            try:
                await trio.to_thread.run_sync(self._journal.write, commit.touched, commit.zxid, last_session)
            except sqlite3.Error as error:
                raise StoreUnavailable(min(commit.touched)) from error
        self._take_over(commit)

    def _take_over(self, commit: _Commit) -> None:
        self._zxid = commit.zxid
        for path, node in commit.touched.items():
            if node is None:
                del self.nodes[path]
            else:
                self.nodes[path] = node
        for path in commit.woken:
            watchers = self._watchers.get(path, weakref.WeakSet())
            idle = [changes for changes in watchers if not changes.mark_dirty(path)]
            watchers -= set(idle)
            if not watchers:
                self._watchers.pop(path, None)

    def watch(self, path: str, changes: Changes) -> None:
        self._watchers.setdefault(path, weakref.WeakSet()).add(changes)


class EmbeddedStore:
    """A session with an embedded tree; opened by construction, ended by `close` (or `async with`).

    `path` is the sqlite file, created when missing; None keeps the tree in memory. Construction reads the
    file, and raises sqlite3.Error when it cannot.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._join(_Tree(path))

    def _join(self, tree: _Tree) -> None:
        self._tree = tree
        self._session = tree.open_session()
        self._subscriptions: weakref.WeakSet[Changes] = weakref.WeakSet()

    def another_session(self) -> EmbeddedStore:
        """Open a further session with the same tree, as another broker would."""
        store = object.__new__(EmbeddedStore)
        store._join(self._tree)
        return store

    async def __aenter__(self) -> EmbeddedStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session: its ephemeral nodes go, its iterators raise SessionExpired."""
        if self._session in self._tree.open_sessions:
            await self._tree.end_session(self._session)
            for changes in self._subscriptions:
                changes.fail(SessionExpired("/"))

    async def get(self, path: str) -> Node:
        node = await self._read(path)
        ephemeral = node.session != _NO_SESSION
        return Node(node.data, node.version, node.czxid, node.mzxid, ephemeral)

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
        changes = Changes(self._tree.watch)
        for path in paths:
            changes.add(path)
        self._subscriptions.add(changes)
        if self._session not in self._tree.open_sessions:
            changes.fail(SessionExpired("/"))
        return changes

    async def _read(self, path: str) -> _Znode:
        await trio.lowlevel.checkpoint()
        if self._session not in self._tree.open_sessions:
            raise SessionExpired(path)
        node = self._tree.nodes.get(path)
        if node is None:
            raise NoNode(path)
        return node
