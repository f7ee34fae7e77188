"""Which connections have something to receive, and a turn for each that has.

A turn is the work that needs no waiting: it receives, handles what can be answered at once, and tells what is
left to be awaited. Turns are taken by one task for all connections, because to wake a connection's own task
for each request costs half as much as the request: trio arms the descriptor, switches to the task and back.
Only a connection whose turn ended in something to await gets its own task woken, for that.

Linux's epoll is itself a descriptor that becomes readable, so that trio waits for all connections as for one.
Where there is none, each connection's task waits for its own and takes the turns itself.

Peers that ask again at once are looked out for, for some microseconds, before trio is asked to wait: for its
round and the processor's sleep they would wait half as long again as for the answer. With one connection and
one request in flight a round trip is 79 µs instead of 118, with 16 connections there are 23,400 a second
instead of 18,900, and each takes a sixth less of the processor, because all of it stays awake and in cache.
"""

from __future__ import annotations

import select
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import trio

_TURNS = 16
"""Of one round: answers are sent at its end, and a peer must not wait long for the first of them. All at once
they also find a peer awake that was woken by the first, which is the dearer part of sending nearby."""

_TURNS_IN_A_ROW = 32
"""Before trio's other tasks are looked after, even if there always is something to receive."""

_LOOKS = 160
"""How often to look whether there is more to receive before trio is asked to wait for it: some 40 µs."""

_BRISK_S = 0.0001
"""Who asks again within this time after an answer is likely to do so once more."""

_MOST_PASSES = 63
"""Of brisk waits, between two attempts to shorten them, when such attempts fail."""

Step = Coroutine[Any, Any, None]
"""What a turn left to be awaited by the connection's own task."""


class Served(Protocol):
    """A connection, as far as taking its turns needs it."""

    has_received: bool
    """Whether its latest turn found anything to receive."""

    def fileno(self) -> int:
        """Its socket."""

    def serve_nowait(self) -> Step | None:
        """Take a turn; None when there is nothing to do before more is received. May raise anything."""

    def flush_nowait(self) -> Step | None:
        """Send what the turn answered; None when all is sent. Raises OSError."""


class Readiness(Protocol):
    """Waits for many connections. Owned by the server, whose tasks `run` it and `wait`."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take the turns of those that wait, until cancelled."""

    async def wait(self, connection: Served) -> Step:
        """Take turns whenever there is something to receive, until one leaves something to await.

        Raises what a turn raises.
        """

    def forget(self, connection: Served) -> None:
        """It is about to be closed; nobody waits for it any more."""


@dataclass(slots=True, eq=False, repr=False)
class _Waiting:
    """A task that waits for its connection, and what it is to find when it is woken."""

    connection: Served
    task: trio.lowlevel.Task
    step: Step | None = None
    error: Exception | None = None


class Patience:
    """Whether to look out for more: the longer in vain, the less often."""

    __slots__ = ("_passed", "_passes")

    def __init__(self) -> None:
        self._passes = 0
        self._passed = 0

    def is_left(self) -> bool:
        """Asked each time that it could be worth it."""
        self._passed += 1
        return self._passed > self._passes

    def learn(self, *, found: bool) -> None:
        """Whether somebody came while it was looked out."""
        self._passed = 0
        self._passes = 0 if found else min(2 * self._passes + 1, _MOST_PASSES)


class EpollReadiness:
    """One epoll for all connections. A socket stays in it until it has something to say and nobody waits."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._waiting: dict[int, _Waiting] = {}
        self._patience = Patience()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with self._epoll:
            task_status.started()
            while True:
                began_s = trio.current_time()
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                is_brisk = trio.current_time() - began_s < _BRISK_S
                self._take_turns(self._epoll.poll(0, _TURNS))
                if is_brisk and self._patience.is_left():
                    # Those that trio woke together with this task have their turn first.
                    await trio.lowlevel.checkpoint()
                    self._look_out()

    async def wait(self, connection: Served) -> Step:
        descriptor = connection.fileno()
        if descriptor not in self._watched:
            self._epoll.register(descriptor, select.EPOLLIN)
            self._watched.add(descriptor)
        waiting = self._waiting[descriptor] = _Waiting(connection, trio.lowlevel.current_task())

        def stop_waiting(_: object) -> trio.lowlevel.Abort:
            del self._waiting[descriptor]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(stop_waiting)
        if waiting.error is not None:
            raise waiting.error
        assert waiting.step is not None, "only woken for one or the other"
        return waiting.step

    def forget(self, connection: Served) -> None:
        self._unwatch(connection.fileno())

    def _unwatch(self, descriptor: int) -> None:
        if descriptor in self._watched:
            self._watched.remove(descriptor)
            if not self._epoll.closed:
                self._epoll.unregister(descriptor)

    def _look_out(self) -> None:
        """Take the turns of those that soon have something to receive, unless others have something to do."""
        turns = 0
        while turns < _TURNS_IN_A_ROW and not trio.lowlevel.current_statistics().tasks_runnable:
            ready = self._ready_soon()
            self._patience.learn(found=bool(ready))
            if not ready:
                return
            self._take_turns(ready)
            turns += len(ready)

    def _ready_soon(self) -> list[tuple[int, int]]:
        for _ in range(_LOOKS):
            ready = self._epoll.poll(0, _TURNS)
            if ready:
                return ready
        return []

    def _take_turns(self, ready: list[tuple[int, int]]) -> None:
        """Measured path: a round of turns, then all that they answered."""
        taken = []
        for descriptor, _ in ready:
            waiting = self._waiting.get(descriptor)
            if waiting is None:
                # Its task is busy, and receives by itself before it waits again.
                self._unwatch(descriptor)
                continue
            taken.append((descriptor, waiting))
            try:
                waiting.step = waiting.connection.serve_nowait()
            except Exception as error:  # noqa: BLE001 - raised in the connection's own task
                waiting.error = error
        for descriptor, waiting in taken:
            if waiting.step is None and waiting.error is None:
                try:
                    waiting.step = waiting.connection.flush_nowait()
                except OSError as error:
                    waiting.error = error
            if waiting.step is not None or waiting.error is not None:
                self._wake(descriptor, waiting)

    def _wake(self, descriptor: int, waiting: _Waiting) -> None:
        if self._waiting.get(descriptor) is waiting:
            del self._waiting[descriptor]
            trio.lowlevel.reschedule(waiting.task)
        elif waiting.step is not None:
            waiting.step.close()  # it was cancelled meanwhile, by what another turn did


class EachItsOwn:
    """Each connection's task waits for its own socket, by whatever trio has for that."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        await trio.sleep_forever()

    async def wait(self, connection: Served) -> Step:
        while True:
            await trio.lowlevel.wait_readable(connection.fileno())
            for _ in range(_TURNS):
                step = connection.serve_nowait() or connection.flush_nowait()
                if step is not None:
                    return step
                if not connection.has_received:
                    break

    def forget(self, connection: Served) -> None:
        pass


def open_readiness() -> Readiness:
    """The better one that this system has."""
    return EpollReadiness() if hasattr(select, "epoll") else EachItsOwn()
