"""The services that the config APIs use, without a broker: dynamic configs in memory, topics by decree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

from odradek.api.context import Peer, RequestContext, Services
from odradek.clock import VirtualClock
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.dynamic_configs import DynamicConfigs
from odradek.coordination.embedded import EmbeddedStore
from odradek.metadata.cache import AliveBroker, MetadataCache, Snapshot, TopicMetadata
from odradek.metadata.topic_id import NO_TOPIC_ID


class ConfigBroker:
    """Broker 0, alone, with some topics."""

    def __init__(self, store: EmbeddedStore, configs: DynamicConfigs, topics: Iterable[str]) -> None:
        self.store = store
        self.configs = configs
        self.metadata = MetadataCache()
        self.metadata.snapshot = Snapshot(
            brokers={0: AliveBroker(0, {}, None)},
            topics={name: TopicMetadata(name, NO_TOPIC_ID, {}) for name in topics},
        )

    async def ask(self, module: Any, version: int, request: Any) -> Any:
        """Have an API answer, both messages going through their bytes."""
        services = cast(Any, Services)(
            **dict.fromkeys(Services.__annotations__) | {"configs": self.configs, "metadata": self.metadata}
        )
        peer = Peer("connection", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 5)
        context = RequestContext(services, peer, module.api.key, version, 1, "client")
        decoded = module.api.request.decode(version, memoryview(request.to_bytes(version)))
        response = await module.api.handle(decoded, context)
        return type(response).decode(version, memoryview(response.to_bytes(version)))


@asynccontextmanager
async def config_broker(*topics: str, **properties: str) -> AsyncIterator[ConfigBroker]:
    """A broker with these topics and configs (`num_partitions="3"`), beside ZooKeeper unless they say 4.x."""
    named = {name.replace("_", "."): text for name, text in properties.items()}
    given = {"broker.id": "0"} | named
    if not named.get("odradek.emulate", "").startswith("4"):
        given["zookeeper.connect"] = "zookeeper:2181"
    async with EmbeddedStore() as store:
        configs = DynamicConfigs(store, VirtualClock(), BrokerConfig(given))
        await configs.load()
        yield ConfigBroker(store, configs, topics)
