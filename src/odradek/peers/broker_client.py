"""BrokerClient: this broker's requests to another one, over one connection that it makes when needed.

Requests go one at a time, each answered before the next is sent, in versions that the caller names: brokers
of one inter.broker.protocol.version do not ask each other for ApiVersions (only the channel to the controller
does, which then calls with ApiVersions as with any other request).

What to do after a failure is the caller's: each of Kafka's threads between brokers has a back-off of its own.

Kafka: BrokerBlockingSender, NetworkClient, ControllerChannelManager's RequestSendThread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import trio

from odradek.peers.transport import USE_SYSTEM_DEFAULT, Channel, PeerReset, PeerTimeout, Transport
from odradek.protocol.headers import RequestHeader, decode_response_header, encode_request_frame
from odradek.protocol.message import Message
from odradek.protocol.messages import response_class
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.records.batch import Buffer

_MAX_CORRELATION_ID = 2**31 - 1


@value_object
class ClientSettings:
    """How long a peer may take. The defaults are those of Kafka's configs of these names."""

    request_timeout_ms: int = 30_000
    """request.timeout.ms"""
    connection_setup_timeout_ms: int = 10_000
    """socket.connection.setup.timeout.ms"""
    reconnect_backoff_ms: int = 0
    """Between two attempts to connect: 0, but 50 on the channel to the controller."""
    receive_buffer_bytes: int = USE_SYSTEM_DEFAULT
    """Of the connection's socket."""


class BrokerClient:
    """The client of one broker at one address. Tasks that call at the same time take turns.

    `client_id` is the one of Kafka's broker in the same role: `broker-1-fetcher-0` for fetchers, the broker's
    id alone for the controller and for whoever speaks to it.
    """

    def __init__(
        self,
        transport: Transport,
        host: str,
        port: int,
        *,
        client_id: str,
        settings: ClientSettings | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._transport = transport
        self._client_id = client_id
        self._settings = settings or ClientSettings()
        self._turn = trio.Lock()
        self._channel: Channel | None = None
        self._correlation_id = 0
        self._connect_after = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether a connection stands, as far as is known: nobody looks at it between calls."""
        return self._channel is not None

    async def call(self, request: Message, version: int, *, timeout_ms: int | None = None) -> Any:
        """The response to `request` in that version, connecting first if need be.

        `timeout_ms` (default: request.timeout.ms) begins when the connection stands. Raises PeerUnreachable,
        and MalformedMessage for an answer that is none; the connection is given up then, as it is when the
        caller is cancelled.
        """
        timeout_ms = self._settings.request_timeout_ms if timeout_ms is None else timeout_ms
        async with self._turn:
            channel = self._channel or await self._connect()
            self._channel = None
            correlation_id = self._next_correlation_id()
            try:
                with trio.move_on_after(timeout_ms / 1000):
                    response = await self._exchange(channel, request, version, correlation_id)
                    self._channel = channel
                    return response
                raise PeerTimeout(f"{self._peer} did not answer within {timeout_ms} ms")
            finally:
                if self._channel is None:
                    await channel.aclose()

    async def _exchange(
        self, channel: Channel, request: Message, version: int, correlation_id: int
    ) -> Message:
        key = request.API_KEY
        header = RequestHeader(key, version, correlation_id, self._client_id)
        frame = encode_request_frame(header, request)
        # Requests between brokers carry no file regions.
        await channel.send(cast("list[Buffer]", frame))
        answer = await channel.receive()
        answered_id, at = decode_response_header(answer, key, version)
        if answered_id != correlation_id:
            raise PeerReset(f"{self._peer} answered request {answered_id} instead of {correlation_id}")
        return response_class(key).decode(version, answer, at)

    async def _connect(self) -> Channel:
        """Raises PeerUnreachable."""
        await trio.sleep_until(max(self._connect_after, trio.current_time()))
        timeout_ms = self._settings.connection_setup_timeout_ms
        self._connect_after = trio.current_time() + self._settings.reconnect_backoff_ms / 1000
        with trio.move_on_after(timeout_ms / 1000):
            return await self._transport.connect(
                self.host, self.port, receive_buffer_bytes=self._settings.receive_buffer_bytes
            )
        raise PeerTimeout(f"no connection to {self._peer} within {timeout_ms} ms")

    def _next_correlation_id(self) -> int:
        correlation_id = self._correlation_id
        self._correlation_id = 0 if correlation_id == _MAX_CORRELATION_ID else correlation_id + 1
        return correlation_id

    @property
    def _peer(self) -> str:
        return f"{self.host}:{self.port}"

    async def aclose(self) -> None:
        """Give the connection up; a later call makes another."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.aclose()
