"""Waiting until this broker's metadata cache shows what a request brought about."""

from __future__ import annotations

from collections.abc import Callable

import trio

from odradek.metadata.cache import MetadataCache, Snapshot


async def wait_until(
    metadata: MetadataCache, condition: Callable[[Snapshot], bool], *, timeout_ms: int
) -> bool:
    """Wait for a snapshot that fulfils a condition; False when none did in time. Zero or less only looks."""
    if condition(metadata.snapshot):
        return True
    changed = trio.Event()

    def wake() -> None:
        changed.set()

    unsubscribe = metadata.subscribe(wake)
    try:
        with trio.move_on_after(max(timeout_ms, 0) / 1000):
            while not condition(metadata.snapshot):
                await changed.wait()
                changed = trio.Event()
    finally:
        unsubscribe()
    return condition(metadata.snapshot)
