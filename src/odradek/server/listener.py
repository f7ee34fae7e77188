"""A listening socket: bound before the broker is ready, accepting once it is."""

from __future__ import annotations

import errno
import socket

import trio

from odradek.errors import OdradekError
from odradek.value_object import value_object

USE_SYSTEM_DEFAULT = -1
"""As a socket buffer size: leave it to the operating system."""

_MIN_BACKLOG = 1024
"""Kafka has a thread that does nothing but accept; here the queue must last while a request is handled."""

_THE_PEERS_FAULT = (errno.ECONNABORTED, errno.EPROTO)
"""It left before it was accepted."""


class CannotListen(OdradekError):
    """An address that cannot be listened on; says which and why."""


class AcceptFailed(OdradekError):
    """No connection could be accepted now, mostly because there are no file descriptors left."""


@value_object
class SocketOptions:
    """socket.{send,receive}.buffer.bytes (-1: the system's) and socket.listen.backlog.size."""

    send_buffer_bytes: int = USE_SYSTEM_DEFAULT
    receive_buffer_bytes: int = USE_SYSTEM_DEFAULT
    backlog: int = 50


class Listener:
    """One bound address. Owned by the task that accepts from it."""

    def __init__(self, name: str, security_protocol: str, listening: socket.socket, options: SocketOptions):
        self.name = name
        self.security_protocol = security_protocol
        self.port: int = listening.getsockname()[1]
        self._socket = listening
        self._options = options

    @classmethod
    async def bind(
        cls, name: str, security_protocol: str, address: tuple[str | None, int], options: SocketOptions
    ) -> Listener:
        """Listen on (host, port): None is every interface, port 0 a free port. Raises CannotListen."""
        host, port = address
        listening: socket.socket | None = None
        try:
            family, resolved = await _resolve(host, port)
            listening = socket.socket(family, socket.SOCK_STREAM)
            listening.setblocking(False)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6 and host is None:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            if options.receive_buffer_bytes != USE_SYSTEM_DEFAULT:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.receive_buffer_bytes)
            listening.bind(resolved)
            listening.listen(max(options.backlog, _MIN_BACKLOG))
        except (OSError, OverflowError) as error:  # the latter: a port above 65535
            if listening is not None:
                listening.close()
            where = f"{host or '0.0.0.0'}:{port}"
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CannotListen(f"Socket server failed to bind to {where}: {reason.rstrip('.')}.") from None
        return cls(name, security_protocol, listening, options)

    async def accept(self) -> socket.socket:
        """The next connection, non-blocking and without Nagle's delay. Raises AcceptFailed.

        Checkpoints only if there is none yet: whoever calls it in a loop checkpoints by itself.
        """
        while True:
            try:
                accepted, _ = self._socket.accept()
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
                continue
            except OSError as error:
                if error.errno in _THE_PEERS_FAULT:
                    continue
                raise AcceptFailed(str(error)) from error
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._options.send_buffer_bytes != USE_SYSTEM_DEFAULT:
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._options.send_buffer_bytes)
            return accepted

    def close(self) -> None:
        """Stop listening; connections that were not accepted are reset."""
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()


async def _resolve(host: str | None, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Where to bind, as Java decides it: every interface of both families, or a name's first IPv4 address."""
    if host is None:
        if socket.has_dualstack_ipv6():
            return socket.AF_INET6, ("::", port)
        return socket.AF_INET, ("0.0.0.0", port)
    # As bytes where it can be: for text Python loads the tables of international names, a millisecond's work.
    name = host.encode() if host.isascii() else host
    found = await trio.socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, (str(address[0]), port)
