"""The listeners of one broker and the connections they have accepted."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address, ip_address
from itertools import count

import trio

from odradek.api.context import Peer
from odradek.api.dispatch import Dispatcher
from odradek.server.connection import Connection
from odradek.server.connection_quotas import ConnectionQuotas, TooManyConnections
from odradek.server.listener import AcceptFailed, Listener
from odradek.server.readiness import open_readiness
from odradek.server.request_memory import RequestMemory
from odradek.server.transport import PlaintextTransport
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_log = get_logger(__name__)

_HOUSEKEEPING_S = 10
_DEPARTURES_S = 1
_RETRY_ACCEPT_S = 0.1
_ACCEPTS_BETWEEN_CHECKPOINTS = 16


@value_object
class ServerSettings:
    """socket.request.max.bytes, queued.max.request.bytes and connections.max.idle.ms (-1: no bound)."""

    request_max_bytes: int = 100 * 1024 * 1024
    queued_max_request_bytes: int = -1
    connections_max_idle_ms: int = 600_000


class Server:
    """Accepts connections and serves them. Owned by the task that runs `run`."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        dispatcher: Dispatcher,
        quotas: ConnectionQuotas,
        settings: ServerSettings,
    ) -> None:
        self._listeners = tuple(listeners)
        self._dispatcher = dispatcher
        self._quotas = quotas
        self._settings = settings
        self._memory = RequestMemory(settings.queued_max_request_bytes)
        self._readiness = open_readiness()
        self._connections: set[Connection] = set()
        self._indexes = count()

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Accept and serve until cancelled; then listeners and connections are closed."""
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._readiness.run)
                for listener in self._listeners:
                    nursery.start_soon(self._accept_from, listener, nursery)
                nursery.start_soon(self._keep_house)
                nursery.start_soon(self._notice_departures)
                task_status.started()
        finally:
            for listener in self._listeners:
                listener.close()

    async def _accept_from(self, listener: Listener, nursery: trio.Nursery) -> None:
        for number in count(1):
            if number % _ACCEPTS_BETWEEN_CHECKPOINTS == 0:
                await trio.lowlevel.checkpoint()
            try:
                accepted = await listener.accept()
            except AcceptFailed as error:
                _log.error("Error while accepting connection", listener=listener.name, reason=str(error))
                await trio.sleep(_RETRY_ACCEPT_S)
                continue
            with ExitStack() as unless_served:
                unless_served.callback(accepted.close)
                try:
                    peer = self._peer(accepted, listener)
                    await self._quotas.wait_slot(listener.name)
                    self._quotas.add(listener.name, peer.client_host)
                except TooManyConnections as refused:
                    _log.info(str(refused), listener=listener.name)
                    continue
                except OSError:
                    continue  # its other end did not wait
                unless_served.pop_all()
            nursery.start_soon(self._serve, accepted, peer)

    def _peer(self, accepted: socket.socket, listener: Listener) -> Peer:
        """Who is at the other end. Raises OSError if nobody is any more."""
        host, port = accepted.getpeername()[:2]
        local_host, local_port = accepted.getsockname()[:2]
        host, local_host = _as_java_writes(host), _as_java_writes(local_host)
        return Peer(
            connection_id=f"{local_host}:{local_port}-{host}:{port}-{next(self._indexes)}",
            listener_name=listener.name,
            security_protocol=listener.security_protocol,
            client_host=f"/{host}",
            client_port=port,
        )

    async def _serve(self, accepted: socket.socket, peer: Peer) -> None:
        connection = Connection(
            PlaintextTransport(accepted),
            peer,
            self._dispatcher,
            self._readiness,
            self._memory,
            self._settings.request_max_bytes,
        )
        self._connections.add(connection)
        try:
            if self._quotas.exceeded(peer.listener_name):
                self._close_longest_idle(peer.listener_name)
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._quotas.remove(peer.listener_name, peer.client_host)

    async def _keep_house(self) -> None:
        """Close connections that said nothing for too long; take memory back from those that say little."""
        idle_s = self._settings.connections_max_idle_ms / 1000
        interval_s = min(_HOUSEKEEPING_S, idle_s / 4) if idle_s > 0 else _HOUSEKEEPING_S
        while True:
            await trio.sleep(interval_s)
            now = trio.current_time()
            for connection in tuple(self._connections):
                quiet_s = now - connection.active_at
                if 0 < idle_s < quiet_s:
                    _log.debug("Closing an idle connection", connection=connection.peer.connection_id)
                    connection.close()
                elif quiet_s >= _HOUSEKEEPING_S:
                    connection.shrink()

    async def _notice_departures(self) -> None:
        """A connection whose request waits does not look at its socket: looking at each costs more."""
        while True:
            await trio.sleep(_DEPARTURES_S)
            for connection in tuple(self._connections):
                connection.close_if_abandoned()

    def _close_longest_idle(self, listener: str) -> None:
        candidates = [each for each in self._connections if each.peer.listener_name == listener]
        min(candidates, key=lambda each: each.active_at).close()


def _as_java_writes(host: str) -> str:
    """An address as `InetAddress.getHostAddress` gives it: IPv6 unabridged, an IPv4 one as such."""
    address = ip_address(host)
    if isinstance(address, IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return ":".join(format(int(group, 16), "x") for group in address.exploded.split(":"))
