"""ConnectionRate: how many connections came per second of late, and how long the next has to wait.

A rate is what was counted in a few windows of time, the current one included, divided by the time they
span; before there have been so many it is divided as if there had, so that a broker that has just started
takes many at once. Kafka: Rate, SampledStat, ConnectionQuotas; KIP-612.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from odradek.value_object import value_object

_LEAST_S = 0.001


@value_object
class RateWindows:
    """Over which time a rate is measured."""

    count: int = 11
    """quota.window.num"""
    seconds: int = 1
    """quota.window.size.seconds"""


@dataclass(slots=True, eq=False, repr=False)
class _Window:
    """Times are of the caller's clock."""

    began: float
    last: float
    connections: int = 1


class ConnectionRate:
    """Connections of the broker, or of one listener. Times are seconds of any clock that does not go back."""

    __slots__ = ("_counted", "_windows")

    def __init__(self, windows: RateWindows) -> None:
        self._windows = windows
        self._counted: deque[_Window] = deque()
        """Oldest first; a window begins with the first connection after the end of another."""

    def record(self, now: float) -> None:
        """One more connection."""
        if self._counted and now - self._counted[-1].began < self._windows.seconds:
            self._counted[-1].last = now
            self._counted[-1].connections += 1
        else:
            self._counted.append(_Window(now, now))

    def wait_s(self, limit: int, now: float) -> float:
        """How long who came now has to wait so that there are `limit` a second; never more than a window."""
        window_s, count = self._windows.seconds, self._windows.count
        while self._counted and now - self._counted[0].last >= count * window_s:
            self._counted.popleft()
        if not self._counted:
            return 0
        elapsed_s = now - self._counted[0].began
        elapsed_s += max(count - 1 - int(elapsed_s / window_s), 0) * window_s
        rate = sum(window.connections for window in self._counted) / max(elapsed_s, _LEAST_S)
        if rate <= limit:
            return 0
        return min((rate - limit) / limit * elapsed_s, window_s) if limit else window_s
