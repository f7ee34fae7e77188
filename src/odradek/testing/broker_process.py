"""BrokerProcess: one broker of a simulated cluster, from its start to its end, and its next start.

What survives an end is the disk; how it ends decides what is on it. A broker that stopped in order leaves
what it wants to, one that was killed leaves everything that it wrote, one that lost power what had been
synced and any part of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import trio

from odradek.broker.broker import RunningBroker, run_broker
from odradek.config.broker_config import BrokerConfig
from odradek.testing.ensemble_session import Session
from odradek.testing.host import Host
from odradek.testing.process import Process
from odradek.testing.skewed_clock import SkewedClock

if TYPE_CHECKING:
    from odradek.testing.cluster import SimulatedCluster

PORT = 9092

_STOP_S = 120


class State(Enum):
    """Of a broker's process; one that is paused is in whatever state it was."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"


class _Ghost(NamedTuple):
    """A process that was killed: its tasks, which never run again, and what they hold."""

    process: Process
    scope: trio.CancelScope
    session: Session | None
    running: RunningBroker | None


class BrokerProcess:
    """A broker's place in the cluster: node id, host, disk and clock. Owned by the simulation's tasks."""

    def __init__(
        self, cluster: SimulatedCluster, node_id: int, properties: Mapping[str, str], *, disks: int
    ) -> None:
        self.node_id = node_id
        self.host = f"broker-{node_id}"
        self.clock = SkewedClock()
        self.directory: Path = cluster.directory / self.host
        self.disks = tuple(self.directory / f"disk-{number}" for number in range(1, disks + 1))
        self.state = State.DOWN
        self.running: RunningBroker | None = None
        """What runs, once it serves."""
        self.session: Session | None = None
        self.failure: BaseException | None = None
        """What ended the broker, when nobody had it stopped: a bug."""
        self._cluster = cluster
        self._properties = dict(properties)
        self._process = Process(self.host)
        self._scope = trio.CancelScope()
        self._changed = trio.Event()
        self._ghosts: list[_Ghost] = []

    @property
    def is_alive(self) -> bool:
        """Whether there is a process, paused or not."""
        return self.state is not State.DOWN

    @property
    def is_paused(self) -> bool:
        return self.is_alive and self._process.is_frozen

    @property
    def is_connected(self) -> bool:
        """Whether it runs and its session with the ensemble is at no risk."""
        return self.session is not None and self.session.is_in_touch

    @property
    def has_failed_disk(self) -> bool:
        return any(map(self._cluster.machine.page_cache.has_failed, self.disks))

    # Life

    def start(self) -> None:
        """Begin a process of the broker, on disks that work; `running` is set once it serves."""
        assert self.state is State.DOWN
        self.state = State.STARTING
        self._note("starts")
        self._cluster.network.start_host(self.host)
        self._process = Process(self.host)
        self._scope = trio.CancelScope()
        for disk in self.disks:
            self._cluster.machine.page_cache.mend(disk)
            # Of a process that was killed; the kernel let go of the lock with it, which here lives on.
            (disk / ".lock").unlink(missing_ok=True)
        self._process.start_soon(self._cluster.nursery, self._live, self._process, self._scope)

    async def _live(self, process: Process, scope: trio.CancelScope) -> None:
        host = Host(self._cluster.network, self.host)
        session = self.session = self._cluster.ensemble.session(self.host)
        run = partial(run_broker, self._config(), store=session, network=host, clock=self.clock)
        failure: BaseException | None = None
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    running: RunningBroker = await nursery.start(run)
                    if process is self._process:
                        self.running, self.state = running, State.UP
                        self._tell()
                        self._note("serves")
        except Exception as error:  # noqa: BLE001 - a broker that fails is what simulations are for
            failure = error
        with trio.CancelScope(shield=True):  # bounded: closing waits for nobody
            await session.close()
        if process is not self._process or process.is_frozen or self.state is State.DOWN:
            return
        session.kill()
        host.close()
        self.state, self.running = State.DOWN, None
        self._tell()
        if failure is not None:
            self.failure = failure
            self._note(f"fails: {failure!r}")

    def _config(self) -> BrokerConfig:
        listeners = f"PLAINTEXT://{self.host}:{PORT}"
        return BrokerConfig(
            {
                "broker.id": str(self.node_id),
                "log.dirs": ",".join(map(str, self.disks)),
                "listeners": listeners,
                "zookeeper.session.timeout.ms": str(self._cluster.ensemble.session_timeout_ms),
                **self._properties,
            }
        )

    async def wait_up(self) -> None:
        """Until the broker serves, in this start or a later one."""
        while self.state is not State.UP:
            await self._changed.wait()

    async def wait_down(self) -> None:
        """Until there is no process, or not the one that there was."""
        process = self._process
        while self.is_alive and self._process is process:
            await self._changed.wait()

    async def stop(self) -> None:
        """Stop in order, as on SIGTERM; returns when the process is gone."""
        if not self.is_alive:
            return
        self._note("is asked to stop")
        self.state, self.running = State.STOPPING, None
        self._scope.cancel()
        with trio.move_on_after(_STOP_S):
            await self.wait_down()
        self._note("is down" if not self.is_alive else "does not stop")

    async def kill(self) -> None:
        """End as by SIGKILL: connections end, files stay as they are."""
        if self.is_alive:
            self._note("is killed")
            await self._end(silently=False)

    async def lose_power(self) -> None:
        """End without a word, and with whatever was not synced at stake."""
        if not self.is_alive:
            return
        self._note("loses power")
        await self._end(silently=True)
        cache = self._cluster.machine.page_cache
        for loss in cache.lose_power(self.directory, self._cluster.machine.random):
            self._note(f"lost pages of {loss}")

    async def _end(self, *, silently: bool) -> None:
        self._process.freeze()
        if self.session is not None:
            self.session.kill()
        self._cluster.network.stop_host(self.host, silently=silently)
        self._ghosts.append(_Ghost(self._process, self._scope, self.session, self.running))
        self.state, self.running, self.session = State.DOWN, None, None
        self._tell()
        # The rest of this round of trio's loop may still run a task of the process.
        await trio.lowlevel.checkpoint()

    def fail_disk(self, disk: Path) -> None:
        """Nothing can be written to one of its disks, until it is started anew."""
        self._note(f"cannot write to {disk.name}")
        self._cluster.machine.page_cache.fail(disk)

    def pause(self) -> None:
        """Stop running, as by SIGSTOP."""
        self._note("pauses")
        self._process.freeze()
        if self.session is not None:
            self.session.pause()

    def resume(self) -> None:
        """Go on, as by SIGCONT."""
        if self.is_paused:
            self._note("goes on")
            if self.session is not None:
                self.session.resume()
            self._process.thaw()

    def bury(self) -> None:
        """Let the tasks of killed processes end, once nobody is left to notice."""
        for ghost in self._ghosts:
            if ghost.running is not None:
                for directory in ghost.running.services.logs.log_directories:
                    directory.fail(OSError("the process is gone"), "killed")
            if ghost.session is not None:
                ghost.session.silence()
            ghost.scope.cancel()
            ghost.process.thaw()
        self._ghosts.clear()

    def _tell(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    def _note(self, text: str) -> None:
        self._cluster.trace.note(self.host, text)
