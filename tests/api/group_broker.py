"""The services that the group APIs use, without a broker: a coordinator in memory, and topics by decree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import trio
import trio.testing

from odradek.api.context import Peer, RequestContext, Services
from odradek.clock import VirtualClock
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create
from odradek.coordinators.journal import JournalSettings
from odradek.coordinators.runtime import CoordinatorRuntime
from odradek.groups.config import GroupConfig
from odradek.groups.shard import GroupShard
from odradek.metadata.cache import MetadataCache
from odradek.metadata.paths import CONSUMERS
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)
from odradek.protocol.message import Message
from tests.coordinators.memory_topic import MemoryTopic

TOPIC_ID = UUID(int=7)


class CreatedTopics:
    """Stands for the automatic creation of topics; remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def create_automatically(self, names: Iterable[str]) -> None:
        self.asked += names


class GroupBroker:
    """Node 1 at localhost:9092; leads every partition of __consumer_offsets; topic `t` has two partitions."""

    def __init__(self, properties: dict[str, str]) -> None:
        defaults = {"group.initial.rebalance.delay.ms": "0"}
        self.config = BrokerConfig(defaults | properties)
        self.topic = MemoryTopic(GROUP_METADATA_TOPIC)
        self.clock = VirtualClock()
        group_config = GroupConfig.of(self.config)
        self.groups = CoordinatorRuntime(
            self.topic, lambda: GroupShard(group_config), self.clock, JournalSettings()
        )
        self.metadata = MetadataCache()
        self.created = CreatedTopics()
        self.store = EmbeddedStore()

    def has_topic(self, name: str, partitions: int, leader: int = 1, topic_id: UUID = TOPIC_ID) -> None:
        """Announce a topic as the controller would."""
        states = [
            UpdateMetadataPartitionState(partition_index=index, leader=leader, isr=[1], replicas=[1])
            for index in range(partitions)
        ]
        endpoint = UpdateMetadataEndpoint(
            port=9092, host="localhost", listener="PLAINTEXT", security_protocol=0
        )
        topic = UpdateMetadataTopicState(topic_name=name, topic_id=topic_id, partition_states=states)
        brokers = [UpdateMetadataBroker(id=1, endpoints=[endpoint])]
        self.metadata.apply(UpdateMetadataRequest(topic_states=[topic], live_brokers=brokers))

    async def ask(self, module: Any, version: int, request: Message, client_id: str = "client") -> Any:
        """Send a request through its encoding at `version`; the response comes back through its own."""
        services = Services(
            node_id=1,
            cluster_id="cluster",
            clock=self.clock,
            configs=cast(Any, SimpleNamespace(config=self.config)),
            metadata=self.metadata,
            replicas=cast(Any, None),
            logs=cast(Any, None),
            relocations=cast(Any, None),
            topics=cast(Any, self.created),
            controller=cast(Any, None),
            groups=self.groups,
            fetch_sessions=cast(Any, None),
            producer_ids=cast(Any, None),
            controlled_broker=cast(Any, None),
            store=self.store,
        )
        peer = Peer("c", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 1)
        ctx = RequestContext(services, peer, request.API_KEY, version, 1, client_id)
        decoded = type(request).decode(version, memoryview(request.to_bytes(version)))
        response = cast(Message, await module.api.handle(decoded, ctx))
        return type(response).decode(version, memoryview(response.to_bytes(version)))


@asynccontextmanager
async def group_broker(**properties: str) -> AsyncIterator[GroupBroker]:
    """A broker whose coordinator runs and has loaded; property names have underscores for dots."""
    broker = GroupBroker({name.replace("_", "."): value for name, value in properties.items()})
    await broker.store.commit(Create(CONSUMERS))
    broker.has_topic("t", 2)
    async with trio.open_nursery() as nursery:
        await nursery.start(broker.groups.run)
        broker.groups.on_elected(TopicPartition(GROUP_METADATA_TOPIC, 0), 0)
        await trio.testing.wait_all_tasks_blocked()
        yield broker
        nursery.cancel_scope.cancel()
