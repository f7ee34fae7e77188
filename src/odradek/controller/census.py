"""Reading the cluster from the store: who is registered, which topics there are, who leads.

A node that vanishes between being listed and read is not there; one that cannot be read is left out and
logged, so that one broken node does not take the cluster with it. Many nodes are asked for at once, because
each answer of an ensemble takes its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

from odradek.controller.events import Elected
from odradek.controller.state import Leadership, LiveBroker
from odradek.coordination.reads import at_once
from odradek.coordination.store import MetadataStore, Node, find_node
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import NO_LEADER, BrokerRegistration, LeaderAndIsr, TopicAssignment
from odradek.telemetry import get_logger

_log = get_logger(__name__)

Key = TypeVar("Key")
Value = TypeVar("Value")


async def read_cluster(store: MetadataStore) -> Elected:
    """Read everything that a new controller has to know.

    The wishes to delete come first: whatever a wish names was there before it, and is read after it.
    """
    deletions = await store.children(paths.DELETE_TOPICS)
    topics = await read_topics(store, await store.children(paths.TOPICS))
    partitions = [TopicPartition(name, n) for name, topic in topics.items() for n in topic.partitions]
    return Elected(
        brokers=await read_brokers(store),
        topics=topics,
        leadership=await read_leadership(store, partitions),
        deletions=deletions,
    )


async def read_brokers(store: MetadataStore) -> dict[int, LiveBroker]:
    """Read every registration, the lowest id first."""
    ids = sorted(int(name) for name in await store.children(paths.BROKER_IDS))
    read = await read_nodes(store, {node: paths.broker_id(node) for node in ids}, BrokerRegistration.decode)
    return {node_id: LiveBroker(node_id, node.czxid, known) for node_id, (node, known) in read.items()}


async def read_topics(store: MetadataStore, names: Iterable[str]) -> dict[str, TopicAssignment]:
    """Read topics' ids and assignments, sorted by name."""
    nodes = {name: paths.topic(name) for name in sorted(names)}
    read = await read_nodes(store, nodes, TopicAssignment.decode)
    return {name: replace(topic, version=node.version) for name, (node, topic) in read.items()}


async def read_leadership(
    store: MetadataStore, partitions: Iterable[TopicPartition]
) -> Mapping[TopicPartition, Leadership]:
    """Read partitions' states; those never led have none.

    One that cannot be read is led by nobody, and nobody can be elected: Kafka, too, fails in that one only.
    """
    nodes = {topic_partition: paths.partition_state(topic_partition) for topic_partition in partitions}
    read = await read_nodes(store, nodes, bytes)
    return {tp: Leadership(_state(nodes[tp], data), node.version) for tp, (node, data) in read.items()}


def _state(path: str, data: bytes) -> LeaderAndIsr:
    try:
        return LeaderAndIsr.decode(data)
    except (ValueError, KeyError, TypeError):
        _log.error("unreadable partition state, nobody can lead by it", path=path, data=data)
        return LeaderAndIsr(NO_LEADER, 0, (), 0)


@runtime_checkable
class ReadsMany(Protocol):
    """A store that has a faster way to read many nodes."""

    async def get_many(self, paths: Sequence[str]) -> list[Node | None]:
        """Read nodes; None where there is none."""


async def read_nodes(
    store: MetadataStore, nodes: Mapping[Key, str], decode: Callable[[bytes], Value]
) -> dict[Key, tuple[Node, Value]]:
    """Read nodes by their paths; those that are not there or cannot be read are left out."""
    asked = list(nodes.values())
    if isinstance(store, ReadsMany):
        found = await store.get_many(asked)
    else:
        found = await at_once([partial(find_node, store, path) for path in asked])
    read: dict[Key, tuple[Node, Value]] = {}
    for (key, path), node in zip(nodes.items(), found, strict=True):
        if node is not None:
            try:
                read[key] = node, decode(node.data)
            except (ValueError, KeyError, TypeError):
                _log.error("unreadable node left out", path=path, data=node.data)
    return read
