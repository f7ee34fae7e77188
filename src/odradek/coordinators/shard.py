"""What a coordinator is to its runtime: the state machine of one partition of an internal topic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from odradek.coordinators.outcome import Now, Outcome, ReplayedRecord, Ticket


class Shard(Protocol):
    """A pure state machine. Its runtime calls it from one task at a time and gives it time and tickets.

    Groups and transactions each have one; nothing in `coordinators/` knows which.
    """

    def handle(self, command: Any, ticket: Ticket, now: Now) -> Outcome:
        """Decide. Raises KafkaError to refuse the ticket's request, having changed nothing."""

    def replay(self, record: ReplayedRecord) -> None:
        """Apply one committed record: the only way durable state changes, live and when loading."""

    def replay_end_of_transaction(self, producer_id: int, *, committed: bool) -> None:
        """Apply a transaction marker: the producer's pending records take effect or vanish."""

    def loaded(self, now: Now) -> Iterable[Outcome]:
        """Every record of the partition was replayed: set up what is not durable."""

    def next_deadline_ms(self) -> int | None:
        """No timer is due before this time of the monotonic clock."""

    def expire(self, now: Now) -> Iterable[Outcome]:
        """Fire every timer that is due, each cleared before it is fired: one that raises is not met again."""
