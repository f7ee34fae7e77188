"""TcpTransport: frames whole in both directions, and what each failure is called."""

from __future__ import annotations

import socket

import pytest
import trio

from odradek.peers.transport import PeerRefused, PeerReset, TcpTransport


async def _listen(nursery, handler):
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handler, listeners)
    return listeners[0].socket.getsockname()[1]


async def test_frames_cross_in_both_directions():
    async def upper(stream):
        received = b""
        while len(received) < 12:
            received += await stream.receive_some()
        for byte in (len(received) - 4).to_bytes(4, "big") + received[4:].upper():
            await stream.send_all(bytes([byte]))

    async with trio.open_nursery() as nursery:
        port = await _listen(nursery, upper)
        channel = await TcpTransport().connect("127.0.0.1", port, receive_buffer_bytes=65536)
        await channel.send([b"\x00\x00\x00\x08", bytearray(b"abcd"), b"", memoryview(b"efgh")])
        assert bytes(await channel.receive()) == b"ABCDEFGH"
        await channel.aclose()
        nursery.cancel_scope.cancel()


async def test_a_frame_larger_than_the_sockets_buffers():
    size = 8 << 20

    async def swallow(stream):
        received = 0
        while received < size + 4:
            received += len(await stream.receive_some())
        await stream.send_all(b"\x00\x00\x00\x04" + received.to_bytes(4, "big"))

    async with trio.open_nursery() as nursery:
        port = await _listen(nursery, swallow)
        channel = await TcpTransport().connect("127.0.0.1", port)
        await channel.send([size.to_bytes(4, "big"), bytes(size)])
        assert int.from_bytes(await channel.receive(), "big") == size + 4
        nursery.cancel_scope.cancel()


async def test_nobody_listening_is_a_refusal():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(PeerRefused):
            await TcpTransport().connect("127.0.0.1", port)


async def test_a_connection_closed_by_the_peer_is_reset():
    async def hang_up(stream):
        await stream.receive_some()
        await stream.send_all(b"\x00\x00\x00\x08half")

    async with trio.open_nursery() as nursery:
        port = await _listen(nursery, hang_up)
        channel = await TcpTransport().connect("127.0.0.1", port)
        await channel.send([b"x"])
        with pytest.raises(PeerReset):
            await channel.receive()
        await channel.aclose()
        with pytest.raises(PeerReset):
            await channel.send([b"x"])
        nursery.cancel_scope.cancel()


async def test_a_size_that_no_response_has_is_not_believed():
    async def other_protocol(stream):
        await stream.send_all(b"\xff\xff\xff\xff")
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        port = await _listen(nursery, other_protocol)
        channel = await TcpTransport().connect("127.0.0.1", port)
        with pytest.raises(PeerReset):
            await channel.receive()
        nursery.cancel_scope.cancel()
