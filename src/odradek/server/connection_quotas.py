"""How many connections there may be, and how many a second: of the broker, of each listener, of each address.

As Kafka's `ConnectionQuotas`: where the broker or a listener is full, the next connection waits to be
served, and so it does where too many came of late; where an address has its share, the connection is closed
at once. The listener that brokers use among themselves does not count against the broker's limits, unless it
is the only one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field

import trio

from odradek.errors import OdradekError
from odradek.server.connection_rate import ConnectionRate, RateWindows
from odradek.value_object import value_object

UNLIMITED = 2**31 - 1

_DEFAULT_WINDOWS = RateWindows()


@value_object
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
    broker_rate: int = UNLIMITED
    """max.connection.creation.rate, per second"""
    listener_rates: Mapping[str, int] = field(default_factory=dict)
    """listener.name.<name>.max.connection.creation.rate, by the listener's name"""


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
        self,
        limits: ConnectionLimits,
        listeners: Iterable[str],
        inter_broker_listener: str,
        windows: RateWindows = _DEFAULT_WINDOWS,
    ) -> None:
        self._limits = limits
        self._by_listener = Counter[str]()
        self._by_address = Counter[str]()
        self._listeners = frozenset(listeners)
        self._rate = ConnectionRate(windows)
        self._rates = {listener: ConnectionRate(windows) for listener in self._listeners}
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
        """Until a connection that came now may be served: not too soon after others, and there is room."""
        throttled_s = self._record(listener, trio.current_time())
        if throttled_s > 0:
            await trio.sleep(throttled_s)
        while not self._has_slot(listener):
            await self._freed.park()

    def _record(self, listener: str, now: float) -> float:
        """Counts a connection that came now; for how long it has to wait because of those before it."""
        rate = self._rates[listener]
        rate.record(now)
        throttled_s = rate.wait_s(self._limits.listener_rates.get(listener, UNLIMITED), now)
        if self._protected(listener):
            return throttled_s
        self._rate.record(now)
        return max(throttled_s, self._rate.wait_s(self._limits.broker_rate, now))

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
