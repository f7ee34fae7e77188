"""Offload: where work that blocks on a disk is done, so that the loop need not wait for it.

In a thread, usually; inline in a simulation, whose clock would jump ahead while a thread works.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

T = TypeVar("T")


class Offload(Protocol):
    """Runs `work` to its end, whatever is cancelled meanwhile, and returns what it returns."""

    async def __call__(self, work: Callable[[], T]) -> T: ...


async def in_thread(work: Callable[[], T]) -> T:
    return await trio.to_thread.run_sync(work)


async def inline(work: Callable[[], T]) -> T:
    await trio.lowlevel.checkpoint()
    return work()
