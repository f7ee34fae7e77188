"""BrokerClient: one request at a time, connections made when needed and given up when in doubt."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from odradek.peers.broker_client import BrokerClient, ClientSettings
from odradek.peers.transport import PeerRefused, PeerReset, PeerTimeout
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.heartbeat_response import HeartbeatResponse
from tests.peers.scripted_peer import ScriptedPeer

REQUEST = HeartbeatRequest(group_id="g", member_id="m")


async def _answer_at_once(header, request):
    return HeartbeatResponse(error_code=header.correlation_id)


def _client(peer, **settings):
    return BrokerClient(peer, "b", 9092, client_id="broker-1-fetcher-0", settings=ClientSettings(**settings))


async def test_calls_share_a_connection_and_count_up(autojump_clock):
    peer = ScriptedPeer(_answer_at_once)
    client = _client(peer)
    answers = [(await client.call(REQUEST, version)).error_code for version in (0, 3, 4)]
    assert answers == [0, 1, 2]
    assert peer.connections == 1
    assert [(header.api_version, header.client_id) for header in peer.headers] == [
        (0, "broker-1-fetcher-0"),
        (3, "broker-1-fetcher-0"),
        (4, "broker-1-fetcher-0"),
    ]


async def test_one_request_is_in_flight(autojump_clock):
    busy = 0

    async def answer_slowly(header, request):
        nonlocal busy
        busy += 1
        assert busy == 1
        await trio.sleep(1)
        busy -= 1
        return HeartbeatResponse()

    client = _client(ScriptedPeer(answer_slowly))
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(client.call, REQUEST, 4)
    assert trio.current_time() == pytest.approx(3, abs=0.1)


async def test_silence_is_a_timeout_and_costs_the_connection(autojump_clock):
    async def never(header, request):
        await trio.sleep_forever()

    peer = ScriptedPeer(never)
    client = _client(peer, request_timeout_ms=500)
    with pytest.raises(PeerTimeout):
        await client.call(REQUEST, 4)
    assert trio.current_time() == pytest.approx(0.5, abs=0.1)
    assert peer.closed == 1
    peer.answer = _answer_at_once
    assert (await client.call(REQUEST, 4)).error_code == 1
    assert peer.connections == 2


async def test_a_cancelled_call_leaves_no_answer_for_the_next(autojump_clock):
    async def slow(header, request):
        await trio.sleep(10)
        return HeartbeatResponse(error_code=7)

    peer = ScriptedPeer(slow)
    client = _client(peer)
    with trio.move_on_after(1):
        await client.call(REQUEST, 4)
    assert peer.closed == 1
    assert not client.is_connected


async def test_failures_pass_through(autojump_clock):
    async def reset(header, request):
        raise PeerReset("cut")

    peer = ScriptedPeer(reset)
    client = _client(peer)
    with pytest.raises(PeerReset):
        await client.call(REQUEST, 4)
    peer.is_gone = True
    with pytest.raises(PeerRefused):
        await client.call(REQUEST, 4)


async def test_attempts_to_connect_keep_their_distance(autojump_clock):
    peer = ScriptedPeer(_answer_at_once)
    peer.is_gone = True
    client = _client(peer, reconnect_backoff_ms=50)
    for _ in range(3):
        with pytest.raises(PeerRefused):
            await client.call(REQUEST, 4)
    assert trio.current_time() == pytest.approx(0.1, abs=0.02)


async def test_the_receive_buffer_is_as_large_as_it_was_configured(autojump_clock):
    peer = ScriptedPeer(_answer_at_once)
    await _client(peer, receive_buffer_bytes=65536).call(REQUEST, 4)
    assert peer.receive_buffer_bytes == 65536


async def test_an_answer_to_another_request_is_not_taken(autojump_clock):
    class Confused(ScriptedPeer):
        async def connect(self, host, port, **options):
            channel = await super().connect(host, port, **options)
            object.__setattr__(channel, "receive", partial(_renumbered, channel.receive))
            return channel

    async def _renumbered(receive):
        return memoryview(b"\x00\x00\x00\x63" + bytes((await receive())[4:]))

    peer = Confused(_answer_at_once)
    client = BrokerClient(peer, "b", 9092, client_id="1")
    with pytest.raises(PeerReset):
        await client.call(REQUEST, 4)
    assert peer.closed == 1
