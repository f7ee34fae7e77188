"""A raw connection of the load generator: requests as bytes, encoded once, and responses as views."""

from __future__ import annotations

import socket
import struct
from typing import Final

CLIENT_ID: Final = b"bench"
RESPONSE_HEADER_BYTES: Final = 5
"""Correlation id and an empty tag section: response header version 1."""

_BUFFER_BYTES: Final = 1 << 16


def frame(api_key: int, version: int, body: bytes) -> bytes:
    """Size, request header version 2 (correlation id 1), body."""
    header = struct.pack(f">hhih{len(CLIENT_ID)}sb", api_key, version, 1, len(CLIENT_ID), CLIENT_ID, 0)
    return struct.pack(">i", len(header) + len(body)) + header + body


class Connection:
    """A non-blocking socket without Nagle's delay, which sends and receives whole frames bit by bit.

    Owned by the one loop that drives it.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        """Connect; raises OSError."""
        self._socket = socket.create_connection(address, timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._outgoing: list[memoryview] = []
        self._buffer = bytearray(_BUFFER_BYTES)
        self._filled = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    @property
    def is_sending(self) -> bool:
        """Whether bytes wait for room in the socket: ask for writability."""
        return bool(self._outgoing)

    def post(self, message: bytes | bytearray) -> None:
        """Send now what the socket takes, keep the rest. The message must not change until it is sent."""
        self._outgoing.append(memoryview(message))
        self.send_more()

    def send_more(self) -> None:
        """Go on sending what is kept."""
        while self._outgoing:
            first = self._outgoing[0]
            try:
                sent = self._socket.send(first)
            except BlockingIOError:
                return
            if sent < len(first):
                self._outgoing[0] = first[sent:]
                return
            del self._outgoing[0]

    def receive(self) -> None:
        """Take what has come; raises ConnectionError when the broker has closed."""
        with memoryview(self._buffer) as view, view[self._filled :] as room:
            try:
                received = self._socket.recv_into(room)
            except BlockingIOError:
                return
        if received == 0:
            raise ConnectionError("the broker closed the connection")
        self._filled += received

    def next_answer(self) -> memoryview | None:
        """The oldest whole response without its size, to be given back by `drop`; None while it comes."""
        if self._filled < 4:
            return None
        (size,) = struct.unpack_from(">i", self._buffer)
        if self._filled < 4 + size:
            if len(self._buffer) < 4 + size:
                self._buffer.extend(bytes(4 + size - len(self._buffer)))
            return None
        return memoryview(self._buffer)[4 : 4 + size]

    def drop(self, answer: memoryview) -> None:
        """Release an answer; what came behind it moves up."""
        end = 4 + len(answer)
        answer.release()
        self._buffer[: self._filled - end] = self._buffer[end : self._filled]
        self._filled -= end
