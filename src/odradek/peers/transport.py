"""How bytes reach another broker: channels that carry whole frames, and what makes them.

The one seam between brokers: over sockets (`TcpTransport`), or in a simulation over links that delay, lose
and cut. Nothing here knows requests, versions or retries; see `broker_client`.

What goes wrong is told apart by what it proves. Nobody listening is evidence that a process is gone; silence
proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio

from odradek.errors import OdradekError
from odradek.records.batch import Buffer

_SIZE_BYTES = 4
_MAX_VECTORS = 1024
"""IOV_MAX of Linux."""


class PeerUnreachable(OdradekError):
    """Another broker could not be asked, or did not answer. It may have done what it was asked all the same,
    unless this is a PeerRefused.
    """


class PeerRefused(PeerUnreachable):
    """Nobody listens at the peer's address, though its machine answers: its process is gone."""


class PeerReset(PeerUnreachable):
    """The connection ended: the peer closed it, died, or was cut off."""


class PeerTimeout(PeerUnreachable):
    """Nothing came in time, or there is no way to the peer; nobody knows why."""


class Channel(Protocol):
    """One connection to a broker. Owned by one task; frames of both directions come in order."""

    async def send(self, frame: Sequence[Buffer]) -> None:
        """Send one request, size prefix included, in chunks. Raises PeerUnreachable."""

    async def receive(self) -> memoryview:
        """The next response without its size prefix, in memory of its own. Raises PeerUnreachable."""

    async def aclose(self) -> None:
        """Close at once, without a checkpoint; never fails, and may be called again."""


USE_SYSTEM_DEFAULT = -1
"""Of a buffer's size: the operating system's own."""


class Transport(Protocol):
    """Makes channels."""

    async def connect(
        self, host: str, port: int, *, receive_buffer_bytes: int = USE_SYSTEM_DEFAULT
    ) -> Channel:
        """A channel to whoever listens there. Has no deadline of its own. Raises PeerUnreachable.

        `receive_buffer_bytes` is SO_RCVBUF, where there are sockets.
        """


class TcpTransport:
    """Plaintext connections over TCP."""

    async def connect(
        self, host: str, port: int, *, receive_buffer_bytes: int = USE_SYSTEM_DEFAULT
    ) -> Channel:
        """Tries the host's addresses in turn. Raises PeerUnreachable."""
        try:
            stream = await trio.open_tcp_stream(host, port)
        except OSError as error:
            raise _connect_failed(error, f"{host}:{port}") from error
        if receive_buffer_bytes > 0:
            stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, receive_buffer_bytes)
        return _TcpChannel(stream)


class _TcpChannel:
    __slots__ = ("_stream",)

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def send(self, frame: Sequence[Buffer]) -> None:
        socket = self._stream.socket
        left = [memoryview(piece).cast("B") for piece in frame if len(piece)]
        try:
            while left:
                sent = await socket.sendmsg(left[:_MAX_VECTORS])
                while left and sent >= len(left[0]):
                    sent -= len(left.pop(0))
                if sent:
                    left[0] = left[0][sent:]
        except (OSError, trio.ClosedResourceError) as error:
            raise PeerReset(f"connection lost while sending: {error}") from error

    async def receive(self) -> memoryview:
        size = int.from_bytes(await self._receive_exactly(_SIZE_BYTES), "big", signed=True)
        if size < _SIZE_BYTES:
            raise PeerReset(f"the peer speaks another protocol: a response of {size} bytes")
        return await self._receive_exactly(size)

    async def _receive_exactly(self, size_bytes: int) -> memoryview:
        room = memoryview(bytearray(size_bytes))
        filled = 0
        socket = self._stream.socket
        try:
            while filled < size_bytes:
                count = await socket.recv_into(room[filled:])
                if count == 0:
                    raise PeerReset("connection closed by the peer")
                filled += count
        except (OSError, trio.ClosedResourceError) as error:
            raise PeerReset(f"connection lost while receiving: {error}") from error
        return room

    async def aclose(self) -> None:
        # Not the stream's own aclose: that checkpoints, and whoever gives up is often cancelled already.
        self._stream.socket.close()


def _connect_failed(error: OSError, address: str) -> PeerUnreachable:
    """Refused only if each of the host's addresses refused."""
    cause = error.__cause__
    each = cause.exceptions if isinstance(cause, ExceptionGroup) else (error,)
    if all(isinstance(one, ConnectionRefusedError) for one in each):
        return PeerRefused(f"connection to {address} refused")
    if all(isinstance(one, ConnectionResetError) for one in each):
        return PeerReset(f"connection to {address} reset")
    return PeerTimeout(f"no way to {address}: {', '.join(str(one) for one in each)}")
