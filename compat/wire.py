"""A blocking client of one connection that speaks any Kafka request at any version, to any broker.

with Wire("localhost:9092") as wire:
    response = wire.send(MetadataRequest(topics=None), version=12)

request header   v0 key, version, correlation | v1 … client id | v2 … client id, tagged fields (flexible)
response header  v0 correlation               | v1 … tagged fields (flexible, but never for ApiVersions)
"""

import importlib
import socket
import struct
from types import TracebackType
from typing import Any, ClassVar, Final, Protocol, Self

_API_VERSIONS: Final = 18
_CONTROLLED_SHUTDOWN: Final = 7
_NO_TAGS: Final = b"\0"


class Request(Protocol):
    """A generated request message."""

    API_KEY: ClassVar[int]
    FLEXIBLE_FROM: ClassVar[int]

    def to_bytes(self, version: int) -> bytes: ...


class Wire:
    """One connection to one broker; requests may be pipelined with ``post`` and ``take``."""

    def __init__(self, bootstrap: str, *, client_id: str | None = "wire", timeout_s: float = 30) -> None:
        """Connect to ``host:port``; every read and write fails with ``TimeoutError`` after ``timeout_s``."""
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client_id = client_id
        self._correlation_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, request: Request, *, version: int) -> Any:
        """Send a request and decode its response (a generated message).

        Raises ``ConnectionError`` when the broker closes instead of answering, ``TimeoutError`` when it says
        nothing.
        """
        sent = self.post(request, version=version)
        return self.take(request, version=version, correlation_id=sent)

    def post(self, request: Request, *, version: int) -> int:
        """Send a request without waiting; returns its correlation id."""
        self._correlation_id += 1
        header = self.header(request.API_KEY, version, flexible=version >= request.FLEXIBLE_FROM)
        self.send_frame(header + request.to_bytes(version))
        return self._correlation_id

    def take(self, request: Request, *, version: int, correlation_id: int) -> Any:
        """Receive and decode the next response, which must be the answer to ``request``."""
        frame = self.receive_frame()
        (answered,) = struct.unpack_from(">i", frame)
        if answered != correlation_id:
            raise ConnectionError(f"the broker answered request {answered}, not {correlation_id}")
        flexible = version >= request.FLEXIBLE_FROM and request.API_KEY != _API_VERSIONS
        body = 4 + (len(_NO_TAGS) if flexible else 0)
        return _response_class(request).decode(version, memoryview(frame), body)

    def header(self, api_key: int, version: int, *, flexible: bool) -> bytes:
        """The request header with the correlation id of the last ``post``."""
        fixed = struct.pack(">hhi", api_key, version, self._correlation_id)
        if api_key == _CONTROLLED_SHUTDOWN and version == 0:
            return fixed
        if self._client_id is None:
            client_id = struct.pack(">h", -1)
        else:
            encoded = self._client_id.encode()
            client_id = struct.pack(">h", len(encoded)) + encoded
        return fixed + client_id + (_NO_TAGS if flexible else b"")

    def send_frame(self, payload: bytes) -> None:
        """Send bytes behind their length."""
        self.send_bytes(struct.pack(">i", len(payload)) + payload)

    def send_bytes(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(raw)

    def receive_frame(self) -> bytes:
        """The next response without its length; raises ``ConnectionError`` when the broker closes."""
        (size,) = struct.unpack(">i", self._receive_exactly(4))
        return self._receive_exactly(size)

    def _receive_exactly(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            chunk = self._socket.recv(min(size - len(received), 1 << 20))
            if not chunk:
                raise ConnectionError("the broker closed the connection")
            received += chunk
        return bytes(received)


def _response_class(request: Request) -> Any:
    """``metadata_request.MetadataRequest`` → ``metadata_response.MetadataResponse``."""
    cls = type(request)
    module = importlib.import_module(cls.__module__.removesuffix("_request") + "_response")
    return getattr(module, cls.__name__.removesuffix("Request") + "Response")
