"""ListOffsets (key 2): which offset a partition has at a time, or where it begins and ends.

0   several offsets, where segments begin     1   one offset and its timestamp
2   isolation_level   4   leader epochs       5   OFFSET_NOT_AVAILABLE      6   flexible
7   -3 max timestamp   8   -4 earliest local  9   -5 latest tiered   10   timeout_ms
11  -6 earliest pending upload

Kafka: KafkaApis.handleListOffsetRequest, ReplicaManager.fetchOffset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby

from odradek.api import row_order
from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.row_order import Row
from odradek.errors import KafkaError
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.generated.list_offsets_response import (
    ListOffsetsPartitionResponse,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from odradek.replication.fetch_isolation import (
    CONSUMER_REPLICA_ID,
    DEBUGGING_REPLICA_ID,
    FetchIsolation,
)
from odradek.replication.offset_lookup import (
    EARLIEST,
    EARLIEST_LOCAL,
    EARLIEST_PENDING_UPLOAD,
    LATEST,
    LATEST_TIERED,
    MAX_TIMESTAMP,
    look_up_offset,
    look_up_offsets_before,
)

FIRST_VERSION_OF_TIMESTAMP = {
    LATEST: 1,
    EARLIEST: 1,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}

api = Api(key=ApiKey.LIST_OFFSETS, versions=Versions(0, 11), request=ListOffsetsRequest)


@api.handler
def list_offsets(request: ListOffsetsRequest, ctx: RequestContext) -> ListOffsetsResponse:
    """A partition named twice is refused; up to 3.9 as often as it is named, then once."""
    if ctx.api_version == 0:
        return _respond(request, lambda topic, asked: _answer_v0(topic, asked, request, ctx))
    if not ctx.services.release.zookeeper:
        # Releases since 4.0 fail over a level that does not exist before they look at any partition.
        FetchIsolation.of(CONSUMER_REPLICA_ID, request.isolation_level)
    times = Counter(
        Row(topic.name, asked.partition_index) for topic in request.topics for asked in topic.partitions
    )

    def answer(topic: ListOffsetsTopic, asked: ListOffsetsPartition) -> ListOffsetsPartitionResponse:
        if times[Row(topic.name, asked.partition_index)] == 1:
            return _answer(topic, asked, request, ctx)
        return ListOffsetsPartitionResponse(asked.partition_index, ErrorCode.INVALID_REQUEST)

    response = _respond(request, answer)
    return response if ctx.services.release.zookeeper else _in_order(response, times)


@api.refusal
def refuse(request: ListOffsetsRequest, ctx: RequestContext, code: int) -> ListOffsetsResponse:
    """The same error for every partition."""
    return _respond(request, lambda _, asked: ListOffsetsPartitionResponse(asked.partition_index, code))


def _respond(
    request: ListOffsetsRequest,
    answer: Callable[[ListOffsetsTopic, ListOffsetsPartition], ListOffsetsPartitionResponse],
) -> ListOffsetsResponse:
    response = ListOffsetsResponse()
    for topic in request.topics:
        answers = [answer(topic, asked) for asked in topic.partitions]
        response.topics.append(ListOffsetsTopicResponse(topic.name, answers))
    return response


def _in_order(response: ListOffsetsResponse, rows: Iterable[Row]) -> ListOffsetsResponse:
    """Each row once, where releases since 4.0 have it."""
    answers = {
        Row(topic.name, answer.partition_index): answer
        for topic in response.topics
        for answer in topic.partitions
    }
    ordered = ListOffsetsResponse()
    for name, group in groupby(row_order.listed(rows), key=lambda row: row.topic):
        ordered.topics.append(ListOffsetsTopicResponse(name, [answers[row] for row in group]))
    return ordered


def _isolation(request: ListOffsetsRequest) -> FetchIsolation:
    """Whoever is no consumer, a debugging client too, sees the log's end."""
    if request.replica_id != CONSUMER_REPLICA_ID:
        return FetchIsolation.LOG_END
    return FetchIsolation.of(request.replica_id, request.isolation_level)


def _answer(
    topic: ListOffsetsTopic, asked: ListOffsetsPartition, request: ListOffsetsRequest, ctx: RequestContext
) -> ListOffsetsPartitionResponse:
    version = ctx.api_version
    if asked.timestamp < 0 and version < FIRST_VERSION_OF_TIMESTAMP.get(asked.timestamp, version + 1):
        return ListOffsetsPartitionResponse(asked.partition_index, ErrorCode.UNSUPPORTED_VERSION)
    try:
        isolation = _isolation(request)
        found = look_up_offset(
            ctx.services.replicas.hosted(topic.name, asked.partition_index),
            asked.timestamp,
            isolation=isolation,
            current_leader_epoch=asked.current_leader_epoch,
            only_leader=request.replica_id != DEBUGGING_REPLICA_ID,
        )
    except KafkaError as error:
        code = error.code
        if code == ErrorCode.OFFSET_NOT_AVAILABLE and version < 5:
            code = ErrorCode.LEADER_NOT_AVAILABLE
        return ListOffsetsPartitionResponse(asked.partition_index, code)
    return ListOffsetsPartitionResponse(
        partition_index=asked.partition_index,
        timestamp=found.timestamp,
        offset=found.offset,
        leader_epoch=found.leader_epoch if version >= 4 else -1,
    )


def _answer_v0(
    topic: ListOffsetsTopic, asked: ListOffsetsPartition, request: ListOffsetsRequest, ctx: RequestContext
) -> ListOffsetsPartitionResponse:
    if asked.timestamp < EARLIEST:
        return ListOffsetsPartitionResponse(asked.partition_index, ErrorCode.UNSUPPORTED_VERSION)
    try:
        if asked.max_num_offsets < 0:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"{asked.max_num_offsets} offsets asked for")
        offsets = look_up_offsets_before(
            ctx.services.replicas.hosted(topic.name, asked.partition_index),
            asked.timestamp,
            asked.max_num_offsets,
            isolation=_isolation(request),
            now_ms=ctx.services.clock.now_ms(),
            only_leader=request.replica_id != DEBUGGING_REPLICA_ID,
        )
    except KafkaError as error:
        return ListOffsetsPartitionResponse(asked.partition_index, error.code)
    return ListOffsetsPartitionResponse(asked.partition_index, old_style_offsets=offsets)
