"""One connection over a socket pair: order, overlap, and what ends it."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from odradek import telemetry
from odradek.api.context import Peer
from odradek.server.connection import Connection
from odradek.server.readiness import open_readiness
from odradek.server.request_memory import RequestMemory
from odradek.server.transport import PlaintextTransport
from tests.server.echo import EchoDispatcher, framed

PEER = Peer("local-remote-0", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 1)


class Client:
    """The other end, the dispatcher behind the connection, and the connection itself."""

    def __init__(self, end: socket.socket, dispatcher: EchoDispatcher, connection: Connection) -> None:
        end.setblocking(False)
        self.stream = trio.SocketStream(trio.socket.from_stdlib_socket(end))
        self.dispatcher = dispatcher
        self.connection = connection

    async def send(self, *frames: str) -> None:
        await self.stream.send_all(b"".join(map(framed, frames)))

    async def take(self, count: int) -> list[str]:
        """The next answers, as many as asked; fewer if the connection ends."""
        answers: list[str] = []
        while len(answers) < count:
            head = await self._exactly(4)
            if not head:
                break
            answers.append((await self._exactly(int.from_bytes(head, "big"))).decode())
        return answers

    async def started(self, count: int) -> list[str]:
        """The frames whose handling has begun, once they are `count`."""
        while len(self.dispatcher.started) < count:
            await trio.testing.wait_all_tasks_blocked()
        return self.dispatcher.started

    async def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = await self.stream.receive_some(size - len(data))
            if not piece:
                return b""
            data += piece
        return data


@asynccontextmanager
async def connected(
    *, memory: RequestMemory | None = None, max_frame_bytes: int = 1 << 20
) -> AsyncIterator[Client]:
    ours, theirs = socket.socketpair()
    dispatcher = EchoDispatcher()
    readiness = open_readiness()
    connection = Connection(
        PlaintextTransport(ours),
        PEER,
        dispatcher.as_dispatcher(),
        readiness,
        memory or RequestMemory(-1),
        max_frame_bytes,
    )
    with trio.fail_after(20):
        async with trio.open_nursery() as around:
            around.start_soon(readiness.run)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.run)
                client = Client(theirs, dispatcher, connection)
                async with client.stream:
                    yield client
            around.cancel_scope.cancel()


async def test_requests_are_answered_in_order() -> None:
    async with connected() as client:
        frames = [f"frame {number}" for number in range(100)]
        await client.send(*frames)
        assert await client.take(100) == frames


async def test_a_frame_may_arrive_byte_by_byte() -> None:
    async with connected() as client:
        for byte in framed("slowly"):
            await client.stream.send_all(bytes([byte]))
        assert await client.take(1) == ["slowly"]


async def test_a_large_frame_comes_back_whole() -> None:
    async with connected() as client:
        large = "x" * 1_000_000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, large, "small")
            assert await client.take(2) == [large, "small"]


@pytest.mark.parametrize(("size_bytes", "is_kept"), [(1 << 20, True), (3 << 20, False)])
async def test_only_what_is_not_too_large_is_kept_for_the_next_request(
    size_bytes: int, is_kept: bool
) -> None:
    async with connected(max_frame_bytes=4 << 20) as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, "mute" + " " * size_bytes, "small")
            assert await client.take(1) == ["small"]
        kept_bytes = len(client.connection._buffer.room())
        assert (kept_bytes >= size_bytes) is is_kept


async def test_a_request_that_waits_holds_those_behind_it() -> None:
    async with connected() as client:
        await client.send("hold a", "next")
        assert await client.started(1) == ["hold a"]
        client.dispatcher.release("a")
        assert await client.take(2) == ["hold a", "next"]


async def test_an_overlapping_request_waits_while_the_next_is_started() -> None:
    async with connected() as client:
        await client.send("wait a", "wait b", "wait c")
        assert await client.started(3) == ["wait a", "wait b", "wait c"]
        client.dispatcher.release("c")
        client.dispatcher.release("b")
        client.dispatcher.release("a")
        assert await client.take(3) == ["wait a", "wait b", "wait c"]


async def test_what_is_still_reading_its_request_is_answered_in_turn_and_holds_those_behind_it() -> None:
    async with connected() as client:
        await client.send("wait a", "turn b", "wait c")
        assert await client.started(2) == ["wait a", "turn b"]
        client.dispatcher.release("b")
        client.dispatcher.release("a")
        assert await client.take(2) == ["wait a", "turn b"]
        assert await client.started(3) == ["wait a", "turn b", "wait c"]
        client.dispatcher.release("c")
        assert await client.take(1) == ["wait c"]


async def test_other_requests_wait_for_overlapping_ones_before_them() -> None:
    async with connected() as client:
        await client.send("wait a", "mute", "next")
        await client.started(1)
        await trio.testing.wait_all_tasks_blocked()
        assert client.dispatcher.started == ["wait a"]
        client.dispatcher.release("a")
        assert await client.take(2) == ["wait a", "next"]
        assert client.dispatcher.started == ["wait a", "mute", "next"]


async def test_what_is_unanswered_is_bounded() -> None:
    async with connected(max_frame_bytes=1 << 26) as client:
        large = "wait " + "x" * (20 << 20)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, large, large, large)
            await client.started(3)
            await client.send("wait b", "wait c")
            await trio.testing.wait_all_tasks_blocked()
            assert len(client.dispatcher.started) == 3
            client.dispatcher.release("x" * (20 << 20))
            client.dispatcher.release("b")
            client.dispatcher.release("c")
            assert (await client.take(5))[3:] == ["wait b", "wait c"]


async def test_bytes_that_are_no_request_end_the_connection_after_what_came_before() -> None:
    async with connected() as client:
        await client.send("first", "wait a", "bad", "never")
        await client.started(2)
        client.dispatcher.release("a")
        assert await client.take(4) == ["first", "wait a"]
        assert client.dispatcher.started == ["first", "wait a"]


async def test_a_size_above_the_limit_ends_the_connection() -> None:
    async with connected(max_frame_bytes=100) as client:
        await client.send("first", "x" * 101)
        assert await client.take(2) == ["first"]


async def test_a_handler_can_end_the_connection() -> None:
    async with connected() as client:
        await client.send("first", "end", "never")
        assert await client.take(3) == ["first"]


async def test_a_handler_can_leave_the_connection_without_any_answer() -> None:
    async with connected() as client:
        await client.send("wait a", "hush", "never")
        await client.started(1)
        client.dispatcher.release("a")
        assert await client.take(1) == ["wait a"]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.take, 1)
            await trio.testing.wait_all_tasks_blocked()
            client.connection.close_if_abandoned()
            await trio.testing.wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 1
            assert client.dispatcher.started == ["wait a", "hush"]
            nursery.cancel_scope.cancel()
        await client.stream.aclose()
        client.connection.close_if_abandoned()


async def test_a_bug_of_ours_ends_this_connection_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[Any, ...]] = []
    monkeypatch.setattr(telemetry.loggers, "output", lambda *line: lines.append(line))
    async with connected() as client:
        await client.send("first", "bug", "never")
        assert await client.take(2) == ["first"]
    async with connected() as client:
        await client.send("wait a", "wait bug")
        await client.started(2)
        client.dispatcher.release("a")
        client.dispatcher.release("bug")
        assert await client.take(2) == ["wait a"]
    assert [type(fields["exc_info"]) for *_, fields in lines] == [ZeroDivisionError, ZeroDivisionError]


async def test_a_peer_that_leaves_abandons_what_it_asked_for() -> None:
    async with connected() as client:
        await client.send("wait a")
        await client.started(1)
    assert not client.dispatcher.events["a"].is_set()


async def test_close_ends_it_from_outside() -> None:
    async with connected() as client:
        await client.send("hold a")
        await client.started(1)
        client.connection.close()
        assert await client.take(1) == []


async def test_requests_wait_for_memory() -> None:
    ours = RequestMemory(1000)
    await ours.reserve(5000)
    async with connected(memory=ours) as client:
        await client.stream.send_all(framed("x" * 70_000)[:65_000])
        await client.stream.send_all(framed("x" * 70_000)[65_000:])
        await trio.testing.wait_all_tasks_blocked()
        assert client.dispatcher.started == []
        ours.release(5000)
        assert await client.take(1) == ["x" * 70_000]


async def test_a_peer_that_always_has_more_to_say_does_not_starve_another() -> None:
    dispatcher = EchoDispatcher()
    ends = [socket.socketpair() for _ in range(2)]
    talkative, quiet = (theirs for _, theirs in ends)
    talkative.sendall(framed("mute") * 2000)
    quiet.sendall(framed("mute quiet"))
    memory = RequestMemory(-1)
    readiness = open_readiness()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(readiness.run)
            for ours, _ in ends:
                transport = PlaintextTransport(ours)
                connection = Connection(
                    transport, PEER, dispatcher.as_dispatcher(), readiness, memory, 1 << 20
                )
                nursery.start_soon(connection.run)
            while "mute quiet" not in dispatcher.started or len(dispatcher.started) < 2001:
                await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    talkative.close()
    quiet.close()
    assert dispatcher.started.index("mute quiet") < 100
