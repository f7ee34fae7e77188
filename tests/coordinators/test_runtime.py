"""The runtime with a shard that could not be smaller: named values, and callers that wait for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import pytest
import trio
import trio.testing

from odradek import telemetry
from odradek.clock import VirtualClock
from odradek.coordinators.journal import JournalSettings
from odradek.coordinators.outcome import JournalRecord, Now, Outcome, ReplayedRecord, Ticket
from odradek.coordinators.runtime import CoordinatorRuntime, Upkeep
from odradek.coordinators.timers import Timers
from odradek.errors import KafkaError
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from tests.coordinators.memory_topic import MemoryTopic

TOPIC = "__values"
BUG = b"bug"
"""A key that the shard stumbles over wherever no request waits for the step."""


@dataclass(frozen=True)
class Put:
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Get:
    key: bytes


@dataclass(frozen=True)
class WaitFor:
    """Answered when the key gets a value, or with None after `timeout_ms`."""

    key: bytes
    timeout_ms: int


class ValueShard:
    def __init__(self) -> None:
        self.values: dict[bytes, bytes | None] = {}
        self.waiting: dict[bytes, list[Ticket]] = {}
        self.timers: Timers[tuple[bytes, Ticket]] = Timers()

    def handle(self, command: object, ticket: Ticket, now: Now) -> Outcome:
        if isinstance(command, Put):
            if not command.value:
                raise KafkaError(ErrorCode.INVALID_REQUEST)
            waiting = self.waiting.pop(command.key, [])
            replies = [(ticket, "stored"), *((waiter, command.value) for waiter in waiting)]
            return Outcome((JournalRecord(command.key, command.value),), tuple(replies))
        if isinstance(command, Get):
            return Outcome(replies=((ticket, self.values.get(command.key)),))
        assert isinstance(command, WaitFor)
        self.waiting.setdefault(command.key, []).append(ticket)
        self.timers.set((command.key, ticket), now.monotonic_ms + command.timeout_ms)
        return Outcome()

    def replay(self, record: ReplayedRecord) -> None:
        if record.key == BUG:
            raise ZeroDivisionError
        self.values[record.key] = record.value

    def replay_end_of_transaction(self, producer_id: int, *, committed: bool) -> None: ...

    def loaded(self, now: Now) -> Iterator[Outcome]:
        yield Outcome()

    def next_deadline_ms(self) -> int | None:
        return self.timers.next_deadline_ms()

    def expire(self, now: Now) -> Iterator[Outcome]:
        while (due := self.timers.pop_due(now.monotonic_ms)) is not None:
            key, ticket = due
            if key == BUG:
                raise ZeroDivisionError
            if ticket in self.waiting.get(key, ()):
                self.waiting[key].remove(ticket)
                yield Outcome(replies=((ticket, None),))


def _runtime(topic: MemoryTopic) -> CoordinatorRuntime[ValueShard]:
    return CoordinatorRuntime(topic, ValueShard, VirtualClock(), JournalSettings(commit_timeout_ms=5_000))


@asynccontextmanager
async def _leading(topic: MemoryTopic) -> AsyncIterator[CoordinatorRuntime[ValueShard]]:
    """A runtime that has loaded every partition of the topic."""
    runtime = _runtime(topic)
    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        for partition in range(topic.partition_count()):
            runtime.on_elected(TopicPartition(TOPIC, partition), 0)
        await trio.testing.wait_all_tasks_blocked()
        yield runtime
        nursery.cancel_scope.cancel()


async def _refusal(runtime: CoordinatorRuntime[ValueShard], command: object) -> int:
    with pytest.raises(KafkaError) as refused:
        await runtime.execute("k", command)
    return refused.value.code


async def test_what_is_stored_is_found_by_the_next_coordinator(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC)
    async with _leading(topic) as runtime:
        assert await runtime.execute("k", Put(b"k", b"v")) == "stored"
    async with _leading(topic) as runtime:
        assert await runtime.execute("k", Get(b"k")) == b"v"


async def test_keys_live_in_the_partition_of_their_hash(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC, partitions=50)
    async with _leading(topic) as runtime:
        await runtime.execute("my-group", Put(b"k", b"v"))
    assert [bool(journal.batches) for journal in topic.journals].index(True) == 1906497762 % 50


async def test_a_reply_waits_until_its_record_is_committed(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC)
    topic.journal(0).replicating = False
    async with _leading(topic) as runtime, trio.open_nursery() as nursery:
        replies: list[object] = []

        async def put() -> None:
            replies.append(await runtime.execute("k", Put(b"k", b"v")))

        nursery.start_soon(put)
        await trio.testing.wait_all_tasks_blocked()
        assert replies == []
        assert await runtime.execute("k", Get(b"k")) is None
        topic.journal(0).replicate()
        await trio.testing.wait_all_tasks_blocked()
        assert replies == ["stored"]
        assert await runtime.execute("k", Get(b"k")) == b"v"


async def test_records_that_are_committed_before_anybody_waits_for_them(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    journal = topic.journal(0)
    journal.replicating = False
    async with _leading(topic) as runtime:

        async def put() -> None:
            journal.replicating = bool(journal.batches)  # the second takes the first one with it
            assert await runtime.execute("k", Put(b"k", b"v")) == "stored"

        async with trio.open_nursery() as nursery:
            nursery.start_soon(put)
            nursery.start_soon(put)
        assert await runtime.execute("k", Get(b"k")) == b"v"


async def test_a_record_that_is_late_times_its_caller_out_and_still_counts(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    topic.journal(0).replicating = False
    async with _leading(topic) as runtime:
        assert await _refusal(runtime, Put(b"k", b"v")) == ErrorCode.REQUEST_TIMED_OUT
        assert trio.current_time() == pytest.approx(5)
        topic.journal(0).replicate()
        await trio.testing.wait_all_tasks_blocked()
        assert await runtime.execute("k", Get(b"k")) == b"v"


async def test_a_record_that_cannot_be_written_fails_its_caller(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC)
    async with _leading(topic) as runtime:
        topic.journal(0).refusal = KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
        assert await _refusal(runtime, Put(b"k", b"v")) == ErrorCode.NOT_ENOUGH_REPLICAS
        topic.journal(0).refusal = None
        assert await runtime.execute("k", Get(b"k")) is None


async def test_a_refused_command_says_why(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC)) as runtime:
        assert await _refusal(runtime, Put(b"k", b"")) == ErrorCode.INVALID_REQUEST


async def test_a_caller_waits_until_another_answers_it(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC)) as runtime, trio.open_nursery() as nursery:

        async def put_later() -> None:
            await trio.sleep(3)
            await runtime.execute("k", Put(b"k", b"v"))

        nursery.start_soon(put_later)
        assert await runtime.execute("k", WaitFor(b"k", 60_000)) == b"v"
        assert trio.current_time() == pytest.approx(3)


async def test_timers_fire_at_their_time(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC)) as runtime, trio.open_nursery() as nursery:
        answered: list[float] = []

        async def wait(timeout_ms: int) -> None:
            assert await runtime.execute("k", WaitFor(b"k", timeout_ms)) is None
            answered.append(trio.current_time())

        for timeout_ms in (9_000, 2_000, 0, 4_001):
            nursery.start_soon(wait, timeout_ms)
        await trio.sleep(10)
        assert answered == pytest.approx([0, 2, 4.001, 9])


async def test_a_timer_due_at_once_needs_no_sleep(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC)) as runtime:
        assert await runtime.execute("k", WaitFor(b"k", 0)) is None
        assert trio.current_time() == 0


async def test_a_timer_that_fails_takes_no_other_with_it(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
):
    lines: list[tuple[Any, ...]] = []
    monkeypatch.setattr(telemetry.loggers, "output", lambda *line: lines.append(line))
    async with _leading(MemoryTopic(TOPIC)) as runtime, trio.open_nursery() as nursery:
        for timeout_ms in (1_000, 2_000):
            nursery.start_soon(runtime.execute, "k", WaitFor(BUG, timeout_ms))
        assert await runtime.execute("k", WaitFor(b"k", 1_000)) is None
        assert await runtime.execute("k", WaitFor(b"k", 3_000)) is None
        assert trio.current_time() == pytest.approx(4)
        nursery.cancel_scope.cancel()
    assert [event for _, _, event, _ in lines] == ["A timer failed and is not fired again"] * 2
    assert all(isinstance(fields["exc_info"], ZeroDivisionError) for *_, fields in lines)


async def test_a_committed_record_that_cannot_be_replayed_fails_its_caller_alone(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    topic.journal(0).replicating = False
    async with _leading(topic) as runtime, trio.open_nursery() as nursery:
        refusals: list[int] = []

        async def put_what_fails() -> None:
            refusals.append(await _refusal(runtime, Put(BUG, b"v")))

        nursery.start_soon(put_what_fails)
        nursery.start_soon(runtime.execute, "k", Put(b"k", b"v"))
        await trio.testing.wait_all_tasks_blocked()
        topic.journal(0).replicate()
        await trio.testing.wait_all_tasks_blocked()
        assert refusals == [ErrorCode.UNKNOWN_SERVER_ERROR]
        assert await runtime.execute("k", Get(b"k")) == b"v"


async def test_an_answer_for_somebody_who_has_gone_is_dropped(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC)) as runtime:
        with trio.move_on_after(1):
            await runtime.execute("k", WaitFor(b"k", 60_000))
        assert await runtime.execute("k", Put(b"k", b"v")) == "stored"


async def test_another_brokers_partition_is_refused(autojump_clock: trio.testing.MockClock):
    runtime = _runtime(MemoryTopic(TOPIC))
    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        assert await _refusal(runtime, Get(b"k")) == ErrorCode.NOT_COORDINATOR
        nursery.cancel_scope.cancel()


async def test_other_topics_elections_do_not_matter(autojump_clock: trio.testing.MockClock):
    async with trio.open_nursery() as nursery:
        runtime = _runtime(MemoryTopic(TOPIC))
        await nursery.start(runtime.run)
        runtime.on_elected(TopicPartition("other", 0), 0)
        await trio.testing.wait_all_tasks_blocked()
        assert await _refusal(runtime, Get(b"k")) == ErrorCode.NOT_COORDINATOR
        nursery.cancel_scope.cancel()


async def test_a_partition_that_loads_is_refused_for_now(autojump_clock: trio.testing.MockClock):
    async with trio.open_nursery() as nursery:
        runtime = _runtime(MemoryTopic(TOPIC))
        await nursery.start(runtime.run)
        runtime.on_elected(TopicPartition(TOPIC, 0), 0)
        assert runtime.is_loading
        assert await _refusal(runtime, Get(b"k")) == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        await trio.testing.wait_all_tasks_blocked()
        assert not runtime.is_loading
        nursery.cancel_scope.cancel()


async def test_resignation_refuses_those_who_wait_and_those_who_come(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC)) as runtime, trio.open_nursery() as nursery:

        async def wait() -> None:
            assert await _refusal(runtime, WaitFor(b"k", 60_000)) == ErrorCode.NOT_COORDINATOR

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        runtime.on_resigned(TopicPartition(TOPIC, 0))
        assert await _refusal(runtime, Get(b"k")) == ErrorCode.NOT_COORDINATOR


async def test_everybody_is_refused_with_an_exception_of_their_own(autojump_clock: trio.testing.MockClock):
    """One that is raised again grows by a traceback each time, and keeps alive what was asked."""
    topic = MemoryTopic(TOPIC)
    refusals: list[KafkaError] = []

    async def ask(runtime: CoordinatorRuntime[ValueShard], command: object) -> None:
        with pytest.raises(KafkaError) as refused:
            await runtime.execute("k", command)
        refusals.append(refused.value)

    async with _leading(topic) as runtime:
        for _ in range(2):
            await ask(runtime, Put(BUG, b"v"))
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(ask, runtime, WaitFor(b"k", 60_000))
            await trio.testing.wait_all_tasks_blocked()
            runtime.on_resigned(TopicPartition(TOPIC, 0))
    assert len(set(map(id, refusals))) == 4
    assert [refusal.code for refusal in refusals] == [
        *[ErrorCode.UNKNOWN_SERVER_ERROR] * 2,
        *[ErrorCode.NOT_COORDINATOR] * 2,
    ]


async def test_a_new_election_loads_again(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC)
    async with _leading(topic) as runtime:
        await runtime.execute("k", Put(b"k", b"v"))
        runtime.on_resigned(TopicPartition(TOPIC, 0))
        runtime.on_elected(TopicPartition(TOPIC, 0), 1)
        await trio.testing.wait_all_tasks_blocked()
        assert await runtime.execute("k", Get(b"k")) == b"v"


async def test_leadership_lost_while_a_record_waits_refuses_its_caller(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    topic.journal(0).replicating = False
    async with _leading(topic) as runtime, trio.open_nursery() as nursery:

        async def put() -> None:
            assert await _refusal(runtime, Put(b"k", b"v")) == ErrorCode.NOT_COORDINATOR

        nursery.start_soon(put)
        await trio.testing.wait_all_tasks_blocked()
        topic.journal(0).refusal = KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        topic.journal(0).resign()


async def test_a_stopped_runtime_is_not_available(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC)) as runtime:
        pass
    assert await _refusal(runtime, Get(b"k")) == ErrorCode.COORDINATOR_NOT_AVAILABLE


async def test_a_record_with_too_few_replicas_counts_and_its_caller_is_told(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    journal = topic.journal(0)
    journal.replicating = False
    async with _leading(topic) as runtime, trio.open_nursery() as nursery:

        async def put() -> None:
            code = await _refusal(runtime, Put(b"k", b"v"))
            assert code == ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND

        nursery.start_soon(put)
        await trio.testing.wait_all_tasks_blocked()
        journal.complaint = KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
        journal.replicate()
        await trio.testing.wait_all_tasks_blocked()
        assert await runtime.execute("k", Get(b"k")) == b"v"


async def test_upkeep_reaches_every_shard_again_and_again(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC, partitions=2)
    upkeep = Upkeep(lambda: Put(b"k", b"v"), interval_ms=10_000)
    runtime = CoordinatorRuntime(topic, ValueShard, VirtualClock(), JournalSettings(), upkeep)
    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        for partition in (0, 1):
            runtime.on_elected(TopicPartition(TOPIC, partition), 0)
        topic.journal(0).refusal = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        await trio.sleep(25)
        assert [len(journal.batches) for journal in topic.journals] == [0, 2]
        topic.journal(0).refusal = None
        await trio.sleep(10)
        assert [len(journal.batches) for journal in topic.journals] == [1, 3]
        nursery.cancel_scope.cancel()


async def test_upkeep_that_fails_costs_one_round(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
):
    lines: list[tuple[Any, ...]] = []
    monkeypatch.setattr(telemetry.loggers, "output", lambda *line: lines.append(line))
    commands = chain([object()], repeat(Put(b"upkeep", b"done")))  # the shard does not know the first
    upkeep = Upkeep(lambda: next(commands), interval_ms=10_000)
    topic = MemoryTopic(TOPIC)
    runtime = CoordinatorRuntime(topic, ValueShard, VirtualClock(), JournalSettings(), upkeep)
    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        runtime.on_elected(TopicPartition(TOPIC, 0), 0)
        await trio.sleep(25)
        assert await runtime.execute("k", Get(b"upkeep")) == b"done"
        nursery.cancel_scope.cancel()
    assert [event for _, _, event, _ in lines] == ["Upkeep failed"]


async def test_every_shard_is_asked(autojump_clock: trio.testing.MockClock):
    async with _leading(MemoryTopic(TOPIC, partitions=3)) as runtime:
        assert await runtime.execute_everywhere(Get(b"k")) == [None, None, None]


async def test_every_shard_is_told_and_nobody_waits_for_any(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC, partitions=3)
    async with _leading(topic) as runtime:
        runtime.tell_everywhere(Put(b"k", b"v"))
        assert not any(journal.batches for journal in topic.journals)
        await trio.testing.wait_all_tasks_blocked()
        assert all(journal.batches for journal in topic.journals)
        assert await runtime.execute_everywhere(Get(b"k")) == [b"v", b"v", b"v"]
    runtime.tell_everywhere(Put(b"k", b"v"))


async def test_a_damaged_record_does_not_keep_the_others_from_loading(autojump_clock: trio.testing.MockClock):
    topic = MemoryTopic(TOPIC)
    async with _leading(topic) as runtime:
        await runtime.execute("k", Put(b"a", b"1"))
        await runtime.execute("k", Put(b"b", b"2"))
    batch = bytearray(topic.journal(0).batches[0])
    batch[-3:] = b"\xff\xff\xff"
    topic.journal(0).batches[0] = bytes(batch)
    async with _leading(topic) as runtime:
        assert await runtime.execute("k", Get(b"b")) == b"2"
        assert await runtime.execute("k", Get(b"a")) is None


async def test_a_record_that_is_late_behind_another_times_its_caller_out_too(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    async with _leading(topic) as runtime:
        topic.journals[0].replicating = False
        assert await _refusal(runtime, Put(b"k", b"1")) == ErrorCode.REQUEST_TIMED_OUT
        with trio.fail_after(6):
            assert await _refusal(runtime, Put(b"k", b"2")) == ErrorCode.REQUEST_TIMED_OUT


async def test_a_damaged_batch_does_not_keep_a_coordinator_loading_forever(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    async with _leading(topic) as runtime:
        await runtime.execute("k", Put(b"k", b"v"))
        await runtime.execute("l", Put(b"l", b"w"))
    journal = topic.journals[0]
    damaged = journal.batches[0] + journal.batches[1][:8] + bytes(4) + journal.batches[1][12:]
    journal.read = lambda offset, max_bytes: damaged  # type: ignore[method-assign]
    async with _leading(topic) as runtime:
        assert await runtime.execute("k", Get(b"k")) == b"v"
