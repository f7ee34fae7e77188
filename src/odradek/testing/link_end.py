"""LinkEnd: one end of a simulated connection, and the two faces that it has.

A broker that accepted it sees a `PlaintextTransport` (`AcceptedEnd`), whoever connected a `Channel` of frames
(`FrameChannel`). Bytes come in order; a reset ends both directions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import trio

from odradek.peers.transport import PeerReset
from odradek.records.batch import Buffer
from odradek.server.transport import FileRegion, PlaintextTransport

_SIZE_BYTES = 4


class LinkEnd:
    """What has come and not been read, and where to send. Owned by the task that reads it."""

    __slots__ = ("_arrived", "_hang_up", "_has_left", "_inbox", "_is_reset", "_transmit")

    def __init__(self) -> None:
        self._inbox = bytearray()
        self._has_left = False
        self._is_reset = False
        self._arrived = trio.Event()
        self._transmit: Callable[[bytes], None] = _nowhere
        self._hang_up: Callable[[], None] = _never

    def attach(self, transmit: Callable[[bytes], None], hang_up: Callable[[], None]) -> None:
        """Where what this end sends goes, and who is told that it was closed."""
        self._transmit = transmit
        self._hang_up = hang_up

    # What the network does

    def deliver(self, data: bytes) -> None:
        self._inbox += data
        self._arrived.set()

    def deliver_end(self) -> None:
        """The other end was closed; nothing comes any more."""
        self._has_left = True
        self._arrived.set()

    def reset(self) -> None:
        """The connection is lost: nothing more can be sent, and what was not read is gone."""
        self._is_reset = True
        self._inbox.clear()
        self._transmit, self._hang_up = _nowhere, _never
        self._arrived.set()

    # What the owner does

    @property
    def has_left(self) -> bool:
        return self._has_left or self._is_reset

    def send(self, data: bytes) -> None:
        """Raises ConnectionResetError."""
        if self._is_reset:
            raise ConnectionResetError("connection reset")
        if data:
            self._transmit(data)

    def take(self, room: memoryview) -> int:
        """As `recv_into`: bytes taken, 0 at the end; -1 when there is nothing yet.

        Raises ConnectionResetError.
        """
        if self._inbox:
            size = min(len(room), len(self._inbox))
            room[:size] = self._inbox[:size]
            del self._inbox[:size]
            return size
        if self._is_reset:
            raise ConnectionResetError("connection reset")
        return 0 if self._has_left else -1

    async def wait_readable(self) -> None:
        """Until there are bytes, or no more will come."""
        await trio.lowlevel.checkpoint()
        while not (self._inbox or self._has_left or self._is_reset):
            self._arrived = trio.Event()
            await self._arrived.wait()

    def close(self) -> None:
        hang_up = self._hang_up
        self._transmit, self._hang_up = _nowhere, _never
        hang_up()


def _nowhere(_: bytes) -> None:
    """Sent by one who is gone."""


def _never() -> None:
    """Closed already."""


class AcceptedEnd(PlaintextTransport):
    """The end of the broker that accepted the connection."""

    __slots__ = ("_end",)

    def __init__(self, end: LinkEnd) -> None:
        self._end = end

    def receive_nowait(self, room: memoryview) -> int:
        return self._end.take(room)

    async def wait_readable(self) -> None:
        await self._end.wait_readable()

    def send_nowait(self, data: bytes | memoryview) -> int:
        self._end.send(bytes(data))
        return len(data)

    async def send(self, data: bytes | memoryview) -> None:
        self._end.send(bytes(data))

    async def send_vectors(self, pieces: Sequence[bytes | bytearray | memoryview], *, more: bool) -> None:
        self._end.send(b"".join(pieces))

    async def send_file(self, region: FileRegion) -> None:
        self._end.send(os.pread(region.fileno(), len(region), region.position))

    def peer_has_left(self) -> bool:
        return self._end.has_left

    def close(self) -> None:
        self._end.close()


class FrameChannel:
    """The end of who connected: a `peers.transport.Channel`."""

    def __init__(self, end: LinkEnd) -> None:
        self._end = end

    async def send(self, frame: Sequence[Buffer]) -> None:
        """Raises PeerReset."""
        await trio.lowlevel.checkpoint()
        try:
            self._end.send(b"".join(frame))
        except ConnectionResetError as error:
            raise PeerReset(str(error)) from error

    async def receive(self) -> memoryview:
        """Raises PeerReset."""
        size = int.from_bytes(await self._exactly(_SIZE_BYTES), "big")
        return await self._exactly(size)

    async def _exactly(self, size: int) -> memoryview:
        room = memoryview(bytearray(size))
        filled = 0
        while filled < size:
            try:
                count = self._end.take(room[filled:])
            except ConnectionResetError as error:
                raise PeerReset(str(error)) from error
            if count == 0:
                raise PeerReset("connection closed by the peer")
            if count < 0:
                await self._end.wait_readable()
            else:
                filled += count
        return room

    async def aclose(self) -> None:
        self._end.close()
