"""What a release in KRaft mode (from 4.0) refuses, in its order and words. Pure.

Each function gives the assignment to write, or raises KafkaError.
Source: org.apache.kafka.controller.ReplicationControlManager, checked against a running 4.3.0.
"""

from __future__ import annotations

from odradek.config.broker_config import BrokerConfig
from odradek.config.release import Release
from odradek.controller.assignment import Racks, Start, assign
from odradek.controller.cluster_view import Assignment, ClusterView
from odradek.controller.new_topic import DEFAULT, NewPartitions, NewTopic
from odradek.controller.topic_configs import check_topic_configs
from odradek.errors import KafkaError
from odradek.metadata import topic_names
from odradek.metadata.znodes import TopicAssignment
from odradek.protocol.error_codes import ErrorCode
from odradek.value_object import value_object

_FIRST_WITH_CORDONED_DIRECTORIES = Release(4, 3)


@value_object
class KRaftChecks:
    """The checks of a KRaft controller."""

    release: Release
    drops_what_is_late: bool = True
    """A request whose time-out is zero or less is late at once, and nothing of it is done."""

    def new_topic(self, topic: NewTopic, view: ClusterView, config: BrokerConfig, start: Start) -> Assignment:
        """Check a topic to create."""
        self._check_name(topic.name, view)
        nulls = [name for name, value in topic.configs.items() if value is None]
        if nulls:
            message = f"Null value not supported for topic configs: {','.join(nulls)}"
            raise KafkaError(ErrorCode.INVALID_CONFIG, message)
        check_topic_configs(config, topic.configs)
        if topic.assignments:
            return self._given_topic(topic, view.racks)
        partitions, factor = topic.partition_count, topic.replication_factor
        if factor < DEFAULT or factor == 0:
            raise KafkaError(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            )
        if partitions < DEFAULT or partitions == 0:
            message = "Number of partitions was set to an invalid non-positive value."
            raise KafkaError(ErrorCode.INVALID_PARTITIONS, message)
        factor = config.int("default.replication.factor") if factor == DEFAULT else factor
        unreachable = self._unreachable(factor, view.racks)
        if unreachable:
            message = f"Unable to replicate the partition {factor} time(s): {unreachable}"
            raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
        count = config.int("num.partitions") if partitions == DEFAULT else partitions
        return assign(_known_racks(view.racks), count, factor, start)

    def _check_name(self, name: str, view: ClusterView) -> None:
        if name in view.stored:
            raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
        topic_names.validate(name)
        colliding = topic_names.colliding(name, view.stored)
        if colliding:
            message = f"Topic '{name}' collides with existing topic: {min(colliding)}"
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, message)

    def _given_topic(self, topic: NewTopic, racks: Racks) -> Assignment:
        given = "A manual partition assignment was specified, but"
        if topic.replication_factor != DEFAULT:
            message = f"{given} replication factor was not set to -1."
            raise KafkaError(ErrorCode.INVALID_REQUEST, message)
        if topic.partition_count != DEFAULT:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"{given} numPartitions was not set to -1.")
        assignment: dict[int, tuple[int, ...]] = {}
        factor: int | None = None
        for partition, replicas in topic.assignments:
            if partition in assignment:
                raise _invalid_assignment(
                    f"Found multiple manual partition assignments for partition {partition}"
                )
            _check_replicas(replicas, factor, racks)
            factor = len(replicas)
            assignment[partition] = replicas
        if sorted(assignment) != list(range(len(assignment))):
            raise _invalid_assignment("partitions should be a consecutive 0-based integer sequence")
        return assignment

    def new_partitions(
        self, wanted: NewPartitions, existing: TopicAssignment | None, view: ClusterView
    ) -> Assignment:
        """Check partitions to add; gives the new ones only."""
        if existing is None or not existing.partitions or wanted.topic in view.marked_for_deletion:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        count = len(existing.partitions)
        if wanted.count == count:
            message = f"Topic already has {count} partition(s)."
            raise KafkaError(ErrorCode.INVALID_PARTITIONS, message)
        if wanted.count < count:
            raise KafkaError(
                ErrorCode.INVALID_PARTITIONS,
                f"The topic {wanted.topic} currently has {count} partition(s); "
                f"{wanted.count} would not be an increase.",
            )
        factor = len(existing.partitions[0].replicas)
        additional = wanted.count - count
        if wanted.assignments is not None:
            if len(wanted.assignments) != additional:
                raise _invalid_assignment(
                    f"Attempted to add {additional} additional partition(s), "
                    f"but only {len(wanted.assignments)} assignment(s) were specified."
                )
            for replicas in wanted.assignments:
                _check_replicas(replicas, factor, view.racks)
            return {count + index: replicas for index, replicas in enumerate(wanted.assignments)}
        unreachable = self._unreachable(factor, view.racks)
        if unreachable:
            raise KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, unreachable)
        start = Start(count, count)
        return assign(_known_racks(view.racks), additional, factor, start, first_partition=count)

    def _unreachable(self, replication_factor: int, racks: Racks) -> str | None:
        """Say why there cannot be so many replicas; None if there can."""
        if replication_factor <= len(racks):
            return None
        cordoned = (
            " or some brokers have all their log directories cordoned"
            if self.release >= _FIRST_WITH_CORDONED_DIRECTORIES
            else ""
        )
        return (
            f"The target replication factor of {replication_factor} cannot be reached because only "
            f"{len(racks)} broker(s) are registered{cordoned}."
        )


def _known_racks(racks: Racks) -> Racks:
    """A KRaft controller places by rack even when some brokers have none: those are in a rack together."""
    return {node_id: rack or "" for node_id, rack in racks.items()} if any(racks.values()) else racks


def _invalid_assignment(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)


def _check_replicas(replicas: tuple[int, ...], replication_factor: int | None, racks: Racks) -> None:
    given = "The manual partition assignment includes"
    if not replicas:
        raise _invalid_assignment(f"{given} an empty replica list.")
    previous: int | None = None
    for node_id in sorted(replicas):
        if node_id not in racks:
            raise _invalid_assignment(f"{given} broker {node_id}, but no such broker is registered.")
        if node_id == previous:
            raise _invalid_assignment(f"{given} the broker {node_id} more than once.")
        previous = node_id
    if replication_factor is not None and len(replicas) != replication_factor:
        raise _invalid_assignment(
            f"{given} a partition with {len(replicas)} replica(s), but this is not consistent "
            f"with previous partitions, which have {replication_factor} replica(s)."
        )
