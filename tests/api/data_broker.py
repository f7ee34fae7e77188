"""A broker's data path without sockets: handlers over real logs, asked and answered in the wire format."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from odradek.api.api import Api
from odradek.api.context import Peer, RequestContext, Services
from odradek.api.fetch_sessions import FetchSessions
from odradek.config.broker_config import BrokerConfig
from odradek.log.slice import LogSlice
from odradek.protocol.message import Message
from odradek.protocol.messages import response_class
from odradek.replication.replicas import ReplicaSettings
from tests.replication.hosting import NODE_ID, Hosting, hosting


@dataclass
class DataBroker:
    """Asks handlers as a client would; `host` sets the stage."""

    host: Hosting
    services: Services

    def context(self, api: Api[Any], version: int, client_id: str = "test") -> RequestContext:
        return RequestContext(self.services, _peer(), api.key, version, 1, client_id)

    async def ask(self, api: Api[Any], request: Message, version: int, client_id: str = "test") -> Any:
        """The answer as that version's client reads it; None where there is none."""
        ctx = self.context(api, version, client_id)
        frame = memoryview(bytearray(request.to_bytes(version)))
        answer = api.handle(api.request.decode(version, frame), ctx)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is None:
            return None
        chunks: list[Any] = []
        cast(Message, answer).encode_into(version, chunks)
        data = b"".join(bytes(chunk.view()) if isinstance(chunk, LogSlice) else chunk for chunk in chunks)
        for chunk in chunks:
            if isinstance(chunk, LogSlice):
                chunk.release()
        return response_class(api.key).decode(version, memoryview(data))


def _peer() -> Peer:
    return Peer("1", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 50000)


@asynccontextmanager
async def data_broker(
    path: Path,
    *more_paths: Path,
    max_sessions: int = 10,
    settings: ReplicaSettings | None = None,
    **properties: str,
) -> AsyncIterator[DataBroker]:
    """Properties with underscores for dots."""
    config = BrokerConfig({name.replace("_", "."): value for name, value in properties.items()})
    async with hosting(path, NODE_ID, settings, *more_paths) as host:
        nothing: Any = None
        services = Services(
            **{
                **dict.fromkeys(Services.__dataclass_fields__, nothing),
                "node_id": NODE_ID,
                "cluster_id": "test",
                "clock": host.clock,
                "configs": SimpleNamespace(config=config),
                "metadata": host.metadata,
                "replicas": host.replicas,
                "logs": host.logs,
                "relocations": host.relocations,
                "fetch_sessions": FetchSessions(max_sessions),
            }
        )
        yield DataBroker(host, services)
