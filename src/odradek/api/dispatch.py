"""From a frame's bytes to the handler's answer, and from the answer to the bytes of a frame.

Knows headers, versions and the emulated release's ranges; knows no sockets. A connection calls `receive`
for each frame and sends what the call's `finish` gives.
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from struct import Struct
from struct import error as struct_error
from typing import Any

from odradek.api.api import Answer, Api, ConnectionEnded, Versions
from odradek.api.between_brokers import accepted_of_brokers, is_of_a_broker
from odradek.api.context import Peer, RequestContext, Services
from odradek.api.refusals import refusal
from odradek.api.registry import accepted, load
from odradek.coordination.store import StoreUnavailable
from odradek.errors import KafkaError, MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.index import APIS
from odradek.protocol.message import Chunk, Message
from odradek.protocol.primitives import read_tagged_fields
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_HEADER = Struct(">hhih")
_SIZE_AND_CORRELATION = Struct(">ii").pack
_SIZE_CORRELATION_AND_NO_TAGS = Struct(">iiB").pack
_CONTROLLED_SHUTDOWN = int(ApiKey.CONTROLLED_SHUTDOWN)
_KEPT_CLIENT_IDS = 1024
_KEPT_CLIENT_ID_BYTES = 256


class _Route:
    """One API of the emulated release; its module is loaded with its first request."""

    __slots__ = ("_api", "decode", "first", "flexible_from", "flexible_response_from", "key", "last")

    def __init__(self, key: ApiKey, versions: Versions) -> None:
        self.key = key
        self.first, self.last = versions.first, versions.last
        self.flexible_from = APIS[key].flexible_from
        # An ApiVersions response must be readable before anything is known of the broker.
        self.flexible_response_from = 1 << 15 if key is ApiKey.API_VERSIONS else self.flexible_from
        self._api: Api[Any] | None = None

    @property
    def api(self) -> Api[Any]:
        if self._api is None:
            self._api = load(self.key)
        return self._api


Started = Answer | Awaitable[Answer]
"""What a handler returned: its answer, or what has to be awaited for it."""


class Call:
    """One request that was read. `start` it, `finish` it (`encode` what is there already), and send that."""

    __slots__ = ("_refused", "_route", "api", "ctx", "request")

    def __init__(self, route: _Route, request: Message, ctx: RequestContext, refused: int | None) -> None:
        self.api = route.api
        self.request = request
        self.ctx = ctx
        self._route = route
        self._refused = refused

    def start(self) -> Started:
        """Run the handler, or its synchronous part if it is to be awaited. Raises ConnectionEnded."""
        try:
            if self._refused is not None:
                return refusal(self.api, self.request, self.ctx, self._refused)
            started: Started = self.api.handle(self.request, self.ctx)
        except ConnectionEnded:
            raise
        except Exception as error:  # noqa: BLE001 - a handler's bug is logged and answered
            return self._failed(error)
        return started

    async def finish(self, started: Started) -> list[Chunk] | None:
        """Await the answer if it is not there yet, and `encode` it. Raises ConnectionEnded."""
        if started is None or isinstance(started, Message):
            return self.encode(started)
        try:
            answer = await started
        except ConnectionEnded:
            raise
        except Exception as error:  # noqa: BLE001 - a handler's bug is logged and answered
            answer = self._failed(error)
        return self.encode(answer)

    def encode(self, answer: Answer) -> list[Chunk] | None:
        """The answer as a whole frame, size prefix included, in chunks to send in order; None for no answer.

        Raises ConnectionEnded when the request cannot be answered.
        """
        if answer is None:
            return None
        try:
            return self._encode(answer)
        except Exception as error:  # noqa: BLE001 - a handler's bug is logged and answered
            return self._encode(self._failed(error))

    def _failed(self, error: Exception) -> Message:
        code: int = ErrorCode.UNKNOWN_SERVER_ERROR
        if isinstance(error, KafkaError):
            code = error.code
        elif isinstance(error, StoreUnavailable):
            code = ErrorCode.KAFKA_STORAGE_ERROR
            _log.error("The store is unavailable", api=self._route.key.name, reason=repr(error.__cause__))
        else:
            _log.error(
                "Unexpected error handling a request",
                api=self._route.key.name,
                api_version=self.ctx.api_version,
                client_id=self.ctx.client_id,
                connection=self.ctx.connection_id,
                exc_info=error,
            )
        answer = refusal(self.api, self.request, self.ctx, code)
        if answer is None:
            raise ConnectionEnded(f"{self._route.key.name} failed and has no answer for it")
        return answer

    def _encode(self, answer: Message) -> list[Chunk]:
        ctx = self.ctx
        chunks: list[Chunk] = [b""]
        answer.encode_into(ctx.api_version, chunks)
        size = sum(map(len, chunks))
        if ctx.api_version >= self._route.flexible_response_from:
            chunks[0] = _SIZE_CORRELATION_AND_NO_TAGS(size + 5, ctx.correlation_id, 0)
        else:
            chunks[0] = _SIZE_AND_CORRELATION(size + 4, ctx.correlation_id)
        return chunks


class Dispatcher:
    """The APIs of one broker, as the release that it is to its clients and as itself to other brokers."""

    __slots__ = ("_client_ids", "_routes", "_routes_of_brokers", "_services")

    def __init__(self, services: Services) -> None:
        self._services = services
        self._routes: dict[int, _Route] = {
            key: _Route(key, versions) for key, versions in accepted(str(services.release)).items()
        }
        self._routes_of_brokers: dict[int, _Route] = {
            key: _Route(key, versions) for key, versions in accepted_of_brokers(str(services.release)).items()
        }
        self._client_ids: dict[bytes, str] = {}

    def receive(self, frame: memoryview, peer: Peer) -> Call:
        """Read a request out of a frame (without its size prefix).

        Raises MalformedMessage when the frame is no request, names an API that is not served, or a version
        that the emulated release refuses to clients: in all of these Kafka closes the connection. Only
        ApiVersions is answered whatever its version.
        """
        # Not headers.decode_request_header: this runs for each request, and takes a quarter of its time.
        try:
            key, version, correlation_id, client_id_bytes = _HEADER.unpack_from(frame)
            at = 10
            client_id = ""
            if key == _CONTROLLED_SHUTDOWN and version == 0:
                at = 8  # the one request whose header has no client id
            elif client_id_bytes > 0:
                at += client_id_bytes
                if at > len(frame):
                    raise IndexError
                client_id = self._client_id(bytes(frame[10:at]))
            route = self._routes.get(key) or self._routes_of_brokers.get(key)
            if route is None:
                raise MalformedMessage(
                    f"Received request api key {key} with version {version} which is not enabled"
                )
            if version >= route.flexible_from:
                if frame[at]:
                    _, at = read_tagged_fields(frame, at)
                else:
                    at += 1
        except (struct_error, IndexError):
            raise MalformedMessage("request ends in its header") from None
        refused: int | None = None
        if route.first <= version <= route.last:
            request = route.api.request.decode(version, frame, at)
        elif key == ApiKey.API_VERSIONS:
            refused, version = ErrorCode.UNSUPPORTED_VERSION, 0
            request = route.api.request()
        else:
            route, request = self._receive_of_a_broker(route.key, version, frame, at)
        ctx = RequestContext(self._services, peer, key, version, correlation_id, client_id)
        return Call(route, request, ctx, refused)

    def _receive_of_a_broker(
        self, key: ApiKey, version: int, frame: memoryview, at: int
    ) -> tuple[_Route, Message]:
        """Read a request at `at` whose version clients are not offered; raises as if it were a client's."""
        route = self._routes_of_brokers.get(key)
        if route is not None and route.first <= version <= route.last:
            with suppress(MalformedMessage):
                request = route.api.request.decode(version, frame, at)
                if is_of_a_broker(key, request):
                    return route, request
        raise _not_enabled(key.name, version)

    def _client_id(self, raw: bytes) -> str:
        """Clients send the same few ids over and over, so decoded ones are kept, up to a bound."""
        client_id = self._client_ids.get(raw)
        if client_id is None:
            client_id = raw.decode("utf-8", "replace")
            if len(raw) <= _KEPT_CLIENT_ID_BYTES and len(self._client_ids) < _KEPT_CLIENT_IDS:
                self._client_ids[raw] = client_id
        return client_id


def _not_enabled(api: str, version: int) -> MalformedMessage:
    return MalformedMessage(f"Received request api key {api} with version {version} which is not enabled")
