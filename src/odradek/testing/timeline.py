"""Timeline: a simulation's clock, and what the world around its brokers is going to do.

Time passes when no task can run, and goes on at once to the next deadline or action, as with a `MockClock`
that jumps. Actions are packets that arrive, answers and expirations: they are synchronous and no task's, for
a task that waits for each would cost more than all that the brokers do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from trio._core._run import GLOBAL_RUN_CONTEXT
from trio.abc import Clock

_STANDSTILL_S = 0.1
_STANDSTILLS = 20


class Timeline(Clock):
    """Seconds from the start of the simulation, and actions by the time they are due."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._standstills = 0
        self.on_standstill: Callable[[], None] = lambda: None
        """Called when every task waits for another, which would be for ever."""

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Have `action` happen `delay_s` from now."""
        self.at(self._now_s + delay_s, action)

    def at(self, when_s: float, action: Callable[[], None]) -> None:
        """Have `action` happen at a time; those of one time in the order in which they were given."""
        heappush(self._due, (when_s, next(self._numbers), action))

    # trio's clock

    def start_clock(self) -> None:
        """Time begins with the simulation."""

    def current_time(self) -> float:
        return self._now_s

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Called by trio when no task can run until `deadline`: so it is that, or what happens before."""
        due = self._due
        if deadline == math.inf and not due:
            # trio wakes itself through a socket when it ends; nothing else comes from outside.
            self._standstills += 1
            if self._standstills == _STANDSTILLS:
                self.on_standstill()
            return _STANDSTILL_S
        self._standstills = 0
        # trio's private queue: a round of its loop for an action that wakes nobody would be for nothing.
        runnable = GLOBAL_RUN_CONTEXT.runner.runq
        while not runnable and due and due[0][0] <= deadline:
            self._now_s = max(self._now_s, due[0][0])
            while due and due[0][0] <= self._now_s:
                heappop(due)[2]()
        if not runnable:
            self._now_s = max(self._now_s, deadline)
        return 0
