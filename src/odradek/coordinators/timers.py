"""Deadlines by key for a pure shard, made for deadlines that mostly move later.

A heartbeat moves its member's deadline every few seconds and almost never lets it pass. So moving one
later is a dictionary store: the heap keeps the older, earlier entry, and only when that comes up is the
key put back where it now belongs. Pure: time is an argument.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class Timers(Generic[KeyT]):
    """At most one deadline per key, in milliseconds of the monotonic clock."""

    __slots__ = ("_deadlines", "_heap", "_queued", "_sequence")

    def __init__(self) -> None:
        self._deadlines: dict[KeyT, int] = {}
        self._queued: dict[KeyT, int] = {}  # the earliest heap entry of each key
        self._heap: list[tuple[int, int, KeyT]] = []
        self._sequence = 0  # keys need not be comparable; equal deadlines fire in the order they were set

    def __len__(self) -> int:
        return len(self._deadlines)

    def set(self, key: KeyT, deadline_ms: int) -> None:
        """Let `key` fire at `deadline_ms`, whatever it was set to before."""
        self._deadlines[key] = deadline_ms
        queued = self._queued.get(key)
        if queued is None or deadline_ms < queued:
            self._push(key, deadline_ms)

    def clear(self, key: KeyT) -> None:
        """Forget `key`; harmless when it is not set."""
        self._deadlines.pop(key, None)

    def deadline_ms(self, key: KeyT) -> int | None:
        """When `key` fires; None when it is not set."""
        return self._deadlines.get(key)

    def next_deadline_ms(self) -> int | None:
        """No timer fires before this; None when there is none. May be earlier than the earliest deadline."""
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now_ms: int) -> KeyT | None:
        """Take one key whose deadline is at or before `now_ms`; None when there is none left."""
        while self._heap and self._heap[0][0] <= now_ms:
            queued, _, key = heapq.heappop(self._heap)
            if self._queued.get(key) != queued:
                continue  # superseded by an earlier entry of the same key, which has been taken
            del self._queued[key]
            deadline = self._deadlines.get(key)
            if deadline is None:
                continue
            if deadline > now_ms:
                self._push(key, deadline)
                continue
            del self._deadlines[key]
            return key
        return None

    def _push(self, key: KeyT, deadline_ms: int) -> None:
        self._sequence += 1
        self._queued[key] = deadline_ms
        heapq.heappush(self._heap, (deadline_ms, self._sequence, key))
