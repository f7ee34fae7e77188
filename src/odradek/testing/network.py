"""Network: connections between the hosts of a simulation, which delay, stall and break.

A connection is two streams of packets. A packet arrives after a delay of its own but never before an earlier
one of its stream; those of other connections may overtake it. A way that is blocked, in one direction or
both, loses nothing that was sent: as over TCP it arrives once the way is open again, unless the connection
has been reset meanwhile. Whoever connects to a host whose process is gone is refused; a host without power
says nothing at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

import trio

from odradek.peers.transport import USE_SYSTEM_DEFAULT, Channel, PeerRefused
from odradek.testing.link_end import FrameChannel, LinkEnd
from odradek.testing.timeline import Timeline
from odradek.testing.trace import Trace

Accept = Callable[[LinkEnd, str], None]
"""Takes the listener's end of a new connection and the name of the host that made it."""

_QUICK_S = (0.0002, 0.003)
_SLOW_S = 0.25
_SLOW_ONE_IN = 64
"""Most packets take little time, some much more: those others overtake."""

_RETRY_S = 1.0
"""After which TCP tries again to connect."""


class Network:
    """All hosts, by name, and the ways between them. Owned by the simulation's tasks."""

    def __init__(self, timeline: Timeline, random: Random, trace: Trace) -> None:
        self.timeline = timeline
        self.trace = trace
        self._random = random
        self._listeners: dict[tuple[str, int], Accept] = {}
        self._silent: set[str] = set()
        self._blocked: set[tuple[str, str]] = set()
        self._delay_s: dict[tuple[str, str], float] = {}
        self._links: dict[Link, None] = {}

    # Hosts

    def listen(self, host: str, port: int, accept: Accept) -> None:
        """Have connections to a port accepted."""
        self._listeners[host, port] = accept
        self._silent.discard(host)

    def stop_host(self, host: str, *, silently: bool) -> None:
        """The host's process is gone: it listens no more, and its connections end.

        `silently`: without power nobody is told; what was connected waits until the host is there again.
        """
        for address in [address for address in self._listeners if address[0] == host]:
            del self._listeners[address]
        for link in [link for link in self._links if host in link.hosts]:
            link.lose(host, silently=silently)
        if silently:
            self._silent.add(host)

    def start_host(self, host: str) -> None:
        """The host has power again, and resets connections of which it knows nothing."""
        self._silent.discard(host)
        for link in [link for link in self._links if host in link.hosts]:
            link.reset()

    def transport(self, host: str) -> HostTransport:
        """What a program on that host makes connections with."""
        return HostTransport(self, host)

    # Faults

    def block(self, source: str, target: str) -> None:
        """Nothing arrives on the way from one host to the other."""
        self._blocked.add((source, target))

    def unblock(self, source: str, target: str) -> None:
        """The way is open again; what was sent meanwhile arrives."""
        self._blocked.discard((source, target))
        for link in list(self._links):
            link.flush(source, target)

    def heal(self) -> None:
        """All ways are open and quick."""
        self._delay_s.clear()
        for source, target in sorted(self._blocked):
            self.unblock(source, target)

    def delay(self, source: str, target: str, seconds: float) -> None:
        """Packets on this way take up to so much longer."""
        self._delay_s[source, target] = seconds

    def break_connections(self, host: str, other: str) -> int:
        """Reset every connection between two hosts; how many there were."""
        links = [link for link in self._links if {host, other} == set(link.hosts)]
        for link in links:
            link.reset()
        return len(links)

    def is_blocked(self, source: str, target: str) -> bool:
        return (source, target) in self._blocked or source in self._silent or target in self._silent

    # Connections

    def packet_delay_s(self, source: str, target: str) -> float:
        """How long the next packet on this way takes."""
        random = self._random
        delay = random.uniform(*_QUICK_S) + self._delay_s.get((source, target), 0.0) * random.random()
        if random.randrange(_SLOW_ONE_IN) == 0:
            delay += random.random() * _SLOW_S
        return delay

    async def connect(self, source: str, target: str, port: int) -> LinkEnd:
        """The near end of a new connection; waits while the way is blocked. Raises PeerRefused."""
        answered = trio.Event()
        ends: list[LinkEnd] = []

        def arrive() -> None:
            if answered.is_set():
                return
            if self.is_blocked(source, target) or self.is_blocked(target, source):
                self.timeline.after(_RETRY_S, arrive)
                return
            accept = self._listeners.get((target, port))
            if accept is not None:
                link = Link(self, source, target)
                self._links[link] = None
                accept(link.far, source)
                ends.append(link.near)
            self.timeline.after(self.packet_delay_s(target, source), answered.set)

        self.timeline.after(self.packet_delay_s(source, target), arrive)
        try:
            await answered.wait()
        except trio.Cancelled:
            answered.set()
            for end in ends:
                end.close()
            raise
        if not ends:
            raise PeerRefused(f"connection to {target}:{port} refused")
        return ends[0]

    def forget(self, link: Link) -> None:
        """Nobody uses the connection any more."""
        self._links.pop(link, None)


