"""The bytes a connection has received and not yet handled, cut into frames.

A frame is a big-endian int32 with the size of what follows, and that many bytes:

    0  size      int32, 0 to socket.request.max.bytes
    4  payload   a request header and a request

Knows nothing of sockets: whoever receives writes into `room()`, says how much with `received()`, and takes
frames with `next_frame()` until it returns None.
"""

from __future__ import annotations

from struct import Struct

from odradek.errors import MalformedMessage

_SIZE = Struct(">i")
SIZE_PREFIX_BYTES = _SIZE.size
INITIAL_BYTES = 16 * 1024

TRUSTED_BYTES = 64 * 1024
"""How much memory a size gets before its bytes arrive: four bytes may promise a hundred megabytes."""

_GROWTH = 4


class ReceiveBuffer:
    """One connection's receive buffer. Owned by the connection's task.

    Frames are views into the buffer, valid until the next `room()`. The buffer grows to the largest frame,
    by what has been received of it, and is reused for the next, because fresh memory costs a page fault
    every 4 KiB; `shrink()` gives it back when the connection has nothing to say.
    """

    __slots__ = ("_buffer", "_end", "_max_frame_bytes", "_needed", "_start", "_view")

    def __init__(self, max_frame_bytes: int) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._buffer = bytearray(INITIAL_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._needed = SIZE_PREFIX_BYTES

    @property
    def frame_bytes(self) -> int:
        """Size of the payload that is being received; 0 while that is not known."""
        return self._needed - SIZE_PREFIX_BYTES

    def next_frame(self) -> memoryview | None:
        """The next complete frame's payload; None if more bytes have to be received for it.

        Raises MalformedMessage when the size is negative or above the limit, in Kafka's words
        (`NetworkReceive`).
        """
        start = self._start
        available = self._end - start
        if available < 4:
            self._needed = 4
            return None
        (size,) = _SIZE.unpack_from(self._buffer, start)
        if size < 0:
            raise MalformedMessage(f"Invalid receive (size = {size})")
        if size > self._max_frame_bytes:
            raise MalformedMessage(f"Invalid receive (size = {size} larger than {self._max_frame_bytes})")
        end = start + 4 + size
        if end > self._end:
            self._needed = 4 + size
            return None
        self._start = end
        return self._view[start + 4 : end]

    def room(self) -> memoryview:
        """Where to receive to; never empty. Ends every frame's validity.

        A small frame leaves room for those behind it; a big one gets its own bytes only, so that the
        start of the frame behind it need not be moved to the front.
        """
        start, end, needed = self._start, self._end, self._needed
        if len(self._buffer) < INITIAL_BYTES:
            self._replace(bytearray(INITIAL_BYTES))
            start, end = self._start, self._end
        if start == end:
            start = end = self._start = self._end = 0
        if start + needed > len(self._buffer):
            self._make_room(needed)
            start, end = self._start, self._end
        if needed > INITIAL_BYTES:
            return self._view[end : start + needed]
        return self._view[end:]

    def received(self, size_bytes: int) -> None:
        """`size_bytes` bytes have been written to the front of `room()`."""
        self._end += size_bytes

    def shrink(self) -> None:
        """Give the memory back until the next `room()`, if it holds nothing. Ends every frame's validity."""
        if self._start == self._end and len(self._buffer) > 0:
            self._replace(bytearray())

    def _make_room(self, needed: int) -> None:
        size = self._end - self._start
        if needed > len(self._buffer) and size == len(self._buffer):
            self._replace(bytearray(min(needed, _GROWTH * size)))
        elif needed > len(self._buffer) and len(self._buffer) < TRUSTED_BYTES:
            self._replace(bytearray(min(needed, TRUSTED_BYTES)))
        elif self._start:
            # A memoryview's assignment is a memmove: source and target may overlap.
            self._view[:size] = self._view[self._start : self._end]
            self._start, self._end = 0, size

    def _replace(self, buffer: bytearray) -> None:
        # Never resized in place: a view of the old one may live on, in a handler that was cancelled.
        view = memoryview(buffer)
        size = self._end - self._start
        view[:size] = self._view[self._start : self._end]
        self._buffer, self._view = buffer, view
        self._start, self._end = 0, size
