"""This broker's channel to the controller: whoever that is now, for as long as it takes.

Who is the controller comes from the metadata cache, which is what the last controller told us; the wrong one
answers NOT_CONTROLLER, a dead one not at all, and then the request goes to the next that the cache names.
A broker that is the controller itself is asked over its own listener, as in Kafka.
Source: kafka.server.NodeToControllerChannelManager, NodeToControllerRequestThread.
"""

from __future__ import annotations

from typing import Any

import trio

from odradek.errors import MalformedMessage
from odradek.metadata.cache import MetadataCache
from odradek.metadata.znodes import Endpoint
from odradek.peers.control_channels import Client, Connect
from odradek.peers.transport import PeerUnreachable
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.message import Message
from odradek.telemetry import get_logger

_log = get_logger(__name__)

BACKOFF_SECONDS = 0.1
"""Between two attempts, unless the metadata name another controller before."""


class ControllerChannel:
    """Asks the controller. Tasks that call at the same time take turns.

    `listener_name` is that of inter.broker.listener.name (or control.plane.listener.name).
    """

    def __init__(self, metadata: MetadataCache, listener_name: str, connect: Connect) -> None:
        self._metadata = metadata
        self._listener_name = listener_name
        self._connect = connect
        self._client: tuple[Endpoint, Client] | None = None

    async def call(self, request: Message, version: int) -> Any:
        """The controller's response; endless until there is one, so give it a deadline.

        A response may carry any error but NOT_CONTROLLER. The request may have been carried out before, by
        a controller whose answer was lost. Raises MalformedMessage.
        """
        is_told = False
        while True:
            endpoint = self._controller()
            if endpoint is not None:
                client = await self._client_of(endpoint)
                try:
                    response = await self._ask(endpoint, client, request, version)
                except PeerUnreachable as error:
                    if not is_told:
                        _log.info("controller not reached, trying again", reason=str(error))
                        is_told = True
                except MalformedMessage:
                    await self.aclose()
                    raise
                else:
                    if getattr(response, "error_code", ErrorCode.NONE) != ErrorCode.NOT_CONTROLLER:
                        return response
            await self._wait_for_another(endpoint)

    async def _ask(self, endpoint: Endpoint, client: Client, request: Message, version: int) -> Any:
        """The response, unless another controller is named before: one that is paused never answers.

        Raises PeerUnreachable, MalformedMessage.
        """
        with trio.CancelScope() as asking:

            def look() -> None:
                if self._controller() != endpoint:
                    asking.cancel()

            unsubscribe = self._metadata.subscribe(look)
            try:
                return await client.call(request, version)
            finally:
                unsubscribe()
        raise PeerUnreachable("another controller was elected meanwhile")

    def _controller(self) -> Endpoint | None:
        """Where the controller listens, as far as this broker was told."""
        snapshot = self._metadata.snapshot
        if snapshot.controller_id is None:
            return None
        return snapshot.endpoint(snapshot.controller_id, self._listener_name)

    async def _client_of(self, endpoint: Endpoint) -> Client:
        if self._client is None or self._client[0] != endpoint:
            await self.aclose()
            self._client = endpoint, self._connect(endpoint.host, endpoint.port)
        return self._client[1]

    async def _wait_for_another(self, endpoint: Endpoint | None) -> None:
        """Wait until the metadata name another controller, or a moment."""
        changed = trio.Event()

        def look() -> None:
            if self._controller() != endpoint:
                changed.set()

        unsubscribe = self._metadata.subscribe(look)
        look()
        try:
            with trio.move_on_after(BACKOFF_SECONDS):
                await changed.wait()
        finally:
            unsubscribe()

    async def aclose(self) -> None:
        """Give the connection up; a later call makes another."""
        if self._client is not None:
            _, client = self._client
            self._client = None
            await client.aclose()
