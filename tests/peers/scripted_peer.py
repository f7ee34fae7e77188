"""A broker at the other end of a transport, played by the test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from odradek.peers.transport import PeerRefused, PeerReset
from odradek.protocol.headers import RequestHeader, decode_request_header, encode_response_frame
from odradek.protocol.message import Message
from odradek.protocol.messages import request_class

Answer = Callable[[RequestHeader, Message], Awaitable[Message]]


class ScriptedPeer:
    """A transport to one peer: `answer` is asked for each request; it may wait, or raise PeerUnreachable."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.headers: list[RequestHeader] = []
        self.requests: list[Message] = []
        self.connections = 0
        self.closed = 0
        self.is_gone = False
        self.receive_buffer_bytes = 0

    async def connect(self, host: str, port: int, *, receive_buffer_bytes: int = -1) -> _Channel:
        self.receive_buffer_bytes = receive_buffer_bytes
        if self.is_gone:
            raise PeerRefused(f"{host}:{port}")
        self.connections += 1
        return _Channel(self)


class _Channel:
    def __init__(self, peer: ScriptedPeer) -> None:
        self._peer = peer
        self._request: tuple[RequestHeader, Message] | None = None
        self._closed = False

    async def send(self, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        whole = memoryview(b"".join(frame))
        assert int.from_bytes(whole[:4], "big") == len(whole) - 4
        header, at = decode_request_header(whole[4:])
        request = request_class(header.api_key).decode(header.api_version, whole[4:], at)
        self._peer.headers.append(header)
        self._peer.requests.append(request)
        self._request = header, request

    async def receive(self) -> memoryview:
        assert self._request is not None
        (header, request), self._request = self._request, None
        response = await self._peer.answer(header, request)
        if self._closed or self._peer.is_gone:
            raise PeerReset("gone")
        frame = encode_response_frame(header.api_key, header.api_version, header.correlation_id, response)
        return memoryview(b"".join(bytes(chunk) for chunk in frame))[4:]  # type: ignore[arg-type]

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._peer.closed += 1
