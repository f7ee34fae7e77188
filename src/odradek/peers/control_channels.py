"""The controller's channels to brokers: to each one its requests, in order and one at a time.

A channel belongs to one registration of a broker and ends with it: what is queued then is dropped, for the
broker is told everything when it is back. Until then a request is sent again and again, because the
controller believes that it arrives. The broker in this process is called directly (`ControlledBroker`).
Source: kafka.controller.ControllerChannelManager, RequestSendThread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol, cast

import trio

from odradek.errors import MalformedMessage
from odradek.peers.spoken_versions import SpokenVersions
from odradek.peers.transport import PeerUnreachable
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse
from odradek.protocol.message import Message
from odradek.protocol.messages import response_class
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_log = get_logger(__name__)

BACKOFF_SECONDS = 0.1
"""Between two attempts to send the same request, as in RequestSendThread."""

ControlRequest = LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest
ControlResponse = LeaderAndIsrResponse | UpdateMetadataResponse | StopReplicaResponse
Answered = Callable[[ControlResponse], None]


class ControlledBroker(Protocol):
    """What a broker does when its controller asks; requests come one after another."""

    async def leader_and_isr(self, request: LeaderAndIsrRequest, version: int = 7) -> LeaderAndIsrResponse:
        """Lead and follow partitions; `version` shapes the response."""

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        """Know the cluster."""

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        """Give replicas up, or delete them."""


class Client(Protocol):
    """A connection to one broker; `odradek.peers.broker_client.BrokerClient`."""

    async def call(self, request: Message, version: int) -> Any:
        """The response. Raises PeerUnreachable, MalformedMessage."""

    async def aclose(self) -> None:
        """Give the connection up."""


Connect = Callable[[str, int], Client]
"""Makes a client of the broker at a host and port, without connecting yet."""


@value_object
class Destination:
    """One registration of a broker, and where it takes its controller's requests."""

    broker_epoch: int
    host: str
    port: int


@value_object
class _Message:
    request: ControlRequest
    answered: Answered | None


class _ControlChannel:
    """The queue of one registration, and the task that empties it.

    It has no bound: the controller makes a bounded number of requests for each change of the cluster.
    """

    def __init__(self, destination: Destination, deliver: Callable[[ControlRequest], Awaitable[Any]]) -> None:
        self.destination = destination
        self._deliver = deliver
        self._queue: deque[_Message] = deque()
        self._queued = trio.Event()
        self._closed = False
        self._calling: trio.CancelScope | None = None

    def send(self, message: _Message) -> None:
        self._queue.append(message)
        self._queued.set()

    def close(self, *, in_flight: bool) -> None:
        """Drop what is queued; with `in_flight` also the request that is on its way."""
        self._closed = True
        self._queue.clear()
        self._queued.set()
        if in_flight and self._calling is not None:
            self._calling.cancel()

    async def run(self) -> None:
        while not self._closed:
            if not self._queue:
                self._queued = trio.Event()
                await self._queued.wait()
                continue
            message = self._queue.popleft()
            with trio.CancelScope() as self._calling:
                response = await self._deliver(message.request)
                if message.answered is not None and not self._closed:
                    message.answered(response)


class ControlChannels:
    """The channels of the broker that is the controller. Owned by the trio thread.

    `local` are the brokers in this process, by id; `connect` reaches the others, if there can be any, to
    whom requests go in these versions.
    """

    def __init__(
        self,
        local: Mapping[int, ControlledBroker],
        connect: Connect | None = None,
        versions: SpokenVersions | None = None,
    ) -> None:
        self._local = dict(local)
        self._connect = connect
        self._versions = versions or SpokenVersions()
        self._channels: dict[int, _ControlChannel] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._nursery = None  # before it is closed: a controller that stops may still decide

    def open(self, destinations: Mapping[int, Destination]) -> None:
        """Have channels to exactly these brokers; one that registered anew gets another channel."""
        for node_id, channel in list(self._channels.items()):
            if destinations.get(node_id) != channel.destination:
                del self._channels[node_id]
                # A call into this process is never broken off: it would leave half of the request done.
                channel.close(in_flight=node_id not in self._local)
        for node_id, destination in destinations.items():
            if node_id not in self._channels:
                self._start(node_id, destination)

    def _start(self, node_id: int, destination: Destination) -> None:
        local = self._local.get(node_id)
        if self._nursery is None:
            return  # the broker is stopping
        if local is not None:
            channel = _ControlChannel(destination, partial(_call, local))
            self._nursery.start_soon(channel.run)
        elif self._connect is not None:
            client = self._connect(destination.host, destination.port)
            remote = _RemoteBroker(node_id, client, self._versions)
            channel = _ControlChannel(destination, remote.deliver)
            self._nursery.start_soon(remote.close_after, channel.run)
        else:
            return
        self._channels[node_id] = channel

    def send(self, node_id: int, request: ControlRequest, answered: Answered | None = None) -> None:
        """Queue a request; `answered` is called with its response, from another task.

        It is dropped if the broker has no channel.
        """
        channel = self._channels.get(node_id)
        if channel is not None:
            channel.send(_Message(request, answered))


class _RemoteBroker:
    """Delivery to another process: repeated until it succeeds."""

    def __init__(self, node_id: int, client: Client, versions: SpokenVersions) -> None:
        self._node_id = node_id
        self._client = client
        self._versions: Mapping[type[Message], int] = {
            LeaderAndIsrRequest: versions.leader_and_isr,
            UpdateMetadataRequest: versions.update_metadata,
            StopReplicaRequest: versions.stop_replica,
        }

    async def close_after(self, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        finally:
            with trio.move_on_after(1, shield=True):
                await self._client.aclose()

    async def deliver(self, request: ControlRequest) -> ControlResponse:
        is_cut = False
        while True:
            try:
                version = self._versions[type(request)]
                response: ControlResponse = await self._client.call(request, version)
            except (PeerUnreachable, MalformedMessage) as error:
                # One line for each time that a broker is away, not one for each attempt.
                say = _log.debug if is_cut else _log.warn
                say("broker not reached, trying again", broker=self._node_id, reason=str(error))
                is_cut = True
                await trio.sleep(BACKOFF_SECONDS)
            else:
                return response


async def _call(broker: ControlledBroker, request: ControlRequest) -> ControlResponse:
    """Have the broker in this process do what it is asked; our bug there costs the request, as remotely."""
    try:
        return await _dispatch(broker, request)
    except Exception as error:  # noqa: BLE001 - as what a connection does with the requests that come over it
        _log.error(
            "unexpected error in a controller's request", request=type(request).__name__, exc_info=error
        )
        refused = cast("ControlResponse", response_class(request.API_KEY)())
        refused.error_code = ErrorCode.UNKNOWN_SERVER_ERROR
        return refused


async def _dispatch(broker: ControlledBroker, request: ControlRequest) -> ControlResponse:
    match request:
        case LeaderAndIsrRequest():
            return await broker.leader_and_isr(request)
        case UpdateMetadataRequest():
            return await broker.update_metadata(request)
        case StopReplicaRequest():
            return await broker.stop_replica(request)
