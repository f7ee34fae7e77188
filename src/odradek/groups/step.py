"""One decision in the making: the time it is made at, and what it has come to so far."""

from __future__ import annotations

from typing import Literal

from odradek.coordinators.outcome import After, JournalRecord, Now, Outcome, Reply, Ticket
from odradek.coordinators.timers import Timers
from odradek.groups.config import GroupConfig

TimerKind = Literal["session", "join", "sync"]
TimerKey = tuple[TimerKind, str, str]
"""(kind, group id, member id). Only sessions have a member: one that heartbeats, or one that is pending."""


class Step:
    """Collects records and replies while a command runs through a group. Lives for one decision."""

    __slots__ = ("after", "best_effort", "config", "now", "records", "replies", "timers")

    def __init__(self, now: Now, config: GroupConfig, timers: Timers[TimerKey]) -> None:
        self.now = now
        self.config = config
        self.timers = timers
        self.records: list[JournalRecord] = []
        self.replies: list[tuple[Ticket, Reply]] = []
        self.after: After | None = None
        self.best_effort = False

    def reply(self, ticket: Ticket, reply: Reply) -> None:
        """Answer a request, this one or one that waits; after the records are committed, if there are any."""
        self.replies.append((ticket, reply))

    def append_best_effort(self, *records: JournalRecord) -> None:
        """Write these; should that fail, the step's replies are no different."""
        self.records += records
        self.best_effort = True

    def start_timer(self, kind: TimerKind, group_id: str, delay_ms: int, member_id: str = "") -> None:
        self.timers.set((kind, group_id, member_id), self.now.monotonic_ms + delay_ms)

    def stop_timer(self, kind: TimerKind, group_id: str, member_id: str = "") -> None:
        self.timers.clear((kind, group_id, member_id))

    def outcome(self) -> Outcome:
        return Outcome(tuple(self.records), tuple(self.replies), self.after, self.best_effort)
