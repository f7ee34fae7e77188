"""Where everything lies in ZooKeeper: the paths of Kafka 3.9 (`kafka.zk.ZkData`)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from odradek.metadata.topic_partition import TopicPartition

CONSUMERS = "/consumers"

CLUSTER_ID = "/cluster/id"

BROKERS = "/brokers"
BROKER_IDS = f"{BROKERS}/ids"
TOPICS = f"{BROKERS}/topics"
BROKER_SEQUENCE_ID = f"{BROKERS}/seqid"

CONTROLLER = "/controller"
CONTROLLER_EPOCH = "/controller_epoch"
FEATURE = "/feature"
PRODUCER_ID_BLOCK = "/latest_producer_id_block"

CONFIG = "/config"
CONFIG_CHANGES = f"{CONFIG}/changes"
CONFIG_TYPES = ("users", "topics", "clients", "brokers", "ips")

ADMIN = "/admin"
DELETE_TOPICS = f"{ADMIN}/delete_topics"
REASSIGN_PARTITIONS = f"{ADMIN}/reassign_partitions"
PREFERRED_REPLICA_ELECTION = f"{ADMIN}/preferred_replica_election"

ISR_CHANGE_NOTIFICATION = "/isr_change_notification"
LOG_DIR_EVENT_NOTIFICATION = "/log_dir_event_notification"

PERSISTENT = (
    CONSUMERS,
    BROKER_IDS,
    TOPICS,
    CONFIG_CHANGES,
    DELETE_TOPICS,
    BROKER_SEQUENCE_ID,
    ISR_CHANGE_NOTIFICATION,
    PRODUCER_ID_BLOCK,
    LOG_DIR_EVENT_NOTIFICATION,
    *(f"{CONFIG}/{entity_type}" for entity_type in CONFIG_TYPES),
)
"""What every broker makes sure of when it starts, parents included (ZkData.PersistentZkPaths)."""


_NOWHERE = (("\x01", "\x1f"), ("\x7f", "\x9f"), ("\ud800", "\uf8ff"), ("\ufff0", "\uffff"))
"""Characters, from first to last, that ZooKeeper allows in no path; Java sees the two surrogates of one past
U+FFFF. No regular expression: to compile this one takes 0.7 ms of each start."""


def reason_impossible(path: str) -> str | None:
    """Say in ZooKeeper's words why no node can have an absolute path; None if one can.

    Source: org.apache.zookeeper.common.PathUtils.
    """
    if path.endswith("/"):
        return "Path must not end with / character"
    units = path.encode("utf-16-be", "surrogatepass")
    chars = [chr(unit) for unit in struct.unpack(f">{len(units) // 2}H", units)]
    for at in range(1, len(chars)):
        reason = _reason_impossible_at(chars, at)
        if reason is not None:
            return f'Invalid path string "{path}" caused by {reason} @{at}'
    return None


def _reason_impossible_at(chars: Sequence[str], at: int) -> str | None:
    char, before = chars[at], chars[at - 1]
    if char == "\0":
        return "null character not allowed"
    if char == before == "/":
        return "empty node name specified"
    if char == "." and chars[at + 1 : at + 2] in ([], ["/"]):
        step = before if before == "/" else chars[at - 2] if before == "." else ""
        return "relative paths not allowed" if step == "/" else None
    return "invalid character" if any(first <= char <= last for first, last in _NOWHERE) else None


def broker_id(node_id: int) -> str:
    """A broker's registration, ephemeral."""
    return f"{BROKER_IDS}/{node_id}"


def topic(name: str) -> str:
    """A topic's id and assignment."""
    return f"{TOPICS}/{name}"


def topic_partitions(name: str) -> str:
    """The parent of a topic's partitions."""
    return f"{TOPICS}/{name}/partitions"


def partition(topic_partition: TopicPartition) -> str:
    """The parent of a partition's state."""
    return f"{topic_partitions(topic_partition.topic)}/{topic_partition.partition}"


def partition_state(topic_partition: TopicPartition) -> str:
    """A partition's leader and ISR."""
    return f"{partition(topic_partition)}/state"


def config(entity_type: str, entity_name: str) -> str:
    """The dynamic configs of a topic, broker, client, user or address."""
    return f"{CONFIG}/{entity_type}/{entity_name}"


def delete_topic(name: str) -> str:
    """The wish to delete a topic; gone when that is done."""
    return f"{DELETE_TOPICS}/{name}"


def with_parents(path: str) -> tuple[str, ...]:
    """Give a path preceded by its parents, outermost first, without the root."""
    names = path.split("/")[1:]
    return tuple("/" + "/".join(names[:depth]) for depth in range(1, len(names) + 1))
