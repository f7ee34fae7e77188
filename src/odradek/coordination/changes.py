"""A subscription to a path: a flag that many may raise and one reader lowers.

Made for stores to return from `changes()`. It carries no event, because an event is stale as soon as it is
read; the reader re-reads the tree instead, and so a wake too many costs a read and a lost one cannot be.
"""

from __future__ import annotations

import trio

from odradek.coordination.store import StoreError


class Changes:
    """The async iterator of one reader; owned by the trio thread, and raised before its first use."""

    __slots__ = ("__weakref__", "_dirty", "_error", "_wake")

    def __init__(self) -> None:
        self._dirty = True
        self._error: StoreError | None = None
        self._wake = trio.Event()

    def mark_dirty(self) -> None:
        """Note that something may have changed and wake the reader, if it waits."""
        self._dirty = True
        self._wake.set()

    def fail(self, error: StoreError) -> None:
        """End the iteration: the reader gets this error once it has nothing left to read."""
        self._error = error
        self._wake.set()

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> None:
        await trio.lowlevel.checkpoint()
        while not self._dirty:
            if self._error is not None:
                raise self._error
            self._wake = trio.Event()
            await self._wake.wait()
        self._dirty = False
