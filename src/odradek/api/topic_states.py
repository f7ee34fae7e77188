"""Topic states: partitions in the later versions of the controller's requests, each under its topic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar


class PartitionState(Protocol):
    """A partition of an earlier version, which says itself of which topic."""

    topic_name: str


class TopicState(Protocol):
    """A topic of a later version."""

    partition_states: list[Any]


T = TypeVar("T", bound=TopicState)


def group_by_topic(states: Iterable[PartitionState], new_topic: Callable[[str], T]) -> list[T]:
    """The topics in the order in which they are named first, each with its partitions."""
    topics: dict[str, T] = {}
    for state in states:
        topic = topics.get(state.topic_name)
        if topic is None:
            topic = topics[state.topic_name] = new_topic(state.topic_name)
        topic.partition_states.append(state)
    return list(topics.values())
