"""How requests reach a broker, and how it reaches others: sockets, or a simulation of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol

import trio

from odradek.api.dispatch import Dispatcher
from odradek.broker.identity import CannotStart
from odradek.broker.settings import server_settings, socket_options
from odradek.config.broker_config import BrokerConfig
from odradek.peers.transport import TcpTransport, Transport
from odradek.server.connection_quotas import ConnectionQuotas
from odradek.server.listener import Listener
from odradek.server.server import Server


class Door(Protocol):
    """Where a broker listens: bound before the broker is ready, served once it is."""

    @property
    def name(self) -> str:
        """The listener's name."""

    @property
    def port(self) -> int:
        """The port that was bound, where the config leaves it open."""


class Serving(Protocol):
    """What lets requests in through a broker's doors."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then the doors are closed."""


class Network(Protocol):
    """The network of one broker."""

    @property
    def transport(self) -> Transport:
        """The way to other brokers."""

    async def bind(self, config: BrokerConfig) -> Sequence[Door]:
        """Take the addresses of all listeners, or none. Raises CannotListen, CannotStart."""

    def serving(self, dispatcher: Dispatcher, quotas: ConnectionQuotas, config: BrokerConfig) -> Serving:
        """Have a dispatcher answer what comes in through the doors that were bound."""


class SocketNetwork:
    """TCP."""

    def __init__(self) -> None:
        self.transport: Transport = TcpTransport()
        self._bound: tuple[Listener, ...] = ()

    async def bind(self, config: BrokerConfig) -> Sequence[Door]:
        """Listen everywhere, or nowhere."""
        options = socket_options(config)
        with ExitStack() as unless_all_are_bound:
            bound: list[Listener] = []
            for each in config.listeners:
                if each.security_protocol != "PLAINTEXT":
                    raise CannotStart(
                        f"Listener {each} is {each.security_protocol}; Odradek has only PLAINTEXT yet."
                    )
                address = each.host, each.port
                listener = await Listener.bind(each.name, each.security_protocol, address, options)
                unless_all_are_bound.callback(listener.close)
                bound.append(listener)
            unless_all_are_bound.pop_all()
        self._bound = tuple(bound)
        return self._bound

    def serving(self, dispatcher: Dispatcher, quotas: ConnectionQuotas, config: BrokerConfig) -> Serving:
        return Server(self._bound, dispatcher, quotas, server_settings(config))
