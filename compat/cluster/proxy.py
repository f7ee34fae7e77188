"""A TCP proxy in front of one broker's inter-broker listener: it cuts, delays and shows what brokers say.

Brokers find each other by the addresses they advertise, so one that advertises its proxy is reached only
through it. Who is speaking is told by the client id of a connection's first request: ``broker-2-fetcher-0``
is a follower, ``2`` a controller or a broker that asks one; both are broker 2.

    request    size int32 | key int16 | version int16 | correlation int32 | client id nullable string | …

A cut holds frames back and keeps connections, as a network does that drops packets: nobody is told. The proxy
is as gone as the broker behind it: while that refuses connections, so does the proxy.
"""

import contextlib
import enum
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from compat.oracle.ports import free_port

_CLIENT_ID: Final = re.compile(rb"(?:broker-)?(\d+)(?:-fetcher-\d+)?")
_HEADER: Final = struct.Struct(">hhih")
_CONNECT_TIMEOUT_S: Final = 5
_LOOK_AGAIN_S: Final = 0.02
_READ_BYTES: Final = 1 << 20


class Direction(enum.Enum):
    """Which way a frame travels."""

    TO_BROKER = "request"
    FROM_BROKER = "response"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame without its size, as it passed."""

    at_s: float
    connection: int
    direction: Direction
    payload: bytes


class Proxy:
    """Runs inside ``with``, in threads of its own; ``port`` is where brokers connect."""

    def __init__(self, target_port: int, *, on_frame: Callable[[Frame], None] | None = None) -> None:
        """``on_frame`` sees every frame before it passes, on the thread that carries it."""
        self.port = free_port()
        self._target_port = target_port
        self._on_frame = on_frame
        self._changed = threading.Condition()
        self._cut: set[tuple[int | None, Direction]] = set()
        self._delay_s = 0.0
        self._closed = False
        self._connections = 0
        self._sockets: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, name=f"proxy {self.port}", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.reset_connections()

    def cut(self, *, source: int | None = None, directions: tuple[Direction, ...] = tuple(Direction)) -> None:
        """Hold back what ``source`` (a broker's id, or anyone) says to this broker, and its answers."""
        with self._changed:
            self._cut.update((source, direction) for direction in directions)

    def heal(self) -> None:
        """Let everything through again, what was held back included."""
        with self._changed:
            self._cut.clear()
            self._changed.notify_all()

    def delay(self, seconds: float) -> None:
        """Hold each frame for this long before it passes; 0 is not at all."""
        self._delay_s = seconds

    def put_in_order(self) -> None:
        """Neither cut nor delay anything any more."""
        self.delay(0)
        self.heal()

    def reset_connections(self) -> None:
        """Close every connection that is open now."""
        with self._changed:
            doomed, self._sockets = self._sockets, set()
        for each in doomed:
            _close(each)

    def _listen(self) -> None:
        while not self._closed:
            if not self._target_accepts():
                time.sleep(_LOOK_AGAIN_S)
                continue
            with socket.create_server(("127.0.0.1", self.port)) as listener:
                listener.settimeout(_LOOK_AGAIN_S * 5)
                while not self._closed and self._accept(listener):
                    pass

    def _accept(self, listener: socket.socket) -> bool:
        """Take one connection, or none for a moment; false when nobody listens behind us any more."""
        try:
            near, _ = listener.accept()
        except TimeoutError:
            return self._target_accepts()
        try:
            far = socket.create_connection(("127.0.0.1", self._target_port), timeout=_CONNECT_TIMEOUT_S)
        except OSError:
            _close(near)
            return self._target_accepts()
        with self._changed:
            self._connections += 1
            number = self._connections
            self._sockets |= {near, far}
        far.settimeout(None)
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _Connection(self, number, near, far).start()
        return True

    def _target_accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._target_port), timeout=_CONNECT_TIMEOUT_S).close()
        except OSError:
            return False
        return True

    def hold(self, source: int | None, direction: Direction) -> None:
        """Wait until a frame from or to ``source`` may pass."""
        if self._delay_s:
            time.sleep(self._delay_s)
        keys = {(source, direction), (None, direction)}
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not keys & self._cut)

    def show(self, frame: Frame) -> None:
        if self._on_frame is not None:
            self._on_frame(frame)

    def forget(self, *sockets: socket.socket) -> None:
        """Close both ends of one connection."""
        with self._changed:
            self._sockets -= set(sockets)
        for each in sockets:
            _close(each)


class _Connection:
    """One connection through the proxy: a thread for each direction."""

    def __init__(self, proxy: Proxy, number: int, near: socket.socket, far: socket.socket) -> None:
        self._proxy = proxy
        self._number = number
        self._near = near
        self._far = far
        self._source: int | None = None

    def start(self) -> None:
        for direction, source, sink in (
            (Direction.TO_BROKER, self._near, self._far),
            (Direction.FROM_BROKER, self._far, self._near),
        ):
            arguments = (direction, source, sink)
            threading.Thread(target=self._carry, args=arguments, name=f"{direction}", daemon=True).start()

    def _carry(self, direction: Direction, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (payload := _read_frame(source)) is not None:
                if direction is Direction.TO_BROKER and self._source is None:
                    self._source = source_of(payload)
                self._proxy.hold(self._source, direction)
                self._proxy.show(Frame(time.monotonic(), self._number, direction, payload))
                sink.sendall(len(payload).to_bytes(4, "big") + payload)
        self._proxy.forget(source, sink)


def source_of(request: bytes) -> int | None:
    """The id of the broker that sent a request; ``None`` when its client id names none."""
    if len(request) < _HEADER.size:
        return None
    *_, size = _HEADER.unpack_from(request)
    found = _CLIENT_ID.fullmatch(request[_HEADER.size : _HEADER.size + max(size, 0)])
    return int(found[1]) if found else None


def _read_frame(source: socket.socket) -> bytes | None:
    """The next frame without its size; ``None`` at the end of the stream."""
    size = _read_exactly(source, 4)
    return _read_exactly(source, int.from_bytes(size, "big")) if size is not None else None


def _read_exactly(source: socket.socket, size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        chunk = source.recv(min(size - len(received), _READ_BYTES))
        if not chunk:
            return None
        received += chunk
    return bytes(received)


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
