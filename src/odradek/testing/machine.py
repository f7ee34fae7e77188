"""Machine: what the operating system gives to a process, made a function of a seed.

Entropy, threads, fsync and the order in which trio runs its tasks. These are replaced for the whole process
while a simulation runs, rather than handed in: the libraries below us take them from the system too, and
whatever took them unseen would make two runs of one seed differ.

Threads' work is done by the task that waits for it, after the time that a disk takes: were it done in a
thread, the clock would jump while it works.
"""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

import trio
import trio._core._io_epoll
import trio._core._run

from odradek import telemetry
from odradek.testing.page_cache import PageCache
from odradek.testing.timeline import Timeline

T = TypeVar("T")

Output = Callable[[telemetry.Level, str, str, Mapping[str, Any]], None]

_DISK_S = 0.004
"""How long a thread's work may take."""


class StandsStill(Exception):
    """Every task waits for another."""


class Machine:
    """The machine that all brokers of a simulation run on, though each has a clock and a disk of its own."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        """For whatever decides in the simulation itself."""
        self.timeline = Timeline()
        self.page_cache = PageCache()
        self.log_output: Output = _drop
        """Where brokers' log lines go: nowhere, for there are many brokers and seeds."""
        self._entropy = Random(f"entropy {seed}")
        self._disk = Random(f"disk {seed}")
        self._scheduling = f"scheduling {seed}"

    def run(self, main: Callable[[], Awaitable[T]]) -> T:
        """Run `main` under trio, once. Raises StandsStill."""

        async def watched() -> T:
            with trio.CancelScope() as scope:
                self.timeline.on_standstill = scope.cancel
                return await main()
            raise StandsStill

        with self._in_charge():
            return trio.run(watched, clock=self.timeline)

    @contextmanager
    def _in_charge(self) -> Iterator[None]:
        state = random.getstate()
        random.seed(self._entropy.random())
        trio._core._run._r.seed(self._scheduling)
        with ExitStack() as stack:
            stack.callback(random.setstate, state)
            if gc.isenabled():
                # When weak sets lose what is in cycles would depend on what the process did before.
                gc.disable()
                stack.callback(gc.enable)
            stack.callback(self.page_cache.close)
            for target, name, replacement in (
                (os, "urandom", self._entropy.randbytes),
                (random, "_urandom", self._entropy.randbytes),
                (os, "fsync", self.page_cache.sync),
                (os, "pwrite", self.page_cache.pwrite),
                (trio.to_thread, "run_sync", self._run_inline),
                (telemetry.loggers, "output", self.log_output),
                # Tasks are sorted before they are shuffled: sets of them have no order of their own.
                (trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
                (trio._core._io_epoll.EpollIOManager, "get_events", _events),
            ):
                stack.enter_context(patch.object(target, name, replacement))
            yield

    async def _run_inline(self, work: Callable[..., T], *args: object, **_: object) -> T:
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):  # bounded: it waits for the disk
            await trio.sleep(self._disk.random() * _DISK_S)
        return work(*args)


_asked_of_epoll = trio._core._io_epoll.EpollIOManager.get_events


def _events(manager: trio._core._io_epoll.EpollIOManager, timeout_s: float) -> Any:
    """Nothing comes from outside: the system is asked only when everything stands still."""
    return _asked_of_epoll(manager, timeout_s) if timeout_s else ()


def _drop(*_: object) -> None:
    """A line that nobody reads."""
