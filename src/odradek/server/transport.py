"""The bytes of one connection on a plaintext listener: a non-blocking socket, and waiting for it.

The seam for TLS, which cannot send files and has a record layer of its own. Nothing here buffers.
`receive_nowait` and `send_nowait` exist because trio's own sockets checkpoint at each call, which costs more
than the call; whoever uses them checkpoints by itself.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Sequence
from typing import Protocol

import trio

_PEER_HAS_LEFT = getattr(select, "POLLRDHUP", 0)
"""Linux; errors and hang-ups are always told."""

_MAX_SENDFILE_BYTES = 1 << 30
_MAX_VECTORS = 1024
"""IOV_MAX of Linux."""


class FileRegion(Protocol):
    """Bytes within a file, as `LogSlice` gives them."""

    @property
    def position(self) -> int:
        """Where in the file they start."""

    def __len__(self) -> int:
        """How many they are."""

    def fileno(self) -> int:
        """The file."""


class PlaintextTransport:
    """One connected socket. Owned by the connection's task."""

    __slots__ = ("_socket",)

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected

    def receive_nowait(self, room: memoryview) -> int:
        """Receive into `room`: bytes received, 0 when the peer has closed; -1 when nothing is there yet.

        Raises OSError when the connection is broken.
        """
        try:
            return self._socket.recv_into(room)
        except BlockingIOError:
            return -1

    def fileno(self) -> int:
        """The socket, for whoever waits until there is something to receive."""
        return self._socket.fileno()

    def send_nowait(self, data: bytes | memoryview) -> int:
        """Send what fits: bytes sent, 0 when nothing fits now. Raises OSError."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    async def send(self, data: bytes | memoryview) -> None:
        """Send all of it. Checkpoints only if it has to wait."""
        sent = self.send_nowait(data)
        if sent == len(data):
            return
        rest = memoryview(data)[sent:]
        while rest:
            await trio.lowlevel.wait_writable(self._socket)
            rest = rest[self.send_nowait(rest) :]

    async def send_vectors(self, pieces: Sequence[bytes | bytearray | memoryview], *, more: bool) -> None:
        """Send all pieces in order without joining them; `more` says that other bytes follow at once."""
        left = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
        flags = socket.MSG_MORE if more else 0
        while left:
            try:
                sent = self._socket.sendmsg(left[:_MAX_VECTORS], (), flags)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
                continue
            while left and sent >= len(left[0]):
                sent -= len(left.pop(0))
            if sent:
                left[0] = left[0][sent:]

    async def send_file(self, region: FileRegion) -> None:
        """Send bytes of a file without taking them through this process.

        Raises EOFError if the file ends before the region does.
        """
        position, end = region.position, region.position + len(region)
        source, target = region.fileno(), self._socket.fileno()
        while position < end:
            wanted = min(end - position, _MAX_SENDFILE_BYTES)
            try:
                sent = os.sendfile(target, source, position, wanted)
            except BlockingIOError:
                sent = 0
            else:
                if sent == 0:
                    raise EOFError(f"a file ends {end - position} bytes before its region")
            position += sent
            if sent < wanted:
                # The socket is full. To be told so by another call costs as much as sending 64 KiB.
                await trio.lowlevel.wait_writable(self._socket)

    def peer_has_left(self) -> bool:
        """Whether the peer has closed its end, even if there still is something to receive.

        Nobody sees that while nobody receives. False where the system cannot say.
        """
        poll = select.poll()
        poll.register(self._socket, _PEER_HAS_LEFT)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close at once; whoever waits for the socket gets a ClosedResourceError."""
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()
