"""Listeners on free ports of this machine: accepting, limits, idle connections, the end."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from odradek.server.connection_quotas import ConnectionLimits, ConnectionQuotas
from odradek.server.listener import CannotListen, Listener, SocketOptions
from odradek.server.server import Server, ServerSettings
from tests.server.echo import EchoDispatcher, framed


@asynccontextmanager
async def serving(
    limits: ConnectionLimits | None = None, settings: ServerSettings | None = None
) -> AsyncIterator[tuple[Server, int]]:
    """A server on 127.0.0.1 that echoes, and its port."""
    listener = await Listener.bind("PLAINTEXT", "PLAINTEXT", ("127.0.0.1", 0), SocketOptions())
    server = Server(
        [listener],
        EchoDispatcher().as_dispatcher(),
        ConnectionQuotas(limits or ConnectionLimits(), ["PLAINTEXT"], "PLAINTEXT"),
        settings or ServerSettings(),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run)
        yield server, listener.port
        nursery.cancel_scope.cancel()


async def echoed(stream: trio.abc.Stream, text: str) -> bool:
    """Whether `text` comes back; False when the connection is closed instead."""
    await stream.send_all(framed(text))
    data = b""
    while len(data) < len(framed(text)):
        try:
            piece = await stream.receive_some()
        except trio.BrokenResourceError:
            return False
        if not piece:
            return False
        data += piece
    return data == framed(text)


async def connect(port: int) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", port)


async def test_connections_are_served_side_by_side() -> None:
    async with serving() as (server, port):
        streams = [await connect(port) for _ in range(5)]
        for stream in streams:
            assert await echoed(stream, "hello")
        assert server.connection_count == 5


async def test_an_address_above_its_limit_is_turned_away() -> None:
    async with serving(ConnectionLimits(address=1)) as (_, port):
        first, second = await connect(port), await connect(port)
        assert await echoed(first, "hello")
        assert await second.receive_some() == b""
        await first.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert await echoed(await connect(port), "hello")


async def test_above_the_brokers_limit_a_connection_waits_for_its_turn() -> None:
    async with serving(ConnectionLimits(broker=1)) as (server, port):
        first, second = await connect(port), await connect(port)
        assert await echoed(first, "hello")
        assert server.connection_count == 1
        async with trio.open_nursery() as nursery:

            async def leave() -> None:
                await trio.testing.wait_all_tasks_blocked()
                await first.aclose()

            nursery.start_soon(leave)
            assert await echoed(second, "hello")


async def test_an_idle_connection_is_closed(autojump_clock: trio.testing.MockClock) -> None:
    async with serving(settings=ServerSettings(connections_max_idle_ms=60_000)) as (_, port):
        stream = await connect(port)
        assert await echoed(stream, "hello")
        began = trio.current_time()
        assert await stream.receive_some() == b""
        assert 60 < trio.current_time() - began <= 80


async def test_a_peer_that_leaves_while_its_request_waits_is_noticed() -> None:
    async with serving() as (server, port):
        polling, holding, staying = [await connect(port) for _ in range(3)]
        await polling.send_all(framed("poll a") + framed("more"))
        await holding.send_all(framed("hold a"))
        await staying.send_all(framed("poll a"))
        await trio.testing.wait_all_tasks_blocked()
        assert server.connection_count == 3
        await polling.aclose()
        await holding.aclose()
        with trio.fail_after(10):
            while server.connection_count == 3:
                await trio.testing.wait_all_tasks_blocked(0.05)
        assert server.connection_count == 2, "what changes something is carried out"


async def test_cancelling_the_server_closes_everything() -> None:
    async with serving() as (_, port):
        stream = await connect(port)
        assert await echoed(stream, "hello")
    assert await stream.receive_some() == b""
    with pytest.raises(OSError):
        await connect(port)


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"bind to 127.0.0.1:{port}: Address already in use"):
            await Listener.bind("PLAINTEXT", "PLAINTEXT", ("127.0.0.1", port), SocketOptions())


async def test_a_port_that_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(CannotListen, match=r"bind to 127\.0\.0\.1:65536: .*port must be 0-65535\.$"):
        await Listener.bind("PLAINTEXT", "PLAINTEXT", ("127.0.0.1", 65536), SocketOptions())


async def test_no_host_is_every_interface() -> None:
    listener = await Listener.bind("PLAINTEXT", "PLAINTEXT", (None, 0), SocketOptions())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect, listener.port)
        (await listener.accept()).close()
    listener.close()
