"""Turns are taken for those that wait and have something to receive, in each way of waiting."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from odradek.server.readiness import EachItsOwn, EpollReadiness, Patience, Readiness, Step

Make = Callable[[], Readiness]


all_ways = pytest.mark.parametrize("make", [EpollReadiness, EachItsOwn])


class Reader:
    """Receives a byte a turn: `s` leaves a step, `r` raises, `f` leaves the step when flushed."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self.before_turn: Callable[[], object] = bool
        self.turns = ""
        self.has_received = False
        self.steps = 0

    def fileno(self) -> int:
        return self._end.fileno()

    def serve_nowait(self) -> Step | None:
        self.before_turn()
        self.has_received = False
        try:
            byte = self._end.recv(1).decode()
        except BlockingIOError:
            return None
        self.has_received = True
        self.turns += byte
        if byte == "r":
            raise ConnectionResetError
        return self._step() if byte == "s" else None

    def flush_nowait(self) -> Step | None:
        return self._step() if self.turns[-1] == "f" else None

    async def _step(self) -> None:
        await trio.lowlevel.checkpoint()
        self.steps += 1


@asynccontextmanager
async def reading(make: Make) -> AsyncIterator[tuple[Readiness, Reader, socket.socket]]:
    ours, theirs = socket.socketpair()
    readiness = make()
    with trio.fail_after(20), ours, theirs:
        async with trio.open_nursery() as nursery:
            await nursery.start(readiness.run)
            yield readiness, Reader(ours), theirs
            nursery.cancel_scope.cancel()


@all_ways
@pytest.mark.parametrize("last", ["s", "f"])
async def test_turns_are_taken_until_one_leaves_a_step(make: Make, last: str) -> None:
    async with reading(make) as (readiness, reader, peer):
        peer.sendall(f"abc{last}d".encode())
        step = await readiness.wait(reader)
        assert (reader.turns, reader.steps) == (f"abc{last}", 0)
        await step
        assert reader.steps == 1


@all_ways
async def test_what_a_turn_raises_is_raised_where_it_is_waited_for(make: Make) -> None:
    async with reading(make) as (readiness, reader, peer):
        peer.sendall(b"ar")
        with pytest.raises(ConnectionResetError):
            await (await readiness.wait(reader))


@all_ways
async def test_what_comes_while_nobody_waits_is_there_for_the_next_that_does(make: Make) -> None:
    async with reading(make) as (readiness, reader, peer):
        peer.sendall(b"s")
        await (await readiness.wait(reader))
        peer.sendall(b"s")
        await trio.testing.wait_all_tasks_blocked()
        assert reader.turns == "s"
        await (await readiness.wait(reader))
        assert reader.turns == "ss"


@all_ways
async def test_one_that_stopped_waiting_gets_no_turn(make: Make) -> None:
    async with reading(make) as (readiness, reader, peer):
        with trio.move_on_after(0):
            await (await readiness.wait(reader))
        readiness.forget(reader)
        peer.sendall(b"s")
        await trio.testing.wait_all_tasks_blocked()
        assert reader.turns == ""


async def test_one_that_is_cancelled_by_the_turn_of_another_loses_its_step() -> None:
    async with reading(EpollReadiness) as (readiness, reader, peer), trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def wait() -> None:
            with scope:
                await (await readiness.wait(reader))

        reader.before_turn = scope.cancel
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        peer.sendall(b"s")
        await trio.testing.wait_all_tasks_blocked()
        assert scope.cancelled_caught
        assert reader.steps == 0


class Waits(trio.abc.Instrument):
    """Counts how often trio waits for descriptors."""

    def __init__(self) -> None:
        self.count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += 1


async def test_who_asks_again_at_once_is_not_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(EpollReadiness) as (readiness, reader, peer):
        asked = iter("bcdeghis")
        waits = Waits()
        trio.lowlevel.add_instrument(waits)
        reader.before_turn = lambda: peer.sendall(next(asked, "x").encode())
        peer.sendall(b"a")
        await (await readiness.wait(reader))
        assert reader.turns == "abcdeghis"
        assert waits.count < 5


async def test_others_come_first_when_they_have_something_to_do(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading(EpollReadiness) as (readiness, reader, peer), trio.open_nursery() as nursery:
        woken = trio.Event()
        seen: list[str] = []

        async def other() -> None:
            await woken.wait()
            seen.append(reader.turns)

        nursery.start_soon(other)
        await trio.testing.wait_all_tasks_blocked()
        reader.before_turn = lambda: woken.set() if reader.turns == "a" else None
        peer.sendall(b"abcdeghs")
        await (await readiness.wait(reader))
        assert reader.turns == "abcdeghs"
        assert seen[0] in ("ab", "abc")


def test_patience_is_lost_by_looking_in_vain_and_comes_back() -> None:
    patience = Patience()

    def passes() -> int:
        return next(number for number in range(100) if patience.is_left())

    lost = []
    for _ in range(8):
        lost.append(passes())
        patience.learn(found=False)
    assert lost == [0, 1, 3, 7, 15, 31, 63, 63]
    patience.learn(found=True)
    assert passes() == 0
