"""MetadataCache: what this broker knows of the cluster, as the controller told it (UpdateMetadata).

Owned by the trio thread. Readers take `snapshot` once and may keep it across awaits: it never changes, and
`apply` puts another in its place. Topic ids resolve by one lookup because every Fetch from version 13 asks.
Source: kafka.server.metadata.ZkMetadataCache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING
from uuid import UUID

from odradek.metadata.hash_order import sized_long_map_order
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import Endpoint
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.protocol.generated.update_metadata_request import (
        UpdateMetadataBroker,
        UpdateMetadataPartitionState,
        UpdateMetadataRequest,
    )

LEADER_DURING_DELETE = -2
"""The leader in an UpdateMetadata that announces the end of a partition."""

SECURITY_PROTOCOLS = {0: "PLAINTEXT", 1: "SSL", 2: "SASL_PLAINTEXT", 3: "SASL_SSL"}
"""`SecurityProtocol` by the number it has in UpdateMetadata."""


@value_object
class AliveBroker:
    """A living broker and where it listens, by listener name."""

    node_id: int
    endpoints: Mapping[str, Endpoint]
    rack: str | None = None


@value_object
class PartitionState:
    """A partition as clients are told of it; `leader` is -1 while there is none."""

    partition: int
    leader: int
    leader_epoch: int
    isr: tuple[int, ...]
    replicas: tuple[int, ...]
    offline_replicas: tuple[int, ...]
    partition_epoch: int
    controller_epoch: int


@value_object
class TopicMetadata:
    """A topic and its partitions by number, which need not be dense while they are being created."""

    name: str
    topic_id: UUID
    partitions: Mapping[int, PartitionState]


@value_object
class Snapshot:
    """The cluster at one moment; immutable. `topics_by_id` lacks topics that have no id."""

    brokers: Mapping[int, AliveBroker] = field(default_factory=dict)
    topics: Mapping[str, TopicMetadata] = field(default_factory=dict)
    topics_by_id: Mapping[UUID, TopicMetadata] = field(default_factory=dict)
    controller_id: int | None = None

    def partition(self, topic_partition: TopicPartition) -> PartitionState | None:
        """Look a partition up; None if it is not known."""
        topic = self.topics.get(topic_partition.topic)
        return topic.partitions.get(topic_partition.partition) if topic else None

    def endpoint(self, node_id: int, listener_name: str) -> Endpoint | None:
        """Give a living broker's endpoint of this listener; None if it is dead or does not have it."""
        broker = self.brokers.get(node_id)
        return broker.endpoints.get(listener_name) if broker else None


class MetadataCache:
    """The latest snapshot, and who wants to hear of a new one."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self._listeners: list[Callable[[], None]] = []

    def topic_name(self, topic_id: UUID) -> str | None:
        """Resolve a topic id; None if no topic has it."""
        topic = self.snapshot.topics_by_id.get(topic_id)
        return topic.name if topic else None

    def topic_id(self, name: str) -> UUID:
        """Give a topic's id; the zero id if the topic is not known or has none."""
        topic = self.snapshot.topics.get(name)
        return topic.topic_id if topic else NO_TOPIC_ID

    def __contains__(self, topic: str) -> bool:
        return topic in self.snapshot.topics

    def partition_count(self, topic: str) -> int | None:
        """Count a topic's known partitions; None if the topic is not known."""
        metadata = self.snapshot.topics.get(topic)
        return len(metadata.partitions) if metadata else None

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after every new snapshot; the returned one ends that. It must not raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def apply(self, request: UpdateMetadataRequest) -> list[TopicPartition]:
        """Take over what the controller says; name the partitions it deleted.

        Brokers are replaced as a whole, partitions one by one.
        """
        before = self.snapshot
        # Copied and changed, not made anew: with a thousand topics each change would cost milliseconds.
        topics, topics_by_id = dict(before.topics), dict(before.topics_by_id)
        deleted = [
            TopicPartition(topic.topic_name, state.partition_index)
            for topic in request.topic_states
            for state in topic.partition_states
            if state.leader == LEADER_DURING_DELETE
        ]
        for topic in request.topic_states:
            known = topics.pop(topic.topic_name, None)
            if known is not None:
                topics_by_id.pop(known.topic_id, None)
            partitions = _updated(known.partitions if known else {}, topic.partition_states)
            if partitions:
                topic_id = (
                    topic.topic_id if topic.topic_id != NO_TOPIC_ID or known is None else known.topic_id
                )
                topics[topic.topic_name] = metadata = TopicMetadata(topic.topic_name, topic_id, partitions)
                if topic_id != NO_TOPIC_ID:
                    topics_by_id[topic_id] = metadata
        self.snapshot = Snapshot(
            brokers=_alive_brokers(request.live_brokers),
            topics=topics,
            topics_by_id=topics_by_id,
            controller_id=request.controller_id if request.controller_id >= 0 else None,
        )
        for listener in tuple(self._listeners):
            listener()
        return deleted


def _updated(
    known: Mapping[int, PartitionState], states: Iterable[UpdateMetadataPartitionState]
) -> dict[int, PartitionState]:
    partitions = dict(known)
    for state in states:
        if state.leader == LEADER_DURING_DELETE:
            partitions.pop(state.partition_index, None)
        else:
            partitions[state.partition_index] = _partition_state(state)
    return partitions


def _partition_state(state: UpdateMetadataPartitionState) -> PartitionState:
    return PartitionState(
        partition=state.partition_index,
        leader=state.leader,
        leader_epoch=state.leader_epoch,
        isr=tuple(state.isr),
        replicas=tuple(state.replicas),
        offline_replicas=tuple(state.offline_replicas),
        partition_epoch=state.zk_version,
        controller_epoch=state.controller_epoch,
    )


def _alive_brokers(brokers: Iterable[UpdateMetadataBroker]) -> dict[int, AliveBroker]:
    """In the order of Kafka's table of them, which is the one that clients are told."""
    alive = {broker.id: _alive_broker(broker) for broker in brokers}
    return {node_id: alive[node_id] for node_id in sized_long_map_order(alive)}


def _alive_broker(broker: UpdateMetadataBroker) -> AliveBroker:
    endpoints = {
        endpoint.listener: Endpoint(
            endpoint.host, endpoint.port, endpoint.listener, SECURITY_PROTOCOLS[endpoint.security_protocol]
        )
        for endpoint in broker.endpoints
    }
    return AliveBroker(broker.id, endpoints, broker.rack)
