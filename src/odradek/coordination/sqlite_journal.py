"""The tree's journal: one sqlite file, read once, at start; each commit is one transaction.

sqlite only makes commits atomic and durable. Its own work takes microseconds, but the sync at the end waits
for the disk behind whatever else is being flushed there, and that is the log's traffic (a group-committed
fsync of the log is easily 10-100 ms away); so `write` runs in a thread, one at a time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from odradek.coordination.store import StoreUnavailable
from odradek.coordination.tree import Znode, split

_SCHEMA = """
BEGIN;
CREATE TABLE IF NOT EXISTS node (
    path TEXT PRIMARY KEY, data BLOB NOT NULL, version INTEGER NOT NULL, czxid INTEGER NOT NULL,
    mzxid INTEGER NOT NULL, children_ever INTEGER NOT NULL, session INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
COMMIT;
"""


class SqliteJournal:
    """The file. Write-ahead log with synchronous=FULL: the commit's sync is over before it returns."""

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

    def load(self) -> tuple[dict[str, Znode], int, int]:
        """Read the tree, its last zxid and its last session."""
        columns = "path, data, version, czxid, mzxid, children_ever, session"
        tree: dict[str, Znode] = {}
        children: dict[str, set[str]] = {}
        for path, *values in self._db.execute(f"SELECT {columns} FROM node"):
            tree[path] = Znode(*values)
            if path != "/":
                parent, name = split(path)
                children.setdefault(parent, set()).add(name)
        for parent, names in children.items():
            tree[parent] = replace(tree[parent], children=frozenset(names))
        counters = dict(self._db.execute("SELECT name, value FROM counter"))
        return tree, counters.get("zxid", 0), counters.get("session", 0)

    def write(self, touched: Mapping[str, Znode | None], zxid: int, session: int) -> None:
        """Write one commit, durably; runs in a worker thread. Raises StoreUnavailable."""
        try:
            self._write(touched, zxid, session)
        except sqlite3.Error as error:
            raise StoreUnavailable(min(touched)) from error

    def _write(self, touched: Mapping[str, Znode | None], zxid: int, session: int) -> None:
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
        """Let go of the file."""
        self._db.close()


def _rows(touched: Mapping[str, Znode | None]) -> Iterator[tuple[str, bytes, int, int, int, int, int]]:
    for path, node in touched.items():
        if node is not None:
            yield path, node.data, node.version, node.czxid, node.mzxid, node.children_ever, node.session


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
