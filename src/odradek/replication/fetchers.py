"""Fetchers: which task of this broker follows which partition.

A leader's partitions are spread over num.replica.fetchers tasks by their names, each with a connection of its
own. A fetcher lives while it has partitions.

Kafka: AbstractFetcherManager, ReplicaFetcherManager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import trio

from odradek.metadata.hash_order import java_hash
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import Endpoint
from odradek.replication.fetch_state import FetchState

if TYPE_CHECKING:
    from odradek.replication.fetcher import Fetcher


class Leader(NamedTuple):
    """A broker that leads, and where it listens to brokers."""

    node_id: int
    endpoint: Endpoint


class _Running(NamedTuple):
    leader: Leader
    fetcher: Fetcher
    scope: trio.CancelScope


class Fetchers:
    """All fetchers of one broker. Owned by the trio thread; their tasks live while `run` does.

    `make` gives a fetcher for a leader and the number of the task, which has not started yet.
    """

    def __init__(self, make: Callable[[Leader, int], Fetcher], count: int = 1) -> None:
        self._make = make
        self._count = count
        self._running: dict[tuple[int, int], _Running] = {}
        self._nursery: trio.Nursery | None = None

    def __len__(self) -> int:
        return len(self._running)

    @property
    def failed(self) -> frozenset[TopicPartition]:
        """Partitions that nobody follows until the controller speaks of them again."""
        return frozenset(name for running in self._running.values() for name in running.fetcher.failed)

    def follow(self, states: Mapping[TopicPartition, tuple[Leader, FetchState]]) -> None:
        """Has partitions followed, each from its state on."""
        by_task: dict[tuple[Leader, int], dict[TopicPartition, FetchState]] = {}
        for name, (leader, state) in states.items():
            by_task.setdefault((leader, self.fetcher_id(name)), {})[name] = state
        for (leader, fetcher_id), its_states in by_task.items():
            self._fetcher(leader, fetcher_id).add(its_states)

    def forget(self, names: Iterable[TopicPartition]) -> None:
        """Has partitions followed no longer."""
        names = tuple(names)
        for running in self._running.values():
            running.fetcher.remove(names)

    def identify(self, name: TopicPartition, topic_id: UUID) -> None:
        """A partition that may be followed has another topic id now, or none."""
        for running in self._running.values():
            running.fetcher.identify(name, topic_id)

    def stop_idle(self) -> None:
        """Ends fetchers that have no partition left."""
        for key, running in list(self._running.items()):
            if not running.fetcher.partitions:
                del self._running[key]
                running.scope.cancel()

    def resize(self, count: int) -> None:
        """num.replica.fetchers changed: every partition goes where it belongs now."""
        if count == self._count:
            return
        self._count = count
        states = {
            name: (running.leader, state)
            for running in self._running.values()
            for name, state in running.fetcher.partitions.items()
        }
        self.forget(states)
        self.follow(states)
        self.stop_idle()

    def fetcher_id(self, name: TopicPartition) -> int:
        """The number of the task that follows a partition."""
        hashed = (31 * java_hash(name.topic) + name.partition) & 0xFFFFFFFF
        signed = hashed - (1 << 32) if hashed >> 31 else hashed
        return (0 if signed == -(1 << 31) else abs(signed)) % self._count

    def _fetcher(self, leader: Leader, fetcher_id: int) -> Fetcher:
        key = leader.node_id, fetcher_id
        known = self._running.get(key)
        if known is not None and known.leader == leader:
            return known.fetcher
        running = _Running(leader, self._make(leader, fetcher_id), trio.CancelScope())
        self._running[key] = running
        if known is not None:
            # The leader came back at another address.
            known.scope.cancel()
            running.fetcher.add(known.fetcher.partitions)
        if self._nursery is not None:
            self._nursery.start_soon(_run, running)
        return running.fetcher

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Has the fetchers do their work, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                for running in self._running.values():
                    nursery.start_soon(_run, running)
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._nursery = None  # before it is closed: the controller may still have something to say


async def _run(running: _Running) -> None:
    with running.scope:
        await running.fetcher.run()
