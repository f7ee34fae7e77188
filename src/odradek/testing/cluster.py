"""SimulatedCluster: brokers, the network between them, their ensemble and their disks, in one trio run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from odradek.testing.broker_process import BrokerProcess
from odradek.testing.ensemble import Ensemble
from odradek.testing.machine import Machine
from odradek.testing.network import Network
from odradek.testing.trace import Trace

SESSION_TIMEOUT_MS = 6_000
"""Short of Kafka's 18 s: what waits for it is simulated three times as often."""


class SimulatedCluster:
    """Brokers 1 to N, none of them started. Owned by the simulation's tasks; made by `simulated_cluster`."""

    def __init__(
        self,
        machine: Machine,
        directory: Path,
        nursery: trio.Nursery,
        trace: Trace,
        *,
        session_timeout_ms: int,
    ) -> None:
        self.machine = machine
        self.directory = directory
        self.nursery = nursery
        self.trace = trace
        self.network = Network(machine.timeline, machine.random, trace)
        self.ensemble = Ensemble(
            machine.timeline,
            f"ensemble {machine.random.random()}",
            trace,
            session_timeout_ms=session_timeout_ms,
        )
        self.brokers: dict[int, BrokerProcess] = {}

    def add_broker(self, node_id: int, properties: Mapping[str, str], *, disks: int = 1) -> BrokerProcess:
        """One more broker, down until it is started; each of its disks is a log directory."""
        broker = self.brokers[node_id] = BrokerProcess(self, node_id, properties, disks=disks)
        return broker

    def bury(self) -> None:
        """Let everything that was killed end."""
        for broker in self.brokers.values():
            broker.bury()


@asynccontextmanager
async def simulated_cluster(
    machine: Machine,
    directory: Path,
    trace: Trace,
    *,
    session_timeout_ms: int = SESSION_TIMEOUT_MS,
) -> AsyncIterator[SimulatedCluster]:
    """A cluster for the time of the block, whose disks are below `directory`."""
    async with trio.open_nursery() as nursery:
        cluster = SimulatedCluster(machine, directory, nursery, trace, session_timeout_ms=session_timeout_ms)
        try:
            yield cluster
        finally:
            cluster.bury()
            nursery.cancel_scope.cancel()
