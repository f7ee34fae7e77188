"""What a shard decides and what it decides with: the vocabulary between a pure coordinator and its runtime.

Pure. A request that cannot be answered yet (a join that waits for the others) keeps its `Ticket`; some
later outcome answers it. Durable changes are `JournalRecord`s only; whatever else a shard remembers
between commands is what a restart may forget: who waits, and when whose session ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from odradek.errors import KafkaError
from odradek.value_object import value_object

Ticket = int
Reply = Any

NO_PRODUCER_ID = -1


class Now(NamedTuple):
    """The time of a decision on both clocks.

    wall_ms: milliseconds since 1970, for what is written down. monotonic_ms: never set back, for
    deadlines, which must not fire because somebody corrected the machine's clock.
    """

    wall_ms: int
    monotonic_ms: int


class JournalRecord(NamedTuple):
    """One record of a coordinator's internal topic; a value of None is a tombstone."""

    key: bytes
    value: bytes | None


class ReplayedRecord(NamedTuple):
    """A record read back, or just committed.

    batch_offset is the base offset of its batch: Kafka orders offset commits by it. producer_id is that
    of an open transaction, NO_PRODUCER_ID outside transactions.
    """

    key: bytes
    value: bytes | None
    batch_offset: int
    producer_id: int = NO_PRODUCER_ID


After = Callable[[KafkaError | None, Now], "Outcome"]


@value_object
class Outcome:
    """One decision.

    records: appended to the journal as one batch, replayed once they are below the high watermark.
    replies: sent after that, or at once if there are no records.
    after: called when the records are committed and replayed (None) or could not be written (the error);
        gives what follows; the replies are sent either way.
        Without it a failed write answers every reply's ticket with that error,
    best_effort: unless nobody minds: then records are appended with fewer than min.insync.replicas, too,
        and replayed at once, and the replies are sent even if nothing was written. So Kafka appends
        tombstones (acks=0).
    """

    records: tuple[JournalRecord, ...] = ()
    replies: tuple[tuple[Ticket, Reply], ...] = ()
    after: After | None = None
    best_effort: bool = False
