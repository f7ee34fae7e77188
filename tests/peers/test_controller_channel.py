"""Asking the controller: found in the metadata, followed when it moves."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from odradek.metadata.cache import MetadataCache
from odradek.peers.controller_channel import ControllerChannel
from odradek.peers.transport import PeerReset
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_request import AlterPartitionRequest
from odradek.protocol.generated.alter_partition_response import AlterPartitionResponse
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataRequest,
)
from tests.peers.scripted_client import ScriptedClients

REQUEST = AlterPartitionRequest(broker_id=3, broker_epoch=7)


def metadata(controller_id: int, into: MetadataCache | None = None) -> MetadataCache:
    """What a broker knows when this one is the controller; broker N listens on port 9000 + N."""
    cache = into or MetadataCache()
    brokers = [
        UpdateMetadataBroker(
            id=node_id,
            endpoints=[
                UpdateMetadataEndpoint(
                    host="h", port=9000 + node_id, listener="INTERNAL", security_protocol=0
                ),
                UpdateMetadataEndpoint(host="h", port=80, listener="EXTERNAL", security_protocol=0),
            ],
        )
        for node_id in (1, 2)
    ]
    cache.apply(UpdateMetadataRequest(controller_id=controller_id, live_brokers=brokers))
    return cache


async def test_the_controller_is_asked_where_brokers_listen_for_each_other(autojump_clock):
    clients = ScriptedClients(lambda request: AlterPartitionResponse())
    channel = ControllerChannel(metadata(2), "INTERNAL", clients.connect)
    assert await channel.call(REQUEST, 3) == AlterPartitionResponse()
    assert clients.calls == [("h", 9002, REQUEST, 3)]


@pytest.mark.parametrize(
    "lost", [PeerReset("cut"), AlterPartitionResponse(error_code=ErrorCode.NOT_CONTROLLER)]
)
async def test_another_controller_is_asked_as_soon_as_it_is_known(autojump_clock, lost):
    cache = metadata(1)
    clients = ScriptedClients(lambda request: lost)
    channel = ControllerChannel(cache, "INTERNAL", clients.connect)
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await channel.call(REQUEST, 3))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.sleep(0.05)
        clients.script = lambda request: AlterPartitionResponse(error_code=ErrorCode.STALE_BROKER_EPOCH)
        metadata(2, into=cache)
    assert [port for _, port, _, _ in clients.calls] == [9001, 9002]
    assert trio.current_time() < 0.1
    assert answers[0].error_code == ErrorCode.STALE_BROKER_EPOCH
    assert clients.closed == [("h", 9001)]


async def test_who_is_not_controller_any_more_is_not_waited_for(autojump_clock):
    """A process that is paused answers nothing for as long as a request may take, and somebody else leads."""
    cache = metadata(1)
    clients = ScriptedClients(lambda request: AlterPartitionResponse())
    clients.holding = trio.Event()
    channel = ControllerChannel(cache, "INTERNAL", clients.connect)
    with trio.fail_after(5):
        await _paused_and_replaced(cache, clients, channel)
    assert [port for _, port, _, _ in clients.calls] == [9001, 9002]
    assert trio.current_time() < 2.05


async def _paused_and_replaced(
    cache: MetadataCache, clients: ScriptedClients, channel: ControllerChannel
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(channel.call, REQUEST, 3)
        await trio.sleep(1)
        metadata(1, into=cache)
        await trio.sleep(1)
        assert [port for _, port, _, _ in clients.calls] == [9001]
        clients.holding = None
        metadata(2, into=cache)


async def test_without_a_known_controller_it_waits_for_one(autojump_clock):
    cache = MetadataCache()
    clients = ScriptedClients(lambda request: AlterPartitionResponse())
    channel = ControllerChannel(cache, "INTERNAL", clients.connect)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(channel.call, REQUEST, 3)
        await trio.sleep(3)
        assert clients.calls == []
        metadata(1, into=cache)
    assert len(clients.calls) == 1


async def test_a_controller_that_does_not_answer_is_asked_again(autojump_clock):
    failures = [PeerReset("cut")] * 3
    clients = ScriptedClients(lambda request: failures.pop() if failures else AlterPartitionResponse())
    channel = ControllerChannel(metadata(1), "INTERNAL", clients.connect)
    await channel.call(REQUEST, 3)
    assert len(clients.calls) == 4
