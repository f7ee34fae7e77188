"""The controller's channels to brokers: to each one its requests, in order and one at a time.

A broker in this process is a `ControlledBroker`, handed to the constructor; channels to others come with
the cluster. A request for a broker that has no channel is dropped, as for one that died: when it comes
back, it is told everything.
Source: kafka.controller.ControllerChannelManager, RequestSendThread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import trio

from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse

ControlRequest = LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest
ControlResponse = LeaderAndIsrResponse | UpdateMetadataResponse | StopReplicaResponse
Answered = Callable[[ControlResponse], None]


class ControlledBroker(Protocol):
    """What a broker does when its controller asks; requests come one after another."""

    async def leader_and_isr(self, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse:
        """Lead and follow partitions."""

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        """Know the cluster."""

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        """Give replicas up, or delete them."""


@dataclass(frozen=True, slots=True)
class _Message:
    request: ControlRequest
    answered: Answered | None


class ControlChannels:
    """One queue and one task for each broker in this process.

    Queues have no bound: the controller makes a bounded number of requests for each change of the cluster.
    """

    def __init__(self, brokers: Mapping[int, ControlledBroker]) -> None:
        self._brokers = dict(brokers)
        self._queues = {node_id: trio.open_memory_channel[_Message](math.inf) for node_id in brokers}

    def reaches(self, node_id: int) -> bool:
        """Whether a broker has a channel."""
        return node_id in self._queues

    def send(self, node_id: int, request: ControlRequest, answered: Answered | None = None) -> None:
        """Queue a request; `answered` is called with its response, from another task."""
        queue = self._queues.get(node_id)
        if queue is not None:
            queue[0].send_nowait(_Message(request, answered))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver, until cancelled."""
        async with trio.open_nursery() as nursery:
            for node_id, broker in self._brokers.items():
                nursery.start_soon(self._deliver, broker, self._queues[node_id][1])
            task_status.started()

    async def _deliver(self, broker: ControlledBroker, queue: trio.MemoryReceiveChannel[_Message]) -> None:
        async for message in queue:
            response = await _dispatch(broker, message.request)
            if message.answered is not None:
                message.answered(response)


async def _dispatch(broker: ControlledBroker, request: ControlRequest) -> ControlResponse:
    match request:
        case LeaderAndIsrRequest():
            return await broker.leader_and_isr(request)
        case UpdateMetadataRequest():
            return await broker.update_metadata(request)
        case StopReplicaRequest():
            return await broker.stop_replica(request)
