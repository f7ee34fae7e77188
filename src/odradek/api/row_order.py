"""In which order the rows of an answer come that Kafka collects in maps keyed by partition.

Each function follows the tables that the rows go through from the request to the answer; rows of one topic
that end up apart are answered together, where its first one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from odradek.metadata.hash_order import (
    identified_partition_hash,
    java_hash,
    java_order,
    partition_hash,
    scala_immutable_order,
    scala_order,
    scala_trie_order,
)
from odradek.protocol.message import ZERO_UUID


class Row(NamedTuple):
    """A partition of an answer; `topic_id` None where Kafka's key has none: an id costs time to hash."""

    topic: str
    partition: int
    topic_id: UUID | None = None


def produced(
    taken: Iterable[Row], unknown: Iterable[Row], invalid: Iterable[Row], *, with_ids: bool
) -> list[Row]:
    """What was handed to the log, then what does not exist, then what is not valid: up to four rows.

    More become one large immutable map. Kafka: KafkaApis.handleProduceRequest; `with_ids` since 4.1.
    """
    hash_code = _hash_with_id if with_ids else _hash
    appended = scala_order(taken, hash_code)
    if with_ids:
        appended = java_order(appended, hash_code)
    rows = [*appended, *scala_order(unknown, hash_code), *scala_order(invalid, hash_code)]
    return scala_immutable_order(rows, hash_code)


def refused(rows: Iterable[Row], *, with_ids: bool) -> list[Row]:
    """All partitions of a Produce that failed as a whole. Kafka: ProduceRequest.partitionSizes."""
    return java_order(rows, _hash_with_id if with_ids else _hash)


def deleted(led: Iterable[Row], unknown: Iterable[Row]) -> list[Row]:
    """Rows of DeleteRecords: those of partitions that exist, and of others.

    Kafka: KafkaApis.handleDeleteRecordsRequest.
    """
    led, unknown = list(led), scala_order(unknown, _hash)
    if led:
        return _by_topic([*led, *unknown], lambda rows: scala_order(rows, _hash))
    return _by_topic(scala_immutable_order(unknown, _hash), lambda rows: scala_immutable_order(rows, _hash))


def listed(rows: Iterable[Row]) -> list[Row]:
    """Rows of ListOffsets since 4.0; before, they come as asked. Kafka: ReplicaManager.fetchOffset."""
    return _by_topic(scala_order(rows, _hash), lambda group: scala_order(group, _hash))


def relocated(rows: Iterable[Row]) -> list[Row]:
    """Rows of AlterReplicaLogDirs. Kafka: KafkaApis.handleAlterReplicaLogDirsRequest."""
    return _by_topic(scala_order(rows, _hash), lambda group: scala_order(group, _hash))


def decided(rows: Iterable[Row]) -> list[Row]:
    """Rows of what a controller in ZooKeeper mode answers: elections, moves of replicas."""
    return _by_topic(scala_order(rows, _hash), lambda group: scala_order(group, _hash))


def _by_topic(rows: Iterable[Row], order: Callable[[list[Row]], list[Row]]) -> list[Row]:
    """What Scala's `groupBy` makes: a map of topics, each with a map like the one that was split."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.topic, []).append(row)
    return [row for topic in scala_trie_order(groups, java_hash) for row in order(groups[topic])]


def _hash(row: Row) -> int:
    return partition_hash(row.topic, row.partition)


def _hash_with_id(row: Row) -> int:
    return identified_partition_hash(row.topic_id or ZERO_UUID, row.topic, row.partition)
