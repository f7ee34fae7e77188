"""The embedded store: ZooKeeper's tree for one process, durable in one sqlite file or purely in memory."""

from __future__ import annotations

from pathlib import Path

from odradek.coordination.tree import Tree
from odradek.coordination.tree_session import TreeSession


class EmbeddedStore(TreeSession):
    """A session with an embedded tree; opened by construction, ended by `close` (or `async with`).

    `path` is the sqlite file, created when missing; None keeps the tree in memory. Construction reads the
    file, and raises sqlite3.Error when it cannot.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(_tree(path))

    def another_session(self) -> TreeSession:
        """Open a further session with the same tree, as another broker would."""
        return TreeSession(self._tree)


def _tree(path: Path | None) -> Tree:
    if path is None:
        return Tree()
    # Loaded here for the sake of the start: with an ensemble there is no such file.
    from odradek.coordination.sqlite_journal import SqliteJournal

    return Tree(SqliteJournal(path))
