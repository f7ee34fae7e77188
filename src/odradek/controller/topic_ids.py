"""Topic ids for topics that have none: of a Kafka before 2.8, or written by a tool of those days. Pure.

Source: KIP-516, KafkaController.processTopicIds, KafkaZkClient.setTopicIds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from odradek.controller.state import ClusterState
from odradek.coordination.store import Set
from odradek.metadata import paths
from odradek.metadata.topic_id import random_topic_id
from odradek.metadata.znodes import TopicAssignment


def identified(
    topics: Mapping[str, TopicAssignment], state: ClusterState, random_bytes: Callable[[int], bytes]
) -> tuple[Mapping[str, TopicAssignment], tuple[Set, ...]]:
    """Give topics, all with ids, and the writes that make them so: none where nothing is missing.

    One whose id was known and is gone from its node gets it back, for brokers have it with their logs.
    """
    given: dict[str, TopicAssignment] = {}
    writes: list[Set] = []
    for name, topic in topics.items():
        if topic.topic_id is None:
            known = state.topics.get(name)
            topic_id = known.topic_id if known is not None else None
            named = replace(topic, topic_id=topic_id or random_topic_id(random_bytes))
            writes.append(Set(paths.topic(name), named.encode(), version=topic.version))
            given[name] = replace(named, version=topic.version + 1)
    return ({**topics, **given} if given else topics), tuple(writes)
