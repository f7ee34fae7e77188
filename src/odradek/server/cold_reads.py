"""Bytes of a file that are not in memory yet are read by a thread, so that a disk never stops the loop.

Consumers mostly read what was just written, so the usual answer is "it is there", for a microsecond a
probe. Linux's preadv2 with RWF_NOWAIT says so without reading; where it cannot, the bytes are taken to be
there.
"""

from __future__ import annotations

import os

import trio

from odradek.server.transport import FileRegion

_PROBE_INTERVAL_BYTES = 128 * 1024
"""The kernel reads ahead by at least this much, so pages in between are where their neighbours are."""

_READ_BYTES = 1024 * 1024
_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)


async def wait_cached(region: FileRegion) -> None:
    """Until a region's bytes are in the page cache. Checkpoints only if they are not. Raises OSError."""
    descriptor, position, size = region.fileno(), region.position, len(region)
    if not is_cached(descriptor, position, size):
        # Not abandoned when cancelled: the region's file stays open until the thread is done with it.
        await trio.to_thread.run_sync(_read, descriptor, position, size)


def read_nowait(region: FileRegion) -> bytearray | None:
    """A region's bytes, copied by one system call; None if they are not all in the page cache.

    Where the system cannot say, they are taken to be there.
    """
    found = bytearray(len(region))
    flags = _NOWAIT or 0
    try:
        read = os.preadv(region.fileno(), [found], region.position, flags)
    except BlockingIOError:
        return None
    except OSError:
        # This file system cannot say, or the disk has an error, which comes up now.
        read = os.preadv(region.fileno(), [found], region.position)
    return found if read == len(found) else None


def is_cached(descriptor: int, position: int, size_bytes: int) -> bool:
    """Whether samples of these bytes can be read without waiting for a disk."""
    if _NOWAIT is None or size_bytes == 0:
        return True
    byte = [bytearray(1)]
    end = position + size_bytes
    try:
        for at in range(position, end, _PROBE_INTERVAL_BYTES):
            os.preadv(descriptor, byte, at, _NOWAIT)
        os.preadv(descriptor, byte, end - 1, _NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True  # this file system cannot say; an error of the disk comes up when the bytes are sent
    return True


def _read(descriptor: int, position: int, size_bytes: int) -> None:
    end = position + size_bytes
    buffer = memoryview(bytearray(min(size_bytes, _READ_BYTES)))
    while position < end:
        read = os.preadv(descriptor, [buffer[: end - position]], position)
        if read == 0:
            return
        position += read
