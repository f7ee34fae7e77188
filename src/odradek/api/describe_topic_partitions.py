"""DescribeTopicPartitions (key 75): the partitions of topics, page by page (KIP-966); only from 4.0 on.

0  initial

Topics come in the order of their names. A page ends after a number of partitions; its cursor says with which
partition of which topic the next one begins.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.authorized_operations import TOPIC_OPERATIONS
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.metadata import topic_names
from odradek.metadata.cache import PartitionState, Snapshot, TopicMetadata
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_topic_partitions_request import DescribeTopicPartitionsRequest
from odradek.protocol.generated.describe_topic_partitions_response import (
    Cursor,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)

api = Api(
    key=ApiKey.DESCRIBE_TOPIC_PARTITIONS, versions=Versions(0, 0), request=DescribeTopicPartitionsRequest
)

_PARTITION_LIMIT = "max.request.partition.size.limit"
_NO_LEADER = -1


@api.handler
def describe_topic_partitions(
    request: DescribeTopicPartitionsRequest, ctx: RequestContext
) -> DescribeTopicPartitionsResponse:
    snapshot = ctx.services.metadata.snapshot
    names = _names(request, snapshot)
    most = ctx.services.config.int(_PARTITION_LIMIT)
    remaining = max(min(most, request.response_partition_limit), 1)
    response = DescribeTopicPartitionsResponse(topics=[])
    for name in names:
        if remaining == 0:
            response.next_cursor = Cursor(name, 0)
            break
        topic = snapshot.topics.get(name)
        if topic is None:
            response.topics.append(_unknown(name))
            continue
        first = request.cursor.partition_index if request.cursor and request.cursor.topic_name == name else 0
        end = min(first + remaining, len(topic.partitions))
        response.topics.append(_topic(topic, range(first, end), snapshot, ctx.listener_name))
        remaining -= max(end - first, 0)
        if end < len(topic.partitions):
            response.next_cursor = Cursor(name, end)
            break
    return response


def _names(request: DescribeTopicPartitionsRequest, snapshot: Snapshot) -> list[str]:
    """The topics to describe, in order; none asked for means all."""
    asked = {topic.name for topic in request.topics}
    cursor = request.cursor
    names = sorted(asked or snapshot.topics)
    if cursor is None:
        if "" in asked:
            # Kafka takes it for the topic of the cursor, and looks for its partition there.
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
        return names
    if cursor.partition_index < 0 or (asked and cursor.topic_name not in asked):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    return [name for name in names if name >= cursor.topic_name]


def _unknown(name: str) -> DescribeTopicPartitionsResponseTopic:
    legal = topic_names.reason_invalid(name) is None
    return DescribeTopicPartitionsResponseTopic(
        error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if legal else ErrorCode.INVALID_TOPIC_EXCEPTION,
        name=name,
        is_internal=topic_names.is_internal(name),
        topic_authorized_operations=TOPIC_OPERATIONS,
    )


def _topic(
    topic: TopicMetadata, numbers: range, snapshot: Snapshot, listener_name: str
) -> DescribeTopicPartitionsResponseTopic:
    states = [topic.partitions[number] for number in numbers if number in topic.partitions]
    return DescribeTopicPartitionsResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic_names.is_internal(topic.name),
        partitions=[_partition(state, snapshot, listener_name) for state in states],
        topic_authorized_operations=TOPIC_OPERATIONS,
    )


def _partition(
    state: PartitionState, snapshot: Snapshot, listener_name: str
) -> DescribeTopicPartitionsResponsePartition:
    reachable = snapshot.endpoint(state.leader, listener_name) is not None
    return DescribeTopicPartitionsResponsePartition(
        partition_index=state.partition,
        leader_id=state.leader if reachable else _NO_LEADER,
        leader_epoch=state.leader_epoch,
        replica_nodes=list(state.replicas),
        isr_nodes=list(state.isr),
        # Only a KRaft controller knows eligible leader replicas; of a healthy partition it says this.
        eligible_leader_replicas=[],
        last_known_elr=[],
        offline_replicas=list(state.offline_replicas),
    )


@api.refusal
def refuse(
    request: DescribeTopicPartitionsRequest, ctx: RequestContext, code: int
) -> DescribeTopicPartitionsResponse:
    return DescribeTopicPartitionsResponse(
        topics=[
            DescribeTopicPartitionsResponseTopic(error_code=code, name=topic.name) for topic in request.topics
        ]
    )
