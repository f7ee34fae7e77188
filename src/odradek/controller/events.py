"""What can happen to a controller, as values: what was read again after a wake, an answer, the time.

What brokers and clients ask of it is in `commands`.
"""

from __future__ import annotations

from collections.abc import Mapping

from odradek.controller.commands import Command
from odradek.controller.state import Leadership, LiveBroker, Replica
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import TopicAssignment
from odradek.value_object import value_object


@value_object
class Elected:
    """This broker is the controller now, and this is the whole cluster as the store has it.

    The brokers in `stopped` led and followed nothing for a while, though they are back.
    """

    brokers: Mapping[int, LiveBroker]
    topics: Mapping[str, TopicAssignment]
    leadership: Mapping[TopicPartition, Leadership]
    deletions: frozenset[str]
    stopped: frozenset[int] = frozenset()


@value_object
class BrokersChanged:
    """These brokers are registered now."""

    brokers: Mapping[int, LiveBroker]


@value_object
class TopicsChanged:
    """Some topics are new or assigned otherwise, others are gone."""

    changed: Mapping[str, TopicAssignment]
    gone: frozenset[str] = frozenset()


@value_object
class LeadershipRead:
    """Leaders changed ISRs in the store by themselves and said so (/isr_change_notification)."""

    leadership: Mapping[TopicPartition, Leadership]


@value_object
class LogDirsFailed:
    """These brokers said that a log directory failed (/log_dir_event_notification), not what was in it."""

    brokers: frozenset[int]


@value_object
class ReplicasAnswered:
    """A broker answered LeaderAndIsr: the replicas that it has, and those whose log directory failed."""

    online: frozenset[Replica]
    failed: frozenset[Replica]


@value_object
class DeletionsChanged:
    """These topics are to be deleted now; some may not exist."""

    topics: frozenset[str]


@value_object
class DeletionsResumed:
    """What kept these topics from being deleted is over."""

    topics: tuple[str, ...]


@value_object
class ReplicasStopped:
    """A broker answered StopReplica; error codes by partition, 0 for the replicas it deleted."""

    node_id: int
    errors: Mapping[TopicPartition, int]


@value_object
class ReassignmentNodeRead:
    """/admin/reassign_partitions asks for these replicas; nothing where there is no such node."""

    targets: Mapping[TopicPartition, tuple[int, ...]]


@value_object
class ReassignmentsContinued:
    """These partitions, if they are being reassigned, may be done, or their new brokers are back."""

    partitions: tuple[TopicPartition, ...]
    is_restart: bool = False
    """Tell the new replicas again, even where nothing is done."""


@value_object
class PreferredElectionNodeRead:
    """/admin/preferred_replica_election asks for these partitions' first replicas to lead."""

    partitions: tuple[TopicPartition, ...]


@value_object
class RebalanceDue:
    """It is time to see whether brokers lead what they should (auto.leader.rebalance.enable)."""


@value_object
class UncleanElectionEnabled:
    """A topic, or with None every one, may now be led by a replica that is not in sync."""

    topic: str | None = None


Event = (
    Elected
    | BrokersChanged
    | TopicsChanged
    | LeadershipRead
    | LogDirsFailed
    | ReplicasAnswered
    | DeletionsChanged
    | DeletionsResumed
    | ReplicasStopped
    | ReassignmentNodeRead
    | ReassignmentsContinued
    | PreferredElectionNodeRead
    | RebalanceDue
    | UncleanElectionEnabled
    | Command
)
