"""Sending a response: small ones in one piece, big ones without copying, a log's slices out of their files.

A response is a list of chunks: bytes-like objects, and slices of a log (anything else that has a length, a
`view()` and a `release()`). Slices are released when they are sent, or when sending them fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from odradek.server.cold_reads import read_nowait, wait_cached
from odradek.server.transport import FileRegion

if TYPE_CHECKING:
    from odradek.protocol.message import Chunk

_JOIN_BYTES = 32 * 1024
"""Up to here a response is copied into one piece: one `send` costs less than what it saves."""

_SENDFILE_BYTES = 32 * 1024
"""From here on a slice goes by `sendfile`; below, its memory map is cheaper than two more system calls."""

_BYTES = (bytes, bytearray, memoryview)


class Slice(FileRegion, Protocol):
    """Bytes of a segment, held until they are sent."""

    def view(self) -> memoryview:
        """The bytes in memory, until `release`."""

    def release(self) -> None:
        """They are no longer needed."""


class Sink(Protocol):
    """Where responses go: a transport."""

    async def send(self, data: bytes | memoryview) -> None: ...
    async def send_vectors(self, pieces: Sequence[bytes | bytearray | memoryview], *, more: bool) -> None: ...
    async def send_file(self, region: FileRegion) -> None: ...


def join_nowait(chunks: Sequence[Chunk]) -> bytes | None:
    """A small response in one piece, its slices released; None if it is large or not all in memory."""
    if sum(map(len, chunks)) > _JOIN_BYTES:
        return None
    pieces: list[bytes | bytearray | memoryview] = []
    slices: list[Slice] = []
    for chunk in chunks:
        if isinstance(chunk, _BYTES):
            pieces.append(chunk)
        elif len(chunk):
            slice_ = cast("Slice", chunk)
            records = read_nowait(slice_)
            if records is None:
                return None
            pieces.append(records)
            slices.append(slice_)
    joined = b"".join(pieces)
    for slice_ in slices:
        slice_.release()
    return joined


async def send_response(sink: Sink, chunks: Sequence[Chunk]) -> None:
    """Send all chunks in order, then release the slices among them. Raises OSError, EOFError."""
    if all(isinstance(chunk, _BYTES) for chunk in chunks):
        pieces = cast("Sequence[bytes | bytearray | memoryview]", chunks)
        if sum(map(len, pieces)) <= _JOIN_BYTES:
            await sink.send(b"".join(pieces))
        else:
            await sink.send_vectors(pieces, more=False)
        return
    try:
        await _send_with_slices(sink, chunks)
    finally:
        for chunk in chunks:
            if not isinstance(chunk, _BYTES):
                cast("Slice", chunk).release()


async def _send_with_slices(sink: Sink, chunks: Sequence[Any]) -> None:
    pieces: list[bytes | bytearray | memoryview] = []
    for chunk in chunks:
        if isinstance(chunk, _BYTES):
            pieces.append(chunk)
            continue
        if not len(chunk):
            continue  # an empty slice has no file
        await wait_cached(chunk)
        if len(chunk) < _SENDFILE_BYTES:
            pieces.append(chunk.view())
        else:
            await sink.send_vectors(pieces, more=True)
            pieces = []
            await sink.send_file(chunk)
    if sum(map(len, pieces)) <= _JOIN_BYTES:
        await sink.send(b"".join(pieces))
    else:
        await sink.send_vectors(pieces, more=False)
