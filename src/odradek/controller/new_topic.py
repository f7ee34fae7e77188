"""A topic, or partitions, that somebody wants; plain values between the APIs and TopicAdmin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from uuid import UUID

from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.value_object import value_object

DEFAULT = -1
"""The partition count or replication factor that leaves it to the broker, or to the assignment."""


@value_object
class NewTopic:
    """A topic as CreateTopics asks for it.

    `assignments` are pairs of a partition and its brokers, as sent: repeated and missing partitions too.
    A config's value is None where the client sent null, which is refused.
    """

    name: str
    partition_count: int = DEFAULT
    replication_factor: int = DEFAULT
    assignments: tuple[tuple[int, tuple[int, ...]], ...] = ()
    configs: Mapping[str, str | None] = field(default_factory=dict)


@value_object
class CreatedTopic:
    """How the creation of one topic ended; the rest has a meaning when `code` is 0.

    A topic that was created but has no leader in time has an id and the code REQUEST_TIMED_OUT.
    """

    code: int
    message: str | None = None
    topic_id: UUID = NO_TOPIC_ID
    partition_count: int = -1
    replication_factor: int = -1
    configs: Mapping[str, str] = field(default_factory=dict)
    """The topic's own configs."""


@value_object
class NewPartitions:
    """More partitions of a topic: `count` in all; `assignments` give the new ones' brokers, if anything."""

    topic: str
    count: int
    assignments: tuple[tuple[int, ...], ...] | None = None


@value_object
class Outcome:
    """How one topic's part of a request ended."""

    code: int = 0
    message: str | None = None
