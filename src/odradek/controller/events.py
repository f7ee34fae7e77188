"""What can happen to a controller, as values: each is what was read again after a wake, or an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from odradek.controller.state import Leadership, LiveBroker
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import TopicAssignment


@dataclass(frozen=True, slots=True)
class Elected:
    """This broker is the controller now, and this is the whole cluster as the store has it.

    The brokers in `stopped` led and followed nothing for a while, though they are back.
    """

    brokers: Mapping[int, LiveBroker]
    topics: Mapping[str, TopicAssignment]
    leadership: Mapping[TopicPartition, Leadership]
    deletions: frozenset[str]
    stopped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class BrokersChanged:
    """These brokers are registered now."""

    brokers: Mapping[int, LiveBroker]


@dataclass(frozen=True, slots=True)
class TopicsChanged:
    """Some topics are new or assigned otherwise, others are gone."""

    changed: Mapping[str, TopicAssignment]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DeletionsChanged:
    """These topics are to be deleted now; some may not exist."""

    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReplicasStopped:
    """A broker answered StopReplica; error codes by partition, 0 for the replicas it deleted."""

    node_id: int
    errors: Mapping[TopicPartition, int]


Event = Elected | BrokersChanged | TopicsChanged | DeletionsChanged | ReplicasStopped
