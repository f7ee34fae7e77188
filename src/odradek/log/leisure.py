"""Reading what takes long: piece by piece in the loop, so that everybody else has a turn between two pieces.

A thread of its own would be no faster (there is one interpreter lock, for which the loop would wait five
milliseconds each time it wakes), and could not be given up.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from typing import TypeAlias, TypeVar

import cramjam
import trio

from odradek.records.window import Breath

T = TypeVar("T")

_Buffer: TypeAlias = bytes | bytearray | memoryview

_PIPE_BYTES = 64 * 1024


async def at_leisure(steps: Generator[Breath, None, T]) -> T:
    """What comes out, with a checkpoint at each breath. Cancelled, nothing comes of it."""
    try:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            await trio.lowlevel.checkpoint()
    finally:
        steps.close()


def decompress_zstd(data: _Buffer) -> Generator[bytes, None, None]:
    """The pieces behind `data`; raises cramjam.DecompressionError where it is no zstd.

    cramjam has no decompressor that gives its output in pieces, but one that writes to a file. So a thread
    writes to a pipe, which holds 64 KiB, and waits there for whoever reads here; closing the generator ends
    it. Each piece takes some tens of microseconds to come.
    """
    reading, writing = os.pipe()
    failures: list[str] = []
    source = bytes(data)

    def write() -> None:
        # What is kept of an error is its text: with its traceback the pipe would stay open.
        try:
            try:
                pipe = cramjam.File(f"/dev/fd/{writing}", read=False, write=True, truncate=False)
            finally:
                os.close(writing)
            cramjam.zstd.decompress_into(source, pipe)
        except (OSError, cramjam.DecompressionError) as error:
            failures.append(str(error))

    thread = threading.Thread(target=write, name="zstd", daemon=True)
    thread.start()
    try:
        while piece := os.read(reading, _PIPE_BYTES):
            yield piece
        thread.join()
        if failures:
            raise cramjam.DecompressionError(failures[0])
    finally:
        os.close(reading)
        thread.join()
