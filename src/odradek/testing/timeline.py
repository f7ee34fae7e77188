"""Timeline: what is to happen later in a simulation, in order of time.

One task for all packets, answers and expirations: a task for each would cost more than what they do. An
action is synchronous and belongs to the world around the brokers, not to one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

import trio


class Timeline:
    """Actions by the time they are due, in seconds on trio's clock. Owned by the task that runs `run`."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._sleeping_until = -math.inf
        self._woken = trio.Event()

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Have `action` happen `delay_s` from now."""
        self.at(trio.current_time() + delay_s, action)

    def at(self, when_s: float, action: Callable[[], None]) -> None:
        """Have `action` happen at a time; those of one time in the order in which they were given."""
        heappush(self._due, (when_s, next(self._numbers), action))
        if when_s < self._sleeping_until:
            self._sleeping_until = -math.inf
            self._woken.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Let it happen, until cancelled."""
        task_status.started()
        while True:
            self._act()
            self._woken = trio.Event()
            self._sleeping_until = self._due[0][0] if self._due else math.inf
            with trio.move_on_at(self._sleeping_until):
                await self._woken.wait()

    def _act(self) -> None:
        now = trio.current_time()
        while self._due and self._due[0][0] <= now:
            heappop(self._due)[2]()
