"""Requests of a controller: in order, repeated while their receiver lives, dropped when it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from odradek.peers.control_channels import ControlChannels, ControlResponse, Destination
from odradek.peers.spoken_versions import spoken_versions
from odradek.peers.transport import PeerRefused
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse
from odradek.protocol.message import Message
from tests.peers.scripted_client import ScriptedClients

RESPONSES = {
    LeaderAndIsrRequest: LeaderAndIsrResponse,
    UpdateMetadataRequest: UpdateMetadataResponse,
    StopReplicaRequest: StopReplicaResponse,
}


def answer(request: Message) -> Any:
    return RESPONSES[type(request)]()


def to(port: int, epoch: int = 1) -> Destination:
    return Destination(epoch, "broker", port)


@asynccontextmanager
async def channels(
    clients: ScriptedClients, local: dict[int, Any] | None = None, protocol: str = "3.9"
) -> AsyncIterator[ControlChannels]:
    async with trio.open_nursery() as nursery:
        running = ControlChannels(local or {}, clients.connect, spoken_versions(protocol))
        await nursery.start(running.run)
        yield running
        nursery.cancel_scope.cancel()


async def test_requests_go_in_the_versions_that_the_others_understand(autojump_clock):
    clients = ScriptedClients(answer)
    async with channels(clients, protocol="3.2") as controller:
        controller.open({1: to(9)})
        for request in (UpdateMetadataRequest(), LeaderAndIsrRequest(), StopReplicaRequest()):
            controller.send(1, request)
        await trio.testing.wait_all_tasks_blocked()
    assert [version for *_, version in clients.calls] == [7, 6, 3]


async def test_requests_go_in_order_in_the_versions_of_3_9(autojump_clock):
    clients = ScriptedClients(answer)
    answers: list[ControlResponse] = []
    async with channels(clients) as controller:
        controller.open({1: to(9)})
        for request in (UpdateMetadataRequest(), LeaderAndIsrRequest(), StopReplicaRequest()):
            controller.send(1, request, answers.append)
        await trio.testing.wait_all_tasks_blocked()
    assert [(type(request), version) for _, _, request, version in clients.calls] == [
        (UpdateMetadataRequest, 8),
        (LeaderAndIsrRequest, 7),
        (StopReplicaRequest, 4),
    ]
    assert [type(each) for each in answers] == [
        UpdateMetadataResponse,
        LeaderAndIsrResponse,
        StopReplicaResponse,
    ]


async def test_a_request_is_repeated_until_it_arrives_and_the_next_waits_for_it(autojump_clock):
    failures = [PeerRefused("gone"), PeerRefused("gone")]
    clients = ScriptedClients(lambda request: failures.pop() if failures else answer(request))
    async with channels(clients) as controller:
        controller.open({1: to(9)})
        controller.send(1, UpdateMetadataRequest())
        controller.send(1, LeaderAndIsrRequest())
        await trio.sleep(1)
    kinds = [type(request) for _, _, request, _ in clients.calls]
    assert kinds == [UpdateMetadataRequest] * 3 + [LeaderAndIsrRequest]


async def test_what_is_queued_for_a_broker_that_goes_is_dropped_with_what_is_on_its_way(autojump_clock):
    clients = ScriptedClients(answer)
    clients.holding = trio.Event()
    answers: list[ControlResponse] = []
    async with channels(clients) as controller:
        controller.open({1: to(9)})
        controller.send(1, UpdateMetadataRequest(), answers.append)
        controller.send(1, LeaderAndIsrRequest(), answers.append)
        await trio.testing.wait_all_tasks_blocked()
        controller.open({})
        await trio.testing.wait_all_tasks_blocked()
        clients.holding.set()
        controller.send(1, StopReplicaRequest(), answers.append)
        await trio.testing.wait_all_tasks_blocked()
    assert [type(request) for _, _, request, _ in clients.calls] == [UpdateMetadataRequest]
    assert answers == []
    assert clients.closed == [("broker", 9)]


async def test_a_broker_that_registered_anew_gets_nothing_that_was_meant_for_its_predecessor(autojump_clock):
    clients = ScriptedClients(lambda request: PeerRefused("gone"))
    async with channels(clients) as controller:
        controller.open({1: to(9, epoch=1)})
        controller.send(1, UpdateMetadataRequest(broker_epoch=1))
        await trio.sleep(0.05)
        clients.script = answer
        controller.open({1: to(9, epoch=2)})
        controller.send(1, UpdateMetadataRequest(broker_epoch=2))
        await trio.sleep(1)
    assert [getattr(request, "broker_epoch", None) for _, _, request, _ in clients.calls] == [1, 2]


async def test_a_broker_that_is_still_there_keeps_its_channel(autojump_clock):
    clients = ScriptedClients(answer)
    async with channels(clients) as controller:
        controller.open({1: to(9)})
        controller.open({1: to(9), 2: to(10)})
        controller.send(1, UpdateMetadataRequest())
        await trio.testing.wait_all_tasks_blocked()
        assert clients.closed == []
    assert len(clients.calls) == 1


class SlowBroker:
    """A broker in this process that takes its time."""

    def __init__(self) -> None:
        self.begun = 0
        self.done = 0

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        self.begun += 1
        await trio.sleep(1)
        self.done += 1
        return UpdateMetadataResponse()


async def test_a_call_into_this_process_is_not_broken_off(autojump_clock):
    broker = SlowBroker()
    async with channels(ScriptedClients(answer), {0: broker}) as controller:
        controller.open({0: to(9)})
        controller.send(0, UpdateMetadataRequest())
        controller.send(0, UpdateMetadataRequest())
        await trio.sleep(0.5)
        controller.open({})
        await trio.sleep(5)
    assert (broker.begun, broker.done) == (1, 1)


class BrokenBroker:
    """A broker in this process with a bug in it."""

    async def leader_and_isr(self, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse:
        raise ZeroDivisionError

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        return UpdateMetadataResponse()


async def test_a_bug_in_this_process_costs_one_request(autojump_clock):
    answers: list[ControlResponse] = []
    async with channels(ScriptedClients(answer), {0: BrokenBroker()}) as controller:
        controller.open({0: to(9)})
        controller.send(0, LeaderAndIsrRequest(), answers.append)
        controller.send(0, UpdateMetadataRequest(), answers.append)
        await trio.testing.wait_all_tasks_blocked()
    assert answers == [
        LeaderAndIsrResponse(error_code=ErrorCode.UNKNOWN_SERVER_ERROR),
        UpdateMetadataResponse(),
    ]
