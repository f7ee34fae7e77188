"""A client of a broker in this process: one connection, one request at a time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import trio

from odradek.broker.broker import RunningBroker, run_broker
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.store import MetadataStore
from odradek.protocol.headers import (
    RequestHeader,
    decode_response_header,
    encode_request_frame,
)
from odradek.protocol.message import Message

ResponseT = TypeVar("ResponseT", bound=Message)


class Wire:
    """Sends a request, gives its response."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = b""

    async def ask(self, request: Message, response: type[ResponseT], version: int) -> ResponseT:
        header = RequestHeader(request.API_KEY, version, 1, "test")
        await self._stream.send_all(b"".join(cast("list[bytes]", encode_request_frame(header, request))))
        size = int.from_bytes(await self._exactly(4), "big")
        frame = memoryview(await self._exactly(size))
        _, at = decode_response_header(frame, request.API_KEY, version)
        return response.decode(version, frame, at)

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = await self._stream.receive_some()
            if not piece:
                raise EOFError("the broker closed the connection")
            self._buffer += piece
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


@asynccontextmanager
async def running(
    log_dir: Path, properties: Mapping[str, str] | None = None, store: MetadataStore | None = None
) -> AsyncIterator[RunningBroker]:
    """A broker on a free port of this machine, stopped in order at the end."""
    config = BrokerConfig(
        {"listeners": "PLAINTEXT://127.0.0.1:0", "log.dirs": str(log_dir), **(properties or {})}
    )
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            broker: RunningBroker = await nursery.start(partial(run_broker, config, store=store))
            yield broker
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(broker: RunningBroker, listener: int = 0) -> AsyncIterator[Wire]:
    endpoint = broker.endpoints[listener]
    async with await trio.open_tcp_stream("127.0.0.1", endpoint.port) as stream:
        yield Wire(stream)
