"""Offsets that consumers of Kafka 0.8 commit: OffsetCommit 0 and OffsetFetch 0 keep them in the tree.

They are decimal numbers at /consumers/<group>/offsets/<topic>/<partition>, apart from everything that
groups commit to their coordinator. Kafka: KafkaZkClient.setOrCreateConsumerOffset, getConsumerOffset.
"""

from __future__ import annotations

from odradek.coordination.store import Create, MetadataStore, NodeExists, NoNode, Set, find_node
from odradek.errors import KafkaError
from odradek.metadata.paths import CONSUMERS, reason_impossible
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode


def _path(group_id: str, topic_partition: TopicPartition) -> str:
    """Where the offset is. Raises KafkaError: UNKNOWN_SERVER_ERROR for a group that no znode is called by."""
    topic, partition = topic_partition.topic, topic_partition.partition
    path = f"{CONSUMERS}/{group_id}/offsets/{topic}/{partition}"
    if reason := reason_impossible(path):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, reason)
    return path


async def read_consumer_offset(
    store: MetadataStore, group_id: str, topic_partition: TopicPartition
) -> int | None:
    """The offset; None when nobody has committed one. Raises KafkaError as `_path`."""
    node = await find_node(store, _path(group_id, topic_partition))
    return int(node.data) if node is not None and node.data else None


async def write_consumer_offset(
    store: MetadataStore, group_id: str, topic_partition: TopicPartition, offset: int
) -> None:
    """Set the offset, making whatever nodes are missing on the way to it. Raises KafkaError as `_path`."""
    path = _path(group_id, topic_partition)
    data = str(offset).encode()
    try:
        await store.commit(Set(path, data))
        return
    except NoNode:
        pass
    steps = path.split("/")[2:]
    for depth in range(1, len(steps)):
        try:
            await store.commit(Create("/".join([CONSUMERS, *steps[:depth]])))
        except NodeExists:
            continue
    try:
        await store.commit(Create(path, data))
    except NodeExists:
        await store.commit(Set(path, data))
