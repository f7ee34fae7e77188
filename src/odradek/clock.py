"""Time comes from here and nowhere else, so that a whole broker runs under trio's `MockClock`.

`now_ms` is what Kafka writes into records and files: milliseconds since 1970 in UTC. `monotonic` is for
deadlines: seconds on trio's clock, comparable with `trio.current_time()`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import trio


class Clock(Protocol):
    """Wall time in milliseconds, and a monotonic time in seconds."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds on trio's clock; only differences and `trio.CancelScope` deadlines have a meaning."""


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return trio.current_time()


@dataclass(slots=True)
class VirtualClock:
    """Wall time that follows trio's clock from `epoch_ms` on: frozen and jumping as a `MockClock` does."""

    epoch_ms: int = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.epoch_ms + round(trio.current_time() * 1000)

    def monotonic(self) -> float:
        return trio.current_time()
