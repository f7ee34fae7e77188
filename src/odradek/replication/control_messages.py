"""The shapes of the controller's requests and of the answers to them, which changed with their versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
)
from odradek.protocol.generated.leader_and_isr_response import (
    LeaderAndIsrPartitionError,
    LeaderAndIsrResponse,
    LeaderAndIsrTopicError,
)
from odradek.protocol.generated.stop_replica_request import StopReplicaPartitionState, StopReplicaRequest

NO_LEADER_EPOCH = -1

FIRST_VERSION_WITH_TOPIC_IDS = 5
"""Of LeaderAndIsr's answer."""


def partition_states(request: LeaderAndIsrRequest) -> Iterator[tuple[str, LeaderAndIsrPartitionState]]:
    """(topic, state); versions below 2 do not group by topic."""
    for state in request.ungrouped_partition_states:
        yield state.topic_name, state
    for topic in request.topic_states:
        for state in topic.partition_states:
            yield topic.topic_name, state


def stop_states(request: StopReplicaRequest) -> Iterator[tuple[str, StopReplicaPartitionState]]:
    """(topic, state), whichever of its three shapes the request has."""
    for topic in request.topic_states:
        for state in topic.partition_states:
            yield topic.topic_name, state
    delete = request.delete_partitions
    for old in request.topics:
        for index in old.partition_indexes:
            yield old.name, StopReplicaPartitionState(index, NO_LEADER_EPOCH, delete)
    for oldest in request.ungrouped_partitions:
        yield oldest.topic_name, StopReplicaPartitionState(oldest.partition_index, NO_LEADER_EPOCH, delete)


def leader_and_isr_response(
    code: ErrorCode,
    errors: Mapping[TopicPartition, ErrorCode],
    topic_ids: Mapping[str, UUID],
    version: int,
) -> LeaderAndIsrResponse:
    """The answer, by topic id since version 5."""
    if version < FIRST_VERSION_WITH_TOPIC_IDS:
        return LeaderAndIsrResponse(
            error_code=code,
            partition_errors=[
                LeaderAndIsrPartitionError(name.topic, name.partition, error)
                for name, error in errors.items()
            ],
        )
    topics: dict[UUID, LeaderAndIsrTopicError] = {}
    for name, error in errors.items():
        topic_id = topic_ids.get(name.topic, NO_TOPIC_ID)
        topic = topics.setdefault(topic_id, LeaderAndIsrTopicError(topic_id))
        topic.partition_errors.append(
            LeaderAndIsrPartitionError(partition_index=name.partition, error_code=error)
        )
    return LeaderAndIsrResponse(error_code=code, topics=list(topics.values()))


def refused_leader_and_isr(
    request: LeaderAndIsrRequest, code: ErrorCode, version: int
) -> LeaderAndIsrResponse:
    """The same error for the request and for every partition."""
    topic_ids = {topic.topic_name: topic.topic_id for topic in request.topic_states}
    errors = {
        TopicPartition(topic, state.partition_index): code for topic, state in partition_states(request)
    }
    return leader_and_isr_response(code, errors, topic_ids, version)
