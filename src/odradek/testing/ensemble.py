"""Ensemble: a ZooKeeper ensemble in a simulation: the tree, its sessions, and what its administrator does.

The tree is the one of the embedded store; how brokers see it is `ensemble_session`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from odradek.coordination.store import Operation
from odradek.coordination.tree import Tree
from odradek.testing.ensemble_session import Session
from odradek.testing.timeline import Timeline
from odradek.testing.trace import Trace

Committed = Callable[[str, tuple[Operation, ...]], None]


class Ensemble:
    """The tree and who is connected to it. Owned by the simulation's tasks."""

    def __init__(self, timeline: Timeline, seed: str, trace: Trace, *, session_timeout_ms: int) -> None:
        self.timeline = timeline
        self.trace = trace
        self.tree = Tree()
        self.session_timeout_ms = session_timeout_ms
        self.on_commit: Committed = lambda owner, operations: None
        """Told of each commit that was made: by whom, and its operations."""
        self.is_away = False
        """Nobody is connected, and no session expires."""
        self._seed = seed
        self._sessions: list[Session] = []

    def session(self, owner: str) -> Session:
        """A session of the process of that name."""
        session = Session(self, owner, Random(f"{self._seed} {owner} {len(self._sessions)}"))
        self._sessions.append(session)
        return session

    def administer(self, *operations: Operation) -> None:
        """Commit at once, in nobody's name. Raises what `MetadataStore.commit` does."""
        session = self.tree.open_session()
        try:
            self.tree.commit_nowait(session, operations)
        finally:
            self.tree.end_session_nowait(session)

    def go_away(self) -> None:
        """No member of the ensemble is left, or no majority."""
        self.is_away = True
        for session in self._sessions:
            session.lose_touch("ensemble")

    def come_back(self) -> None:
        """Sessions live on; each has its whole time-out again."""
        self.is_away = False
        for session in self._sessions:
            session.regain_touch("ensemble")
