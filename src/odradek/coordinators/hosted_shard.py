"""One shard at work: it gets time, its journal and its callers; handled order is journal order.

Owned by the runtime's task of its partition. Whatever touches the shard is synchronous, so commands,
timers and commits never interleave. A caller that is not answered at once waits in `execute`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import trio

from odradek.clock import Clock
from odradek.coordinators.journal import Appended, Journal, JournalSettings
from odradek.coordinators.outcome import JournalRecord, Now, Outcome, ReplayedRecord, Reply, Ticket
from odradek.coordinators.shard import Shard
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.builder import build_batch
from odradek.records.record import Record
from odradek.telemetry import get_logger

ShardT = TypeVar("ShardT", bound=Shard)

_log = get_logger(__name__)

_NO_DEADLINE_MS = 2**63
_PART_BYTES = 256 * 1024
"""Of the default of max.message.bytes a quarter."""
_RECORD_OVERHEAD_BYTES = 32
_OUR_BUG = KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)


@dataclass(slots=True)
class _Waiter:
    """A caller without an answer yet."""

    answered: trio.Event = field(default_factory=trio.Event)
    reply: Reply = None


@dataclass(slots=True)
class _InFlight:
    """Records that are in the log and not below the high watermark yet."""

    outcome: Outcome
    first_offset: int
    next_offset: int
    deadline: float  # on trio's clock; infinite once its callers have been told that it timed out


class HostedShard(Generic[ShardT]):
    """A loaded shard, from election to resignation."""

    def __init__(self, shard: ShardT, journal: Journal, clock: Clock, settings: JournalSettings) -> None:
        self.shard = shard
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._tickets = 0
        self._waiters: dict[Ticket, _Waiter] = {}
        self._in_flight: deque[_InFlight] = deque()
        self._appended = trio.Event()
        self._sooner = trio.Event()
        self._armed_for_ms = _NO_DEADLINE_MS
        self._closed: KafkaError | None = None

    def start(self) -> None:
        """Everything is replayed: let the shard set up its timers."""
        with self._outliving("Beginning with what was loaded failed"):
            for outcome in self.shard.loaded(self._now()):
                self._settle(outcome)

    async def run(self) -> None:
        """Fire timers and notice commits until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._fire_timers)
            nursery.start_soon(self._notice_commits)

    async def execute(self, command: Any) -> Reply:
        """Handle one command and wait for its answer. Raises KafkaError where the command is refused.

        What is answered at once does not yield to other tasks: heartbeats are most of the traffic.
        """
        if self._closed is not None:
            raise _of_its_own(self._closed)
        self._tickets += 1
        ticket = self._tickets
        outcome = self.shard.handle(command, ticket, self._now())
        replies = outcome.replies
        if not outcome.records and outcome.after is None and len(replies) == 1 and replies[0][0] == ticket:
            self._fire_due()
            return replies[0][1]
        waiter = self._waiters[ticket] = _Waiter()
        try:
            self._settle(outcome)
            self._fire_due()
            if not waiter.answered.is_set():
                await waiter.answered.wait()
        finally:
            del self._waiters[ticket]
        if isinstance(waiter.reply, KafkaError):
            raise _of_its_own(waiter.reply)
        return waiter.reply

    async def keep_up(self, command: Any) -> None:
        """Handle a command that nobody waits for: whatever it fails with is logged."""
        with self._outliving("Upkeep failed"):
            try:
                await self.execute(command)
            except KafkaError as error:
                _log.warn("upkeep failed", reason=str(error))  # the next round tries again

    def close(self, refusal: KafkaError) -> None:
        """The partition is led elsewhere: refuse everyone who waits, and everyone who still comes."""
        self._closed = refusal
        self._in_flight.clear()
        for waiter in self._waiters.values():
            if not waiter.answered.is_set():
                waiter.reply = refusal
                waiter.answered.set()

    # -- outcomes ----------------------------------------------------------------------------------------

    def _settle(self, outcome: Outcome) -> None:
        if not outcome.records:
            self._conclude(outcome)
            return
        for part in _in_parts(outcome) if outcome.best_effort else (outcome,):
            self._append(part)

    def _append(self, outcome: Outcome) -> None:
        try:
            appended = self._journal.append(self._batch(outcome), best_effort=outcome.best_effort)
        except KafkaError as error:
            self._fail(outcome, error)
            return
        if outcome.best_effort:
            self._replay_at_once(outcome, appended)
            return
        deadline = trio.current_time() + self._settings.commit_timeout_ms / 1000
        self._in_flight.append(_InFlight(outcome, appended.first_offset, appended.next_offset, deadline))
        self._commit()
        if self._in_flight:
            self._appended.set()

    def _replay_at_once(self, outcome: Outcome, appended: Appended) -> None:
        """Nobody waits until it is committed, which may be long with too few replicas in sync.

        What is in flight of the same keys is over; so the log has it, too.
        """
        keys = {record.key for record in outcome.records}
        for item in self._in_flight:
            if any(record.key in keys for record in item.outcome.records):
                left = tuple(record for record in item.outcome.records if record.key not in keys)
                item.outcome = replace(item.outcome, records=left)
        self._replay(outcome.records, appended.first_offset)
        self._conclude(outcome)

    def _replay(self, records: Iterable[JournalRecord], first_offset: int) -> None:
        for key, value in records:
            self.shard.replay(ReplayedRecord(key, value, first_offset))

    def _batch(self, outcome: Outcome) -> bytearray:
        now_ms = self._clock.now_ms()
        records = (Record(index, now_ms, key, value) for index, (key, value) in enumerate(outcome.records))
        return build_batch(records, compression=self._settings.compression)

    def _commit(self) -> None:
        """Replay and answer what has sunk below the high watermark, in the order of the log."""
        while self._in_flight and self._in_flight[0].next_offset <= self._journal.high_watermark:
            committed = self._in_flight.popleft()
            try:
                self._replay(committed.outcome.records, committed.first_offset)
                self._conclude(committed.outcome)
            except Exception as error:  # noqa: BLE001 - as in `_outliving`
                self._log_bug("Replaying committed records failed", error)
                self._deliver((ticket, _OUR_BUG) for ticket, _ in committed.outcome.replies)

    def _conclude(self, outcome: Outcome) -> None:
        self._deliver(outcome.replies)
        if outcome.after is not None:
            self._settle(outcome.after(None, self._now()))

    def _fail(self, outcome: Outcome, error: KafkaError) -> None:
        if outcome.after is not None:
            self._deliver(outcome.replies)  # to others, whose requests this one has ended
            self._settle(outcome.after(error, self._now()))
        elif outcome.best_effort:
            self._deliver(outcome.replies)
        else:
            self._deliver((ticket, error) for ticket, _ in outcome.replies)

    def _deliver(self, replies: Iterable[tuple[Ticket, Reply]]) -> None:
        for ticket, reply in replies:
            waiter = self._waiters.get(ticket)  # None: its connection is gone
            if waiter is not None and not waiter.answered.is_set():
                waiter.reply = reply
                waiter.answered.set()

    async def _notice_commits(self) -> None:
        while True:
            while not self._in_flight:  # what woke us may be committed before we run
                self._appended = trio.Event()
                await self._appended.wait()
            # What is appended while we wait comes behind, and is due no sooner than if it came right now.
            newest = trio.current_time() + self._settings.commit_timeout_ms / 1000
            deadline = min(newest, *(item.deadline for item in self._in_flight))
            next_offset = self._in_flight[0].next_offset
            try:
                with trio.move_on_at(deadline) as waiting:
                    await self._journal.wait_replicated(next_offset)
            except KafkaError as error:
                if self._journal.high_watermark < next_offset:
                    # Leadership or the disk was lost; the resignation is on its way.
                    self.close(KafkaError(ErrorCode.NOT_COORDINATOR))
                    return
                self._disappoint(error, next_offset)
            if waiting.cancelled_caught:
                self._time_out()
            self._commit()
            self._fire_due()

    def _disappoint(self, error: KafkaError, next_offset: int) -> None:
        """Records are committed, but with too few replicas: they count, and their callers are told."""
        for item in list(self._in_flight):
            if item.next_offset <= next_offset:
                late, item.outcome = item.outcome, Outcome(item.outcome.records)
                with self._outliving("Undoing a command failed"):
                    self._fail(late, error)

    def _time_out(self) -> None:
        """Answer callers whose records take too long. The records stay in the log and may yet commit."""
        for item in list(self._in_flight):
            if item.deadline <= trio.current_time():
                late, item.outcome = item.outcome, Outcome(item.outcome.records)
                item.deadline = math.inf
                with self._outliving("Undoing a command failed"):
                    self._fail(late, KafkaError(ErrorCode.REQUEST_TIMED_OUT))

    @contextmanager
    def _outliving(self, failure: str) -> Iterator[None]:
        """Our bug in what no request waits for costs that one step: it is logged, and the shard goes on.

        Whatever the step had changed by then stays; as in Kafka nothing is tried again, and members that
        wait for an answer which it owed them come back when their own time is up.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - would end the broker, and all the other groups with it
            self._log_bug(failure, error)

    def _log_bug(self, failure: str, error: Exception) -> None:
        _log.error(failure, shard=type(self.shard).__name__, exc_info=error)

    # -- time --------------------------------------------------------------------------------------------

    def _now(self) -> Now:
        return Now(self._clock.now_ms(), round(self._clock.monotonic() * 1000))

    def _fire_due(self) -> None:
        """Fire what is due, and let the timer task know if something is due sooner than it sleeps."""
        while True:
            deadline_ms = self.shard.next_deadline_ms()
            if deadline_ms is None or deadline_ms >= self._armed_for_ms:
                return
            now = self._now()
            if deadline_ms > now.monotonic_ms:
                self._sooner.set()
                return
            with self._outliving("A timer failed and is not fired again"):
                for outcome in self.shard.expire(now):
                    self._settle(outcome)

    async def _fire_timers(self) -> None:
        while True:
            deadline_ms = self.shard.next_deadline_ms()
            self._armed_for_ms = _NO_DEADLINE_MS if deadline_ms is None else deadline_ms
            self._sooner = trio.Event()
            with trio.move_on_at(math.inf if deadline_ms is None else deadline_ms / 1000):
                await self._sooner.wait()
            self._armed_for_ms = _NO_DEADLINE_MS
            self._fire_due()


def _in_parts(outcome: Outcome) -> Iterator[Outcome]:
    """What may be written in part, as outcomes of a batch each; the last has the replies.

    The tombstones of all groups that are cleaned up at once may be more than a batch holds. Kafka writes
    those of each group by themselves.
    """
    part: list[JournalRecord] = []
    part_bytes = 0
    for record in outcome.records:
        record_bytes = _RECORD_OVERHEAD_BYTES + len(record.key) + len(record.value or b"")
        if part and part_bytes + record_bytes > _PART_BYTES:
            yield Outcome(tuple(part), best_effort=True)
            part, part_bytes = [], 0
        part.append(record)
        part_bytes += record_bytes
    yield Outcome(tuple(part), outcome.replies, outcome.after, best_effort=True)


def _of_its_own(refusal: KafkaError) -> KafkaError:
    """The exception for one of those who are refused. One that all raised would grow with every traceback."""
    return KafkaError(refusal.code, refusal.message)
