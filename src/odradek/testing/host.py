"""Host: a machine of a simulated network, on which one broker's process listens and connects."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import trio

from odradek.api.context import Peer
from odradek.api.dispatch import Dispatcher
from odradek.config.broker_config import BrokerConfig
from odradek.peers.transport import Transport
from odradek.server.connection import Connection
from odradek.server.connection_quotas import ConnectionQuotas
from odradek.server.readiness import Served, Step
from odradek.server.request_memory import RequestMemory
from odradek.testing.link_end import AcceptedEnd, LinkEnd
from odradek.testing.network import Network

_MAX_FRAME_BYTES = 100 * 1024 * 1024


class SimulatedDoor(NamedTuple):
    """A listener; connections are taken from the moment it is bound, and served later."""

    name: str
    security_protocol: str
    port: int


class _Caller(NamedTuple):
    end: LinkEnd
    host: str
    door: SimulatedDoor


class Host:
    """A `broker.network.Network` of one broker's process, made anew with each start of it."""

    def __init__(self, network: Network, name: str) -> None:
        self.name = name
        self.transport: Transport = network.transport(name)
        self._network = network
        self._callers: deque[_Caller] = deque()
        self._called = trio.Event()

    async def bind(self, config: BrokerConfig) -> Sequence[SimulatedDoor]:
        """Listen on the configured ports, which must not be left open."""
        doors = [SimulatedDoor(each.name, each.security_protocol, each.port) for each in config.listeners]
        for door in doors:
            self._listen(door)
        return doors

    def _listen(self, door: SimulatedDoor) -> None:
        def accept(end: LinkEnd, host: str) -> None:
            self._callers.append(_Caller(end, host, door))
            self._called.set()

        self._network.listen(self.name, door.port, accept)

    def serving(self, dispatcher: Dispatcher, _: ConnectionQuotas, __: BrokerConfig) -> HostServing:
        return HostServing(self, dispatcher)

    async def next_caller(self) -> _Caller:
        """The next connection that somebody made."""
        while not self._callers:
            self._called = trio.Event()
            await self._called.wait()
        return self._callers.popleft()

    def close(self) -> None:
        """Listen no more."""
        self._network.stop_host(self.name, silently=False)


class HostServing:
    """Serves what connects to a host, each connection by the server's own `Connection`."""

    def __init__(self, host: Host, dispatcher: Dispatcher) -> None:
        self._host = host
        self._dispatcher = dispatcher
        self._memory = RequestMemory(-1)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then nobody listens any more."""
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()
                for number in count(1):
                    caller = await self._host.next_caller()
                    nursery.start_soon(self._connection(caller, number).run)
        finally:
            self._host.close()

    def _connection(self, caller: _Caller, number: int) -> Connection:
        door = caller.door
        peer = Peer(
            connection_id=f"{self._host.name}:{door.port}-{caller.host}:{number}-{number}",
            listener_name=door.name,
            security_protocol=door.security_protocol,
            client_host=f"/{caller.host}",
            client_port=number,
        )
        return Connection(
            AcceptedEnd(caller.end),
            peer,
            self._dispatcher,
            EndReadiness(caller.end),
            self._memory,
            _MAX_FRAME_BYTES,
        )


class EndReadiness:
    """A `server.readiness.Readiness` of one connection, whose own task takes the turns."""

    def __init__(self, end: LinkEnd) -> None:
        self._end = end

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()

    async def wait(self, connection: Served) -> Step:
        while True:
            await self._end.wait_readable()
            step = connection.serve_nowait() or connection.flush_nowait()
            if step is not None:
                return step

    def forget(self, connection: Served) -> None:
        """Nobody else waits for it."""