class Link:
    """One connection: the near end is that of the host which made it."""

    def __init__(self, network: Network, source: str, target: str) -> None:
        self.hosts = (source, target)
        self.near, self.far = LinkEnd(), LinkEnd()
        self._network = network
        there = _Stream(network, source, target, self.far)
        back = _Stream(network, target, source, self.near)
        self._streams = {source: there, target: back}
        self._open_ends = 2
        self.near.attach(there.send, lambda: self._hang_up(there))
        self.far.attach(back.send, lambda: self._hang_up(back))

    def _hang_up(self, stream: _Stream) -> None:
        stream.send(None)
        self._open_ends -= 1
        if not self._open_ends:
            self._network.forget(self)

    def lose(self, host: str, *, silently: bool) -> None:
        """The process at one end is gone."""
        gone, stream = (self.near if host == self.hosts[0] else self.far), self._streams[host]
        gone.reset()
        if silently:
            stream.drop()
        else:
            stream.send(_RESET)

    def reset(self) -> None:
        """Both ends learn at once that the connection is lost."""
        for stream in self._streams.values():
            stream.drop()
        self.near.reset()
        self.far.reset()
        self._network.forget(self)

    def flush(self, source: str, target: str) -> None:
        """The way from one host to the other is open again."""
        stream = self._streams[source] if (source, target) in (self.hosts, self.hosts[::-1]) else None
        if stream is not None:
            stream.arrive()


class _Reset:
    """In a stream: the sender's process is gone."""


_RESET = _Reset()


class _Stream:
    """One direction of a connection: packets on their way, in order."""

    def __init__(self, network: Network, source: str, target: str, receiver: LinkEnd) -> None:
        self._network = network
        self._source, self._target = source, target
        self._receiver = receiver
        self._packets: deque[tuple[float, bytes | _Reset | None]] = deque()
        self._last_s = 0.0

    def send(self, packet: bytes | _Reset | None) -> None:
        """None: the sender has closed its end."""
        network = self._network
        now = trio.current_time()
        self._last_s = max(self._last_s, now + network.packet_delay_s(self._source, self._target))
        self._packets.append((self._last_s, packet))
        network.timeline.at(self._last_s, self.arrive)

    def drop(self) -> None:
        """Whatever is on its way is lost."""
        self._packets.clear()

    def arrive(self) -> None:
        """Deliver what is due, if the way is open."""
        if not self._packets or self._network.is_blocked(self._source, self._target):
            return
        now = trio.current_time()
        while self._packets and self._packets[0][0] <= now:
            packet = self._packets.popleft()[1]
            if packet is None:
                self._receiver.deliver_end()
            elif isinstance(packet, _Reset):
                self._receiver.reset()
            else:
                self._network.trace.mix(packet)
                self._receiver.deliver(packet)


class HostTransport:
    """A `peers.transport.Transport` for programs on one host."""

    def __init__(self, network: Network, host: str) -> None:
        self._network = network
        self._host = host

    async def connect(
        self, host: str, port: int, *, receive_buffer_bytes: int = USE_SYSTEM_DEFAULT
    ) -> Channel:
        """Raises PeerRefused. Links have no buffers to size."""
        return FrameChannel(await self._network.connect(self._host, host, port))
