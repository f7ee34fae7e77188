"""ZooKeeper's tree for one process: its nodes, its commits, and the sessions that share it.

Knows nothing of disks: a `Journal`, where there is one, makes commits durable. A commit is worked out over
the tree, written and synced, and only then seen by readers, so that nobody acts on something that a power
failure could take back. Without a journal there is nothing to wait for, and a commit is applied inline, as
virtual time wants it. Commits are serialised by a lock; reads are not held up.

Source: ZooKeeper's DataTree and PrepRequestProcessor.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from odradek.coordination.store import (
    ANY_VERSION,
    BadVersion,
    Check,
    Create,
    Delete,
    NoChildrenForEphemerals,
    NodeExists,
    NoNode,
    NotEmpty,
    Operation,
    Result,
    SessionExpired,
    Set,
    StoreUnavailable,
)
from odradek.value_object import value_object

NO_SESSION = 0
"""The owner of a node that outlives sessions."""


class Watcher(Protocol):
    """Whoever is told that a path may have changed."""

    def mark_dirty(self, path: str) -> bool:
        """Take note; False to hear no more of this path."""


class Journal(Protocol):
    """Where commits are durable."""

    def load(self) -> tuple[dict[str, Znode], int, int]:
        """Read the tree, its last zxid and its last session."""

    def write(self, touched: Mapping[str, Znode | None], zxid: int, session: int) -> None:
        """Write one commit, durably; runs in a worker thread. Raises StoreUnavailable."""

    def close(self) -> None:
        """Let go of the file."""


@value_object
class Znode:
    """A node of the tree; `children_ever` numbers sequential children, `session` owns an ephemeral node."""

    data: bytes
    version: int
    czxid: int
    mzxid: int
    children_ever: int = 0
    session: int = NO_SESSION
    children: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False, repr=False)
class Commit:
    """A commit being worked out: the nodes it leaves different, over a tree that it does not touch."""

    tree: dict[str, Znode]
    zxid: int
    session: int
    touched: dict[str, Znode | None] = field(default_factory=dict)
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

    def _node(self, path: str, expected: int = ANY_VERSION) -> Znode:
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
        if parent.session != NO_SESSION:
            raise NoChildrenForEphemerals(path)
        session = self.session if operation.ephemeral else NO_SESSION
        self.touched[path] = Znode(operation.data, 0, self.zxid, self.zxid, session=session)
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
            if node.session != NO_SESSION and (sessions is None or node.session in sessions):
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


class Tree:
    """The state that sessions share: nodes, the last zxid, and who watches what."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal
        self.nodes: dict[str, Znode] = {"/": Znode(b"", 0, 0, 0)}
        self._zxid = 0
        self._last_session = 0
        self._open_sessions: set[int] = set()
        self._writing = trio.Lock()
        self._watchers: dict[str, weakref.WeakSet[Watcher]] = {}
        if self._journal is not None:
            nodes, self._zxid, self._last_session = self._journal.load()
            self.nodes |= nodes
            # Whoever owned ephemeral nodes in the file is gone: one process at a time holds the directory.
            expired = Commit(self.nodes, self._zxid + 1, NO_SESSION)
            expired.expire(None)
            self._journal.write(expired.touched, expired.zxid, self._last_session)
            self._take_over(expired)

    def open_session(self) -> int:
        """Begin a session; give its id, which no other ever had."""
        self._last_session += 1
        self._open_sessions.add(self._last_session)
        return self._last_session

    async def commit(self, session: int, operations: tuple[Operation, ...]) -> tuple[Result, ...]:
        """Apply all or none. Raises what `MetadataStore.commit` does."""
        await trio.lowlevel.checkpoint()
        async with self._writing:
            commit, results = self._work_out(session, operations)
            if commit.touched:
                await self._write(commit)
        return results

    def commit_nowait(self, session: int, operations: tuple[Operation, ...]) -> tuple[Result, ...]:
        """As `commit`, for a tree without a journal, where there is nothing to wait for."""
        commit, results = self._work_out(session, operations)
        if commit.touched:
            self._take_over(commit)
        return results

    def _work_out(self, session: int, operations: tuple[Operation, ...]) -> tuple[Commit, tuple[Result, ...]]:
        if session not in self._open_sessions:
            raise SessionExpired(operations[0].path if operations else "/")
        commit = Commit(self.nodes, self._zxid + 1, session)
        return commit, tuple([commit.apply(operation) for operation in operations])

    async def end_session(self, session: int) -> None:
        """Remove a session's ephemeral nodes; with the last session goes the journal."""
        with trio.CancelScope(shield=True):  # bounded: it waits for one sync at most
            async with self._writing:
                commit = self._ended(session)
                if commit.touched:
                    try:
                        await self._write(commit)
                    except StoreUnavailable:
                        # The next start takes the session's nodes out of the file.
                        self._take_over(commit)
                if not self._open_sessions and self._journal is not None:
                    self._journal.close()

    def end_session_nowait(self, session: int) -> None:
        """As `end_session`, for a tree without a journal."""
        self._take_over(self._ended(session))

    def _ended(self, session: int) -> Commit:
        self._open_sessions.discard(session)
        commit = Commit(self.nodes, self._zxid + 1, session)
        commit.expire(frozenset({session}))
        return commit

    async def _write(self, commit: Commit) -> None:
        if self._journal is not None:
            last_session = self._last_session
            await trio.to_thread.run_sync(self._journal.write, commit.touched, commit.zxid, last_session)
        self._take_over(commit)

    def _take_over(self, commit: Commit) -> None:
        self._zxid = commit.zxid
        for path, node in commit.touched.items():
            if node is None:
                del self.nodes[path]
            else:
                self.nodes[path] = node
        for path in commit.woken:
            watchers = self._watchers.get(path, weakref.WeakSet())
            idle = [watcher for watcher in watchers if not watcher.mark_dirty(path)]
            watchers -= set(idle)
            if not watchers:
                self._watchers.pop(path, None)

    def is_open(self, session: int) -> bool:
        """Whether a session still lives."""
        return session in self._open_sessions

    def watch(self, path: str, watcher: Watcher) -> None:
        """Tell this watcher, as long as it lives and listens, when the path may have changed."""
        self._watchers.setdefault(path, weakref.WeakSet()).add(watcher)
