"""One broker's topic APIs without a server: frames in, frames out, over a cluster in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import pack
from types import SimpleNamespace
from typing import Any, cast

from odradek.api.context import Peer, Services
from odradek.api.dispatch import Dispatcher
from odradek.clock import VirtualClock
from odradek.protocol.message import Message
from odradek.protocol.messages import response_class
from tests.controller.cluster import LISTENER, Cluster, cluster


class TopicBroker:
    """Broker 0 of a cluster, as the release that its configuration says."""

    def __init__(self, running: Cluster, listener_name: str = LISTENER) -> None:
        self.cluster = running
        self.metadata = running.metadata
        unused = cast(Any, None)
        services = Services(
            node_id=0,
            cluster_id="WSugVm_UR3K59u-QyyfwuQ",
            clock=VirtualClock(),
            configs=cast(Any, SimpleNamespace(config=running.config)),
            store=running.store,
            metadata=running.metadata,
            replicas=unused,
            logs=unused,
            relocations=unused,
            topics=running.topics,
            controller=running.members[0].controller,
            groups=unused,
            fetch_sessions=unused,
            producer_ids=unused,
            controlled_broker=unused,
        )
        self._dispatcher = Dispatcher(services)
        self._peer = Peer("c", listener_name, LISTENER, "/127.0.0.1", 1)

    async def ask(self, request: Message, version: int) -> Any:
        """Answer a request at a version, encoded and decoded on both ways."""
        api_key, flexible_from = request.API_KEY, request.FLEXIBLE_FROM
        header = pack(">hhih", api_key, version, 1, 0) + (b"\0" if version >= flexible_from else b"")
        call = self._dispatcher.receive(memoryview(header + request.to_bytes(version)), self._peer)
        chunks = await call.finish(call.start())
        assert chunks is not None
        frame = b"".join(bytes(cast(bytes, chunk)) for chunk in chunks)
        return response_class(api_key).decode(
            version, memoryview(frame), 9 if version >= flexible_from else 8
        )


@asynccontextmanager
async def topic_broker(size: int = 1, **properties: str) -> AsyncIterator[TopicBroker]:
    """Run a cluster and speak to its broker 0; properties are written with underscores."""
    async with cluster(size, **properties) as running:
        yield TopicBroker(running)
