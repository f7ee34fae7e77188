"""What goes wrong in a simulation: drawn from the seed, one thing after the other and some at once.

Nothing is broken that the promises except: pages are lost only by a broker without which each of its
partitions has another member of its ISR, and until that broker is out of those ISRs nobody else may be lost;
or by any number of brokers at once where `flush.messages=1`.
"""

from collections.abc import Awaitable, Callable
from random import Random

import trio

from odradek.coordination.store import Delete, NoNode
from odradek.metadata import paths
from odradek.metadata.znodes import LeaderAndIsr
from odradek.testing.broker_process import BrokerProcess, State
from odradek.testing.cluster import SimulatedCluster

_INTERVAL_S = 1.2
_HOUR_MS = 3_600_000

Fault = Callable[[], Awaitable[None]]


class Faults:
    """Draws faults and carries them out, each in a task of its own. Owned by the simulation's tasks."""

    def __init__(
        self, cluster: SimulatedCluster, clients: list[str], random: Random, *, flushed: bool
    ) -> None:
        self._cluster = cluster
        self._clients = clients
        self._random = random
        self._flushed = flushed
        """Whether every append is synced before it counts."""
        self._losers: set[int] = set()
        """Brokers that lost pages and may still be counted as in sync somewhere."""
        self.look: Callable[[], None] = lambda: None
        """Called after each thing that was done."""

    async def run(self) -> None:
        """Let things go wrong until cancelled; what is broken then stays so until `end`."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self._random.expovariate(1 / _INTERVAL_S))
                nursery.start_soon(self._draw())

    def _draw(self) -> Fault:
        faults: list[tuple[int, Fault]] = [
            (6, self._kill),
            (5, self._lose_power),
            (3, self._restart),
            (5, self._pause),
            (6, self._cut_brokers),
            (3, self._cut_client),
            (4, self._slow),
            (4, self._break_connections),
            (4, self._cut_store),
            (3, self._expire),
            (3, self._depose),
            (2, self._ensemble_away),
            (3, self._jump),
            (3, self._fail_disk),
        ]
        if self._flushed:
            faults.append((2, self._blackout))
        (fault,) = self._random.choices([f for _, f in faults], [weight for weight, _ in faults])
        return fault

    async def end(self) -> None:
        """Mend everything: all brokers run, all ways are open."""
        cluster = self._cluster
        cluster.trace.note("faults", "end")
        cluster.network.heal()
        if cluster.ensemble.is_away:
            cluster.ensemble.come_back()
        for broker in cluster.brokers.values():
            broker.resume()
            if broker.session is not None:
                broker.session.regain_touch("cut")
            if broker.state is State.STOPPING:
                await broker.wait_down()
            if broker.has_failed_disk:
                await broker.stop()
            if broker.state is State.DOWN:
                broker.start()
        self.look()

    # Brokers

    def _pick(self, *states: State) -> BrokerProcess | None:
        brokers = [
            broker
            for broker in self._cluster.brokers.values()
            if broker.state in states and not broker.is_paused
        ]
        return self._random.choice(brokers) if brokers else None

    def _duration_s(self, mean_s: float) -> float:
        return self._random.expovariate(1 / mean_s)

    async def _kill(self) -> None:
        broker = self._pick(State.UP, State.STARTING)
        if broker is None or self._guarded(broker):
            return
        await broker.kill()
        self.look()
        await self._start_again(broker)

    async def _lose_power(self) -> None:
        broker = self._pick(State.UP, State.STARTING)
        if broker is None or not self._may_lose(broker):
            return
        self._losers.add(broker.node_id)
        await broker.lose_power()
        self.look()
        await self._start_again(broker)

    async def _blackout(self) -> None:
        """All brokers lose power within a moment."""
        brokers = [each for each in self._cluster.brokers.values() if each.is_alive]
        for broker in brokers:
            broker.resume()
            await broker.lose_power()
        self.look()
        async with trio.open_nursery() as nursery:
            for broker in brokers:
                nursery.start_soon(self._start_again, broker)

    async def _restart(self) -> None:
        broker = self._pick(State.UP)
        if broker is None or self._guarded(broker):
            return
        await broker.stop()
        self.look()
        await self._start_again(broker)

    async def _start_again(self, broker: BrokerProcess) -> None:
        await trio.sleep(self._duration_s(4.0))
        if broker.state is State.DOWN:
            broker.start()
            self.look()

    async def _pause(self) -> None:
        broker = self._pick(State.UP)
        if broker is None or self._guarded(broker):
            return
        broker.pause()
        await trio.sleep(self._duration_s(5.0))
        broker.resume()
        await trio.lowlevel.checkpoint()
        self.look()

    async def _fail_disk(self) -> None:
        """A disk takes nothing any more; its broker is restarted with another that holds the same."""
        broker = self._pick(State.UP)
        if broker is None or self._guarded(broker):
            return
        broker.fail_disk(self._random.choice(broker.disks))
        await trio.sleep(self._duration_s(6.0))
        if broker.has_failed_disk and broker.state is State.UP and not broker.is_paused:
            await broker.stop()
            await self._start_again(broker)

    async def _jump(self) -> None:
        broker = self._pick(State.UP, State.STARTING, State.DOWN)
        if broker is not None:
            broker.clock.skew_ms += self._random.randint(-_HOUR_MS, _HOUR_MS)
            self._note(f"the clock of {broker.host} is {broker.clock.skew_ms} ms ahead")

    # Lost pages

    def _may_lose(self, broker: BrokerProcess) -> bool:
        if self._flushed:
            return True
        if self._guarded(broker) or self._cluster.ensemble.is_away:
            return False
        others = [each for each in self._cluster.brokers.values() if each is not broker]
        tree = self._cluster.ensemble.tree.nodes
        if not all(
            each.state is State.UP
            and each.is_connected
            and paths.broker_id(each.node_id) in tree
            and not each.has_failed_disk
            for each in others
        ):
            return False  # they may be about to leave their ISRs to the one that loses its pages
        return all(isr != (broker.node_id,) for isr in self._isrs())

    def _guarded(self, broker: BrokerProcess) -> bool:
        """Whether some other broker lost pages and is still in an ISR, which others have to keep up."""
        if self._flushed:
            return False
        in_sync = {member for isr in self._isrs() for member in isr}
        self._losers = {
            each
            for each in self._losers
            if each in in_sync and self._cluster.brokers[each].state is not State.UP
        }
        return bool(self._losers)

    def _isrs(self) -> list[tuple[int, ...]]:
        nodes = self._cluster.ensemble.tree.nodes
        return [
            LeaderAndIsr.decode(node.data).isr
            for path, node in nodes.items()
            if path.endswith("/state") and "/partitions/" in path
        ]

    # Ways

    async def _cut_brokers(self) -> None:
        """One way between two brokers, both ways, or one broker from all others."""
        random = self._random
        hosts = [broker.host for broker in self._cluster.brokers.values()]
        one, *others = random.sample(hosts, len(hosts))
        if not others:
            return
        match random.randrange(4):
            case 0:
                ways = [(one, others[0])]
            case 1:
                ways = [(one, others[0]), (others[0], one)]
            case 2:
                ways = [(one, other) for other in others]
            case _:
                ways = [way for other in others for way in ((one, other), (other, one))]
        await self._cut(ways)

    async def _cut_client(self) -> None:
        random = self._random
        client = random.choice(self._clients)
        host = random.choice(list(self._cluster.brokers.values())).host
        ways = [(client, host), (host, client)]
        await self._cut(ways if random.random() < 0.5 else [random.choice(ways)])

    async def _cut(self, ways: list[tuple[str, str]]) -> None:
        network = self._cluster.network
        self._note("cut: " + ", ".join(f"{source}->{target}" for source, target in ways))
        for way in ways:
            network.block(*way)
        await trio.sleep(self._duration_s(5.0))
        for way in ways:
            network.unblock(*way)
        self._note("open: " + ", ".join(f"{source}->{target}" for source, target in ways))
        self.look()

    async def _slow(self) -> None:
        network, random = self._cluster.network, self._random
        hosts = [broker.host for broker in self._cluster.brokers.values()]
        source, target = random.choice([*hosts, *self._clients]), random.choice(hosts)
        seconds = random.choice([0.05, 0.5, 3.0])
        self._note(f"slow: {source}->{target} by {seconds} s")
        network.delay(source, target, seconds)
        await trio.sleep(self._duration_s(5.0))
        network.delay(source, target, 0)

    async def _break_connections(self) -> None:
        hosts = [broker.host for broker in self._cluster.brokers.values()]
        source, target = self._random.choice([*hosts, *self._clients]), self._random.choice(hosts)
        count = self._cluster.network.break_connections(source, target)
        self._note(f"reset: {count} connections between {source} and {target}")

    # The store

    async def _cut_store(self) -> None:
        broker = self._pick(State.UP, State.STARTING)
        if broker is None or broker.session is None or self._guarded(broker):
            return
        session = broker.session
        self._note(f"{broker.host} loses touch with the ensemble")
        session.lose_touch("cut")
        await trio.sleep(self._duration_s(4.0))
        session.regain_touch("cut")
        self._note(f"{broker.host} is in touch with the ensemble")

    async def _expire(self) -> None:
        broker = self._pick(State.UP)
        if broker is None or broker.session is None or self._guarded(broker):
            return
        broker.session.expire()

    async def _depose(self) -> None:
        """The controller's node goes, and whoever is first becomes the next."""
        ensemble = self._cluster.ensemble
        self._note("the controller is deposed")
        try:
            ensemble.administer(Delete(paths.CONTROLLER))
        except NoNode:
            return

    async def _ensemble_away(self) -> None:
        ensemble = self._cluster.ensemble
        if ensemble.is_away or self._losers:
            return
        self._note("the ensemble is away")
        ensemble.go_away()
        await trio.sleep(self._duration_s(4.0))
        if ensemble.is_away:
            ensemble.come_back()
            self._note("the ensemble is back")

    def _note(self, text: str) -> None:
        self._cluster.trace.note("faults", text)
