"""Topics for the loads, made and removed; and the wait until they serve."""

from __future__ import annotations

import time

from compat.wire import Wire
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)

CREATE_VERSION, DELETE_VERSION, LIST_OFFSETS_VERSION = 5, 3, 5
LATEST = -1
TIMEOUT_S = 120
POLL_S = 0.01


def create_topic(bootstrap: str, name: str, partitions: int = 1) -> None:
    """Create and wait until every partition's leader answers; raises RuntimeError with Kafka's error code.

    Metadata is no proof: a KRaft broker shows a leader that still answers NOT_LEADER_OR_FOLLOWER.
    """
    with Wire(bootstrap, timeout_s=TIMEOUT_S) as wire:
        create_topics(wire, [name], partitions)
    deadline = time.monotonic() + TIMEOUT_S
    while not serves_all(bootstrap, [name], partitions):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} has no leader")
        time.sleep(POLL_S)


def create_topics(wire: Wire, names: list[str], partitions: int = 1) -> None:
    """Create all in one request; raises RuntimeError with Kafka's error code."""
    wanted = [CreatableTopic(name=name, num_partitions=partitions, replication_factor=1) for name in names]
    answer = wire.send(
        CreateTopicsRequest(topics=wanted, timeout_ms=TIMEOUT_S * 1000), version=CREATE_VERSION
    )
    for topic in answer.topics:
        if topic.error_code:
            raise RuntimeError(f"creating {topic.name} answered error code {topic.error_code}")


def delete_topic(bootstrap: str, name: str) -> None:
    """Delete; the files go later, as the broker's file.delete.delay.ms says."""
    with Wire(bootstrap) as wire:
        wire.send(DeleteTopicsRequest(topic_names=[name], timeout_ms=30_000), version=DELETE_VERSION)


def serves_all(bootstrap: str, topics: list[str], partitions: int) -> bool:
    """Whether the leader of each topic's every partition answers for its log's end."""
    asked = [ListOffsetsPartition(partition_index=index, timestamp=LATEST) for index in range(partitions)]
    wanted = [ListOffsetsTopic(name=name, partitions=asked) for name in topics]
    try:
        with Wire(bootstrap) as wire:
            answer = wire.send(ListOffsetsRequest(replica_id=-1, topics=wanted), version=LIST_OFFSETS_VERSION)
    except OSError:
        return False
    codes = [each.error_code for topic in answer.topics for each in topic.partitions]
    return len(codes) == partitions * len(topics) and not any(codes)
