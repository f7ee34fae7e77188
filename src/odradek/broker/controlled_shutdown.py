"""Controlled shutdown: the controller moves a broker's leaders before it stops; clients see no error.

Source: kafka.server.KafkaServer.controlledShutdown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import trio

from odradek.errors import MalformedMessage
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.controlled_shutdown_request import ControlledShutdownRequest
from odradek.protocol.message import Message
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_log = get_logger(__name__)

VERSION = 3
"""What brokers of inter.broker.protocol.version 2.4 or later ask in."""


class ControllerChannel(Protocol):
    """The way to the controller; `odradek.peers.controller_channel.ControllerChannel`."""

    async def call(self, request: Message, version: int) -> Any:
        """The controller's response, however long that takes. Raises MalformedMessage."""


@value_object
class ShutdownSettings:
    """controlled.shutdown.max.retries and .retry.backoff.ms, and controller.socket.timeout.ms."""

    attempts: int
    retry_backoff_ms: int
    timeout_ms: int


class ControlledShutdown:
    """One broker's way out of its cluster."""

    def __init__(
        self,
        node_id: int,
        broker_epoch: Callable[[], int],
        controller: ControllerChannel,
        settings: ShutdownSettings,
    ) -> None:
        self._node_id = node_id
        self._broker_epoch = broker_epoch
        self._controller = controller
        self._settings = settings

    async def run(self) -> bool:
        """Have all leaders moved that others can take over; False if that could not be done."""
        for attempt in range(1, self._settings.attempts + 1):
            with trio.move_on_after(self._settings.timeout_ms / 1000):
                if await self._attempt():
                    return True
            if attempt < self._settings.attempts:
                await trio.sleep(self._settings.retry_backoff_ms / 1000)
        _log.warn("Proceeding to do an unclean shutdown as all the controlled shutdown attempts failed")
        return False

    async def _attempt(self) -> bool:
        try:
            response = await self._controller.call(
                ControlledShutdownRequest(self._node_id, self._broker_epoch()), VERSION
            )
        except MalformedMessage as error:
            _log.warn("Error during controlled shutdown", reason=str(error))
            return False
        if response.error_code != ErrorCode.NONE:
            name = ErrorCode(response.error_code).name
            _log.info("Controlled shutdown request returned with an error", error=name)
            return False
        if response.remaining_partitions:
            remaining = len(response.remaining_partitions)
            _log.info(
                "Controlled shutdown request returned with partitions remaining to move", count=remaining
            )
            return False
        return True
