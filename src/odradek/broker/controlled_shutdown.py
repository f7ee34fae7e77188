"""Controlled shutdown: the controller moves a broker's leaders before it stops; clients see no error.

Source: kafka.server.KafkaServer.controlledShutdown.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from odradek.controller.metadata_waits import wait_until
from odradek.errors import MalformedMessage
from odradek.metadata.cache import MetadataCache, Snapshot
from odradek.metadata.znodes import Endpoint
from odradek.peers.control_channels import Connect
from odradek.peers.transport import PeerUnreachable
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.controlled_shutdown_request import ControlledShutdownRequest
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_log = get_logger(__name__)

_TOLD_MS = 500
"""How long this broker goes on serving until it is told who leads now, to tell its clients. Kafka's stops at
once; a controller that stops would often be gone before it has told anyone."""

_LAST_REQUEST_S = 0.05
"""How long the StopReplica takes that a controller queues behind the UpdateMetadata which says the most. It
changes nothing that can be waited for; but a broker that leaves while a request of Kafka's controller is
unanswered makes that log an error (RequestSendThread, interrupted in its pause before it tries again)."""

VERSION = 3
"""What brokers of inter.broker.protocol.version 2.4 or later ask in."""


@value_object
class ControllerAddress:
    """How the controller is reached: over the listener of this name, by clients that `connect` makes."""

    listener_name: str
    connect: Connect

    def find(self, snapshot: Snapshot) -> Endpoint | None:
        """Where the controller listens; None if it is not known."""
        if snapshot.controller_id is None:
            return None
        return snapshot.endpoint(snapshot.controller_id, self.listener_name)


@value_object
class ShutdownSettings:
    """controlled.shutdown.max.retries and controlled.shutdown.retry.backoff.ms."""

    attempts: int
    retry_backoff_ms: int


class ControlledShutdown:
    """One broker's way out of its cluster."""

    def __init__(
        self,
        node_id: int,
        broker_epoch: Callable[[], int],
        metadata: MetadataCache,
        controller: ControllerAddress,
        settings: ShutdownSettings,
    ) -> None:
        self._node_id = node_id
        self._broker_epoch = broker_epoch
        self._metadata = metadata
        self._controller = controller
        self._settings = settings

    async def run(self) -> bool:
        """Have all leaders moved that others can take over; False if that could not be done."""
        for attempt in range(1, self._settings.attempts + 1):
            if await self._attempt():
                if await wait_until(self._metadata, self._is_let_go, timeout_ms=_TOLD_MS):
                    await trio.sleep(_LAST_REQUEST_S)
                return True
            is_last = attempt == self._settings.attempts
            if is_last or await self._is_alone(self._settings.retry_backoff_ms):
                break
        _log.warn("leaders of this broker could not be moved, it stops all the same", broker=self._node_id)
        return False

    def _is_let_go(self, snapshot: Snapshot) -> bool:
        """Whether, as far as this broker was told, others lead all that they can, and wait for it no more.

        Kafka's controller tells of the leaders first, and then of the ISRs that this broker follows in.
        """
        return not any(
            partition.leader == self._node_id or (partition.leader >= 0 and self._node_id in partition.isr)
            for topic in snapshot.topics.values()
            for partition in topic.partitions.values()
            if len(partition.replicas) > 1
        )

    async def _is_alone(self, within_ms: int) -> bool:
        """Wait a while, unless there is nobody any more who could lead: Kafka waits for nobody then."""
        own = {self._node_id}
        return await wait_until(
            self._metadata, lambda snapshot: snapshot.brokers.keys() <= own, timeout_ms=within_ms
        )

    async def _attempt(self) -> bool:
        endpoint = self._controller.find(self._metadata.snapshot)
        if endpoint is None:
            _log.info("no controller is known to move leaders")
            return False
        client = self._controller.connect(endpoint.host, endpoint.port)
        request = ControlledShutdownRequest(self._node_id, self._broker_epoch())
        try:
            response = await client.call(request, VERSION)
        except (PeerUnreachable, MalformedMessage) as error:
            _log.warn("error during controlled shutdown", reason=str(error))
            return False
        finally:
            await client.aclose()
        if response.error_code != ErrorCode.NONE:
            name = ErrorCode(response.error_code).name
            _log.info("controlled shutdown was answered with an error", error=name)
        elif response.remaining_partitions:
            remaining = len(response.remaining_partitions)
            _log.info("controlled shutdown left leaders to move", remaining=remaining)
        else:
            return True
        return False
