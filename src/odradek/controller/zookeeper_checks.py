"""What a release in ZooKeeper mode (up to 3.9) refuses, in its order and words. Pure.

Each function gives the assignment to write, or raises KafkaError.
Source: kafka.server.ZkAdminManager, kafka.zk.AdminZkClient.
"""

from __future__ import annotations

from collections.abc import Mapping

from odradek.config.broker_config import BrokerConfig
from odradek.controller.assignment import Racks, Start, assign
from odradek.controller.cluster_view import Assignment, ClusterView
from odradek.controller.new_topic import DEFAULT, NewPartitions, NewTopic
from odradek.controller.topic_configs import check_topic_configs
from odradek.errors import KafkaError
from odradek.metadata import topic_names
from odradek.metadata.znodes import TopicAssignment
from odradek.protocol.error_codes import ErrorCode


class ZooKeeperChecks:
    """The checks of a ZooKeeper-mode broker."""

    drops_what_is_late = False
    """A time-out of zero or less only means not to wait: what was asked for is done all the same."""

    def new_topic(self, topic: NewTopic, view: ClusterView, config: BrokerConfig, start: Start) -> Assignment:
        """Check a topic to create."""
        if topic.name in view.known:
            raise _exists(topic.name)
        nulls = [name for name, value in topic.configs.items() if value is None]
        if nulls:
            message = f"Null value not supported for topic configs: {','.join(nulls)}"
            raise KafkaError(ErrorCode.INVALID_CONFIG, message)
        assignment = _assignment(topic, view.racks, config, start)
        self._check_name(topic.name, view)
        _check_assignment(assignment)
        check_topic_configs(config, topic.configs)
        return assignment

    def _check_name(self, name: str, view: ClusterView) -> None:
        topic_names.validate(name)
        if name in view.marked_for_deletion:
            raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' is marked for deletion.")
        if name in view.stored:
            raise _exists(name)
        colliding = topic_names.colliding(name, view.stored)
        if colliding:
            message = f"Topic '{name}' collides with existing topics: {', '.join(sorted(colliding))}"
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, message)

    def new_partitions(
        self, wanted: NewPartitions, existing: TopicAssignment | None, view: ClusterView
    ) -> Assignment:
        """Check partitions to add; gives the new ones only."""
        topic = wanted.topic
        if topic in view.marked_for_deletion:
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, "The topic is queued for deletion.")
        if existing is None or not existing.partitions:
            message = f"The topic '{topic}' does not exist."
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
        if any(replicas.is_being_reassigned for replicas in existing.partitions.values()):
            message = f"A partition reassignment is in progress for the topic '{topic}'."
            raise KafkaError(ErrorCode.REASSIGNMENT_IN_PROGRESS, message)
        count = len(existing.partitions)
        if wanted.count < count:
            raise _invalid_partitions(
                f"Topic currently has {count} partitions, which is higher than the requested {wanted.count}."
            )
        if wanted.count == count:
            raise _invalid_partitions(f"Topic already has {count} partitions.")
        first_replicas = existing.partitions[0].replicas
        if wanted.assignments is not None:
            return _given_partitions(wanted, count, len(first_replicas), view.racks)
        position = _position(view.racks, first_replicas)
        return assign(
            view.racks,
            wanted.count - count,
            len(first_replicas),
            Start(position, position),
            first_partition=count,
        )


def _exists(name: str) -> KafkaError:
    return KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")


def _invalid_partitions(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_PARTITIONS, message)


def _invalid_assignment(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)


def _assignment(topic: NewTopic, racks: Racks, config: BrokerConfig, start: Start) -> Assignment:
    counts_given = topic.partition_count != DEFAULT or topic.replication_factor != DEFAULT
    if topic.assignments and counts_given:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            "Both numPartitions or replicationFactor and replicasAssignments were set. "
            "Both cannot be used at the same time.",
        )
    if topic.assignments:
        return dict(topic.assignments)
    partitions, factor = topic.partition_count, topic.replication_factor
    return assign(
        racks,
        config.int("num.partitions") if partitions == DEFAULT else partitions,
        config.int("default.replication.factor") if factor == DEFAULT else factor,
        start,
    )


def _check_assignment(assignment: Assignment) -> None:
    if len({len(replicas) for replicas in assignment.values()}) != 1:
        raise _invalid_assignment("All partitions should have the same number of replicas")
    if any(len(replicas) != len(set(replicas)) for replicas in assignment.values()):
        raise _invalid_assignment(f"Duplicate replica assignment found: {_as_scala(assignment)}")
    numbers = [number for number in assignment if number >= 0]
    if sum(numbers) != len(assignment) * (len(assignment) - 1) // 2:
        raise _invalid_assignment("partitions should be a consecutive 0-based integer sequence")
    if len(numbers) < len(assignment):
        # Kafka's sum leaves them out, so they pass, and then it fails.
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)


def _as_scala(assignment: Mapping[int, tuple[int, ...]]) -> str:
    """Show an assignment as Kafka's message does."""
    lists = (
        f"{partition} -> ArrayBuffer({', '.join(map(str, assignment[partition]))})"
        for partition in sorted(assignment)
    )
    return f"HashMap({', '.join(lists)})"


def _given_partitions(wanted: NewPartitions, count: int, replication_factor: int, racks: Racks) -> Assignment:
    assert wanted.assignments is not None
    unknown = dict.fromkeys(node for replicas in wanted.assignments for node in replicas if node not in racks)
    if unknown:
        raise _invalid_assignment(f"Unknown broker(s) in replica assignment: {', '.join(map(str, unknown))}.")
    increment = wanted.count - count
    if len(wanted.assignments) != increment:
        raise _invalid_assignment(
            f"Increasing the number of partitions by {increment} "
            f"but {len(wanted.assignments)} assignments provided."
        )
    assignment = {count + index: replicas for index, replicas in enumerate(wanted.assignments)}
    for partition, replicas in assignment.items():
        if not replicas:
            raise _invalid_assignment(f"Cannot have replication factor of 0 for partition id {partition}.")
        if len(replicas) != len(set(replicas)):
            raise _invalid_assignment(
                "Duplicate brokers not allowed in replica assignment: "
                f"{', '.join(map(str, replicas))} for partition id {partition}."
            )
    bad = {p: len(replicas) for p, replicas in assignment.items() if len(replicas) != replication_factor}
    if bad:
        raise _invalid_assignment(
            "Inconsistent replication factor between partitions, "
            f"partition 0 has {replication_factor} while partitions [{', '.join(map(str, bad))}] have "
            f"replication factors [{', '.join(map(str, bad.values()))}], respectively."
        )
    return assignment


def _position(racks: Racks, first_replicas: tuple[int, ...]) -> int:
    """The position of the first broker that is not before the leader of partition 0."""
    brokers = sorted(racks)
    return next((at for at, node_id in enumerate(brokers) if node_id >= first_replicas[0]), 0)
