"""How many connections there may be: of the broker, of each listener, of each address.

As Kafka's `ConnectionQuotas`: where the broker or a listener is full, the next connection waits to be
served; where an address has its share, the connection is closed at once. The listener that brokers use
among themselves does not count against the broker's limit, unless it is the only one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import trio

from odradek.errors import OdradekError

UNLIMITED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What is configured; every limit is inclusive. Addresses are written as `/127.0.0.1`."""

    broker: int = UNLIMITED
    """max.connections"""
    listeners: Mapping[str, int] = field(default_factory=dict)
    """listener.name.<name>.max.connections, by the listener's name"""
    address: int = UNLIMITED
    """max.connections.per.ip"""
    addresses: Mapping[str, int] = field(default_factory=dict)
    """max.connections.per.ip.overrides"""


class TooManyConnections(OdradekError):
    """An address has as many connections as it may."""

    def __init__(self, address: str, limit: int) -> None:
        super().__init__(address, limit)
        self.address = address
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"Rejected connection from {self.address}, address already has the configured maximum of "
            f"{self.limit} connections."
        )


class ConnectionQuotas:
    """The connections of one broker, counted. Owned by the broker's task."""

    def __init__(
        self, limits: ConnectionLimits, listeners: Iterable[str], inter_broker_listener: str
    ) -> None:
        self._limits = limits
        self._by_listener = Counter[str]()
        self._by_address = Counter[str]()
        self._listeners = frozenset(listeners)
        self._inter_broker_listener = inter_broker_listener
        self._freed = trio.lowlevel.ParkingLot()

    @property
    def count(self) -> int:
        """Connections of the whole broker."""
        return self._by_listener.total()

    def change(self, limits: ConnectionLimits) -> None:
        """Follow changed configuration. Connections that are open stay, except those `exceeded` speaks of."""
        self._limits = limits
        self._freed.unpark_all()

    async def wait_slot(self, listener: str) -> None:
        """Until the broker and the listener have room for one more."""
        while not self._has_slot(listener):
            await self._freed.park()

    def add(self, listener: str, address: str) -> None:
        """Count a new connection. Raises TooManyConnections, counting nothing, when its address is full."""
        limit = self._limits.addresses.get(address, self._limits.address)
        if self._by_address[address] >= limit:
            raise TooManyConnections(address, limit)
        self._by_listener[listener] += 1
        self._by_address[address] += 1

    def remove(self, listener: str, address: str) -> None:
        """A counted connection is gone."""
        self._by_listener[listener] -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._freed.unpark_all()

    def exceeded(self, listener: str) -> bool:
        """Whether this listener has to close a connection, because the others' take the broker's limit."""
        return self.count > self._limits.broker and not self._protected(listener)

    def _has_slot(self, listener: str) -> bool:
        if self._by_listener[listener] >= self._limits.listeners.get(listener, UNLIMITED):
            return False
        return self._protected(listener) or self.count < self._limits.broker

    def _protected(self, listener: str) -> bool:
        return listener == self._inter_broker_listener and len(self._listeners) > 1
