"""Reading much of the tree at once: each read by itself is a round trip to an ensemble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import trio

from odradek.coordination.store import StoreError

Value = TypeVar("Value")

_READS_AT_ONCE = 128


async def at_once(reads: Sequence[Callable[[], Awaitable[Value]]]) -> list[Value]:
    """Wait for many reads of the store, in their order. Raises the first StoreError among them."""
    if len(reads) < 2:
        return [await read() for read in reads]
    results: dict[int, Value] = {}
    errors: dict[int, StoreError] = {}
    left = iter(enumerate(reads))

    async def work() -> None:
        for at, read in left:
            try:
                results[at] = await read()
            except StoreError as error:
                errors[at] = error

    async with trio.open_nursery() as nursery:
        for _ in range(min(len(reads), _READS_AT_ONCE)):
            nursery.start_soon(work)
    if errors:
        raise errors[min(errors)]
    return [results[at] for at in range(len(reads))]
