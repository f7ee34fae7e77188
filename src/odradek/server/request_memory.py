"""The memory that requests may take before they are handled (`queued.max.request.bytes`).

As Kafka's `SimpleMemoryPool` (KIP-72): a request is read once anything is left, even if it is larger than
what is left, so one large request never waits for ever; the next waits until memory is given back.
"""

from __future__ import annotations

import trio


class RequestMemory:
    """A pool of `capacity_bytes` that all connections share; no bound if that is 0 or less.

    Owned by the broker's task; connections reserve before they receive a request's bytes.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._bounded = capacity_bytes > 0
        self._available_bytes = capacity_bytes
        self._waiting = trio.lowlevel.ParkingLot()

    @property
    def bounded(self) -> bool:
        """Whether reserving can ever wait."""
        return self._bounded

    async def reserve(self, size_bytes: int) -> None:
        """Take memory for one request; waits while there is none at all."""
        while self._bounded and self._available_bytes <= 0:
            await self._waiting.park()
        self._available_bytes -= size_bytes

    def release(self, size_bytes: int) -> None:
        """Give back what a request had reserved."""
        self._available_bytes += size_bytes
        if self._available_bytes > 0:
            self._waiting.unpark_all()
