"""Where a new partition's replicas go: round robin over brokers, alternating racks. Pure.

The first replica of each partition goes to the next broker from a starting point; its further ones follow
at a shift that grows with each round, so that partitions with one leader have different followers. With
racks the brokers are ordered rack by rack in turns, and a replica goes where its rack and broker have none
yet, as long as there is such a place. Source: org.apache.kafka.admin.AdminUtils.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, zip_longest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.value_object import value_object

Racks = Mapping[int, str | None]
"""The rack of each broker, by id."""


@value_object
class Start:
    """Where to begin, as positions in the list of brokers; drawn at random for a new topic."""

    leader: int
    shift: int


def assign(
    racks: Racks, partition_count: int, replication_factor: int, start: Start, *, first_partition: int = 0
) -> dict[int, tuple[int, ...]]:
    """Assign replicas to this many partitions, numbered from `first_partition`.

    Raises INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, and UNKNOWN_SERVER_ERROR when only some brokers
    have a rack: Kafka's AdminOperationException has no code of its own.
    """
    if partition_count <= 0:
        raise KafkaError(ErrorCode.INVALID_PARTITIONS, "Number of partitions must be larger than 0.")
    if replication_factor <= 0:
        message = "Replication factor must be larger than 0."
        raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
    if replication_factor > len(racks):
        message = f"Replication factor: {replication_factor} larger than available brokers: {len(racks)}."
        raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
    rack_of = {node_id: rack for node_id, rack in racks.items() if rack is not None}
    if rack_of and len(rack_of) < len(racks):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    brokers = by_alternating_racks(rack_of) if rack_of else sorted(racks)
    partitions: dict[int, tuple[int, ...]] = {}
    shift = start.shift
    for partition in range(first_partition, first_partition + partition_count):
        if partition > 0 and partition % len(brokers) == 0:
            shift += 1
        leader = (partition + start.leader) % len(brokers)
        if rack_of:
            replicas = _replicas_over_racks(brokers, rack_of, leader, shift, replication_factor)
        else:
            replicas = _replicas(brokers, leader, shift, replication_factor)
        partitions[partition] = replicas
    return partitions


def by_alternating_racks(rack_of: Mapping[int, str]) -> list[int]:
    """Order brokers so that neighbours are in different racks: the first of each rack, then the second..."""
    racks: dict[str, list[int]] = {}
    for node_id in sorted(rack_of):
        racks.setdefault(rack_of[node_id], []).append(node_id)
    turns = zip_longest(*(racks[rack] for rack in sorted(racks)))
    return [node_id for turn in turns for node_id in turn if node_id is not None]


def _replicas(brokers: Sequence[int], leader: int, shift: int, replication_factor: int) -> tuple[int, ...]:
    followers = (_follower(brokers, leader, shift, turn) for turn in range(replication_factor - 1))
    return (brokers[leader], *followers)


def _replicas_over_racks(
    brokers: Sequence[int], rack_of: Mapping[int, str], leader: int, shift: int, replication_factor: int
) -> tuple[int, ...]:
    all_racks = set(rack_of.values())
    replicas = [brokers[leader]]
    racks = {rack_of[brokers[leader]]}
    turns = count()
    while len(replicas) < replication_factor:
        node_id = _follower(brokers, leader, shift * len(all_racks), next(turns))
        rack_is_free = rack_of[node_id] not in racks or racks == all_racks
        if rack_is_free and node_id not in replicas:
            replicas.append(node_id)
            racks.add(rack_of[node_id])
    return tuple(replicas)


def _follower(brokers: Sequence[int], leader: int, shift: int, turn: int) -> int:
    return brokers[(leader + 1 + (shift + turn) % (len(brokers) - 1)) % len(brokers)]
