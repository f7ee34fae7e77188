"""A broker's wall clock in a simulation: right at first, and wrong by whatever it is set to."""

from __future__ import annotations

from dataclasses import dataclass

import trio

EPOCH_MS = 1_700_000_000_000
"""The wall time at which simulations begin."""


@dataclass(slots=True)
class SkewedClock:
    """Wall time that follows trio's clock, `skew_ms` ahead of it (negative: behind)."""

    skew_ms: int = 0

    def now_ms(self) -> int:
        return EPOCH_MS + self.skew_ms + round(trio.current_time() * 1000)

    def monotonic(self) -> float:
        return trio.current_time()
