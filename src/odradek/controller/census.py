"""Reading the cluster from the store: who is registered, which topics there are, who leads.

A node that vanishes between being listed and read is not there; one that cannot be read is left out and
logged, so that one broken node does not take the cluster with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from odradek.controller.events import Elected
from odradek.controller.state import Leadership, LiveBroker
from odradek.coordination.store import MetadataStore, Node, NoNode
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import BrokerRegistration, LeaderAndIsr, TopicAssignment
from odradek.telemetry import get_logger

_log = get_logger(__name__)

Value = TypeVar("Value")


async def read_cluster(store: MetadataStore) -> Elected:
    """Read everything that a new controller has to know."""
    topics = await read_topics(store, await store.children(paths.TOPICS))
    leadership: dict[TopicPartition, Leadership] = {}
    for name, topic in topics.items():
        leadership |= await read_leadership(store, [TopicPartition(name, n) for n in topic.partitions])
    return Elected(
        brokers=await read_brokers(store),
        topics=topics,
        leadership=leadership,
        deletions=await store.children(paths.DELETE_TOPICS),
    )


async def read_brokers(store: MetadataStore) -> dict[int, LiveBroker]:
    """Read every registration."""
    brokers: dict[int, LiveBroker] = {}
    for name in await store.children(paths.BROKER_IDS):
        node_id = int(name)
        read = await _read(store, paths.broker_id(node_id), BrokerRegistration.decode)
        if read is not None:
            node, registration = read
            brokers[node_id] = LiveBroker(node_id, node.czxid, registration)
    return brokers


async def read_topics(store: MetadataStore, names: Iterable[str]) -> dict[str, TopicAssignment]:
    """Read topics' ids and assignments."""
    topics: dict[str, TopicAssignment] = {}
    for name in sorted(names):
        read = await _read(store, paths.topic(name), TopicAssignment.decode)
        if read is not None:
            topics[name] = read[1]
    return topics


async def read_leadership(
    store: MetadataStore, partitions: Iterable[TopicPartition]
) -> Mapping[TopicPartition, Leadership]:
    """Read partitions' states; those never led have none."""
    leadership: dict[TopicPartition, Leadership] = {}
    for topic_partition in partitions:
        read = await _read(store, paths.partition_state(topic_partition), LeaderAndIsr.decode)
        if read is not None:
            node, leader_and_isr = read
            leadership[topic_partition] = Leadership(leader_and_isr, node.version)
    return leadership


async def _read(
    store: MetadataStore, path: str, decode: Callable[[bytes], Value]
) -> tuple[Node, Value] | None:
    try:
        node = await store.get(path)
    except NoNode:
        return None
    try:
        return node, decode(node.data)
    except (ValueError, KeyError, TypeError):
        _log.error("unreadable node left out", path=path, data=node.data)
        return None
