"""With fewer than min.insync.replicas nothing can be committed, and what is deleted is deleted nevertheless.

Asked of three real brokers: compat/cluster/scenarios/offset_delete.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from odradek.clock import VirtualClock
from odradek.coordinators.journal import JournalSettings
from odradek.coordinators.runtime import CoordinatorRuntime
from odradek.errors import KafkaError
from odradek.groups.commands import CommitOffsets, DeleteGroup, DeleteOffsets, FetchOffsets, OffsetToCommit
from odradek.groups.config import GroupConfig
from odradek.groups.shard import GroupShard
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from tests.coordinators.memory_topic import MemoryJournal, MemoryTopic

T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)


class Coordinator:
    """Of one group, and what it writes to."""

    def __init__(self, topic: MemoryTopic) -> None:
        self.journal: MemoryJournal = topic.journals[0]
        self._runtime = CoordinatorRuntime(
            topic, lambda: GroupShard(GroupConfig()), VirtualClock(), JournalSettings()
        )

    async def ask(self, command: Any) -> Any:
        return await self._runtime.execute("g", command)

    async def commit(self, **offsets: int) -> dict[TopicPartition, ErrorCode]:
        """Of T0 and T1."""
        values = {TopicPartition("t", int(name[1:])): OffsetToCommit(each) for name, each in offsets.items()}
        codes: dict[TopicPartition, ErrorCode] = await self.ask(CommitOffsets("g", -1, "", None, values))
        return codes

    async def committed(self) -> list[int]:
        found = await self.ask(FetchOffsets("g", (T0, T1)))
        return [found[each].offset for each in (T0, T1)]

    def lose_replicas(self) -> None:
        self.journal.too_few = KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
        self.journal.replicating = False

    async def elect(self) -> None:
        self._runtime.on_elected(TopicPartition("__consumer_offsets", 0), 0)
        await trio.testing.wait_all_tasks_blocked()

    async def move(self) -> None:
        """Away and back: what is in memory is what the log says."""
        self._runtime.on_resigned(TopicPartition("__consumer_offsets", 0))
        await self.elect()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._runtime.run)
            await self.elect()
            yield
            nursery.cancel_scope.cancel()


@pytest.fixture
async def coordinator() -> AsyncIterator[Coordinator]:
    coordinator = Coordinator(MemoryTopic("__consumer_offsets"))
    async with coordinator.running():
        yield coordinator


async def test_deleted_offsets_are_gone_at_once_and_stay_so(autojump_clock, coordinator: Coordinator):
    await coordinator.commit(p0=5, p1=6)
    coordinator.lose_replicas()
    before = trio.current_time()
    assert await coordinator.ask(DeleteOffsets("g", (T0,))) == {T0: ErrorCode.NONE}
    assert trio.current_time() == before
    assert (await coordinator.commit(p1=7))[T1] == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert await coordinator.committed() == [-1, 6]
    coordinator.journal.replicate()
    await coordinator.move()
    assert await coordinator.committed() == [-1, 6]


async def test_a_deleted_group_is_gone_at_once_and_stays_so(autojump_clock, coordinator: Coordinator):
    await coordinator.commit(p0=5)
    coordinator.lose_replicas()
    await coordinator.ask(DeleteGroup("g"))
    assert await coordinator.committed() == [-1, -1]
    coordinator.journal.replicate()
    await coordinator.move()
    assert await coordinator.committed() == [-1, -1]


async def test_a_commit_that_is_on_its_way_does_not_undo_a_deletion_after_it(
    autojump_clock, coordinator: Coordinator
):
    await coordinator.commit(p0=5, p1=6)
    coordinator.journal.replicating = False
    late = await coordinator.commit(p0=8, p1=9)
    assert set(late.values()) == {ErrorCode.REQUEST_TIMED_OUT}
    await coordinator.ask(DeleteOffsets("g", (T0,)))
    assert await coordinator.committed() == [-1, 6]
    coordinator.journal.replicate()
    await trio.testing.wait_all_tasks_blocked()
    assert await coordinator.committed() == [-1, 9]
    await coordinator.move()
    assert await coordinator.committed() == [-1, 9]
