"""Producer ids, one after the other, out of blocks that this broker takes from the cluster.

Ids of a block that was not used up are lost with the broker, as in Kafka. Owned by the trio thread.
Source: kafka.coordinator.transaction.ProducerIdManager (which answers COORDINATOR_LOAD_IN_PROGRESS while it
fetches a block, where this one lets the request wait).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import trio

from odradek.metadata.znodes import ProducerIdBlock


class ProducerIds:
    """Gives producer ids. `allocate` takes a new block; what it raises comes out of `next_id`."""

    def __init__(self, allocate: Callable[[], Awaitable[ProducerIdBlock]]) -> None:
        self._allocate = allocate
        self._left: Iterator[int] = iter(())
        self._allocating = trio.Lock()

    async def next_id(self) -> int:
        """An id that no producer of the cluster has had."""
        async with self._allocating:
            producer_id = next(self._left, None)
            if producer_id is None:
                block = await self._allocate()
                self._left = iter(range(block.first, block.last + 1))
                producer_id = next(self._left)
            return producer_id
