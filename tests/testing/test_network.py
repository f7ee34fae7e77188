"""Connections keep their order, wait where the way is blocked, and tell who is gone from who is silent."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import pytest
import trio

from odradek.peers.transport import Channel, PeerRefused, PeerReset
from odradek.testing.link_end import AcceptedEnd, LinkEnd
from odradek.testing.network import Network
from odradek.testing.timeline import Timeline
from odradek.testing.trace import Trace

T = TypeVar("T")

PORT = 9092


class World:
    """A network with a server that collects what its callers send."""

    def __init__(self, timeline: Timeline) -> None:
        self.network = Network(timeline, Random(1), Trace())
        self.accepted: list[AcceptedEnd] = []
        self.network.listen("server", PORT, self._accept)

    def _accept(self, end: LinkEnd, _: str) -> None:
        self.accepted.append(AcceptedEnd(end))

    async def connect(self) -> Channel:
        return await self.network.transport("client").connect("server", PORT)


def run(main: Callable[[World], Awaitable[T]]) -> T:
    timeline = Timeline()

    async def start() -> T:
        return await main(World(timeline))

    return trio.run(start, clock=timeline)


def received(end: AcceptedEnd) -> bytes:
    room = memoryview(bytearray(1000))
    count = end.receive_nowait(room)
    return bytes(room[: max(count, 0)])


def framed(text: str) -> bytes:
    return len(text).to_bytes(4, "big") + text.encode()


def test_bytes_arrive_in_order_and_answers_come_back() -> None:
    async def main(world: World) -> tuple[bytes, bytes]:
        channel = await world.connect()
        for number in range(200):
            await channel.send([str(number % 10).encode()])
        await trio.sleep(5)
        (server,) = world.accepted
        arrived = received(server)
        await server.send(framed("answer"))
        return arrived, bytes(await channel.receive())

    assert run(main) == (b"0123456789" * 20, b"answer")


def test_one_connection_overtakes_another() -> None:
    async def main(world: World) -> bool:
        first, second = await world.connect(), await world.connect()
        for _ in range(100):
            await first.send([b"1"])
            await second.send([b"2"])
            await trio.sleep(1)
            one, two = map(received, world.accepted)
            assert len(one) == len(two) == 1
            await first.send([b"1"])
            await second.send([b"2"])
            one_end, two_end = world.accepted
            await two_end.wait_readable()
            overtook = not received(one_end)
            await trio.sleep(1)
            received(one_end), received(two_end)
            if overtook:
                return True
        return False

    assert run(main)


def test_a_blocked_way_holds_back_what_is_sent_until_it_is_open() -> None:
    async def main(world: World) -> tuple[bytes, bytes, bytes]:
        channel = await world.connect()
        (server,) = world.accepted
        world.network.block("client", "server")
        await channel.send([b"late"])
        await server.send(framed("other way"))
        answer = bytes(await channel.receive())
        await trio.sleep(60)
        before = received(server)
        world.network.unblock("client", "server")
        await trio.sleep(1)
        return answer, before, received(server)

    assert run(main) == (b"other way", b"", b"late")


def test_nobody_is_connected_over_a_blocked_way_before_it_opens() -> None:
    async def main(world: World) -> tuple[bool, int]:
        world.network.block("server", "client")
        with trio.move_on_after(30) as waiting:
            await world.connect()
        world.network.unblock("server", "client")
        await world.connect()
        return waiting.cancelled_caught, len(world.accepted)

    assert run(main) == (True, 1)


def test_a_killed_process_resets_its_connections_and_refuses_new_ones() -> None:
    async def main(world: World) -> None:
        channel = await world.connect()
        world.network.stop_host("server", silently=False)
        with pytest.raises(PeerReset):
            await channel.receive()
        with pytest.raises(PeerRefused):
            await world.connect()

    run(main)


def test_a_host_without_power_says_nothing_until_it_is_back() -> None:
    async def main(world: World) -> tuple[bool, bool]:
        channel = await world.connect()
        world.network.stop_host("server", silently=True)
        with trio.move_on_after(30) as receiving:
            await channel.receive()
        with trio.move_on_after(30) as connecting:
            await world.connect()
        world.network.start_host("server")
        with pytest.raises(PeerReset):
            await channel.receive()
        with pytest.raises(PeerRefused):
            await world.connect()
        return receiving.cancelled_caught, connecting.cancelled_caught

    assert run(main) == (True, True)


def test_broken_connections_are_reset_at_both_ends() -> None:
    async def main(world: World) -> int:
        channel = await world.connect()
        broken = world.network.break_connections("server", "client")
        with pytest.raises(PeerReset):
            await channel.send([b"x"])
        with pytest.raises(ConnectionResetError):
            received(world.accepted[0])
        return broken

    assert run(main) == 1
