"""ListOffsets (key 2): which offset a partition has at a time, or where it begins and ends.

0   several offsets, where segments begin     1   one offset and its timestamp
2   isolation_level   4   leader epochs       5   OFFSET_NOT_AVAILABLE      6   flexible
7   -3 max timestamp   8   -4 earliest local  9   -5 latest tiered   10   timeout_ms
11  -6 earliest pending upload

Kafka: KafkaApis.handleListOffsetRequest, ReplicaManager.fetchOffset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from itertools import groupby
from typing import NamedTuple

import trio

from odradek.api import row_order
from odradek.api.api import Answer, Api, Versions
from odradek.api.context import RequestContext
from odradek.api.row_order import Row
from odradek.errors import KafkaError
from odradek.log.timestamp_search import LongSearch
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
    FoundOffset,
    look_up_offset,
    look_up_offset_at_leisure,
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

_SEARCHES_AT_ONCE = 4
"""Partitions in which a time is looked for before others have a turn: in each a batch is read, or several, of
thousands of records, and a consumer may ask for hundreds of partitions."""

api = Api(key=ApiKey.LIST_OFFSETS, versions=Versions(0, 11), request=ListOffsetsRequest)


class _Long(NamedTuple):
    """A partition in which it takes long to look for a time, and the answer to fill in."""

    topic: str
    asked: ListOffsetsPartition
    answer: ListOffsetsPartitionResponse


@api.handler
def list_offsets(request: ListOffsetsRequest, ctx: RequestContext) -> Answer | Awaitable[Answer]:
    """A partition named twice is refused; up to 3.9 as often as it is named, then once."""
    if ctx.api_version == 0:
        return _respond(request, lambda topic, asked: _answer_v0(topic, asked, request, ctx))
    if not ctx.services.release.zookeeper:
        # Releases since 4.0 fail over a level that does not exist before they look at any partition.
        FetchIsolation.of(CONSUMER_REPLICA_ID, request.isolation_level)
    times = Counter(
        Row(topic.name, asked.partition_index) for topic in request.topics for asked in topic.partitions
    )

    long: list[_Long] = []
    searches = 0

    def answer(topic: ListOffsetsTopic, asked: ListOffsetsPartition) -> ListOffsetsPartitionResponse:
        nonlocal searches
        answer = ListOffsetsPartitionResponse(asked.partition_index, ErrorCode.INVALID_REQUEST)
        if times[Row(topic.name, asked.partition_index)] == 1:
            if _is_search(asked, ctx.api_version):
                searches += 1
                if searches > _SEARCHES_AT_ONCE:
                    long.append(_Long(topic.name, asked, answer))
                    return answer
            try:
                _answer(answer, topic.name, asked, request, ctx)
            except LongSearch:
                long.append(_Long(topic.name, asked, answer))
        return answer

    response = _respond(request, answer)
    if not ctx.services.release.zookeeper:
        response = _in_order(response, times)
    return _answer_long(response, long, request, ctx) if long else response


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


def _is_search(asked: ListOffsetsPartition, version: int) -> bool:
    """Whether batches are read to find the answer."""
    if asked.timestamp == MAX_TIMESTAMP:
        return version >= FIRST_VERSION_OF_TIMESTAMP[MAX_TIMESTAMP]
    return asked.timestamp >= 0


def _isolation(request: ListOffsetsRequest) -> FetchIsolation:
    """Whoever is no consumer, a debugging client too, sees the log's end."""
    if request.replica_id != CONSUMER_REPLICA_ID:
        return FetchIsolation.LOG_END
    return FetchIsolation.of(request.replica_id, request.isolation_level)


def _answer(
    answer: ListOffsetsPartitionResponse,
    topic: str,
    asked: ListOffsetsPartition,
    request: ListOffsetsRequest,
    ctx: RequestContext,
) -> None:
    """Fills in what is found. Raises LongSearch."""
    version = ctx.api_version
    if asked.timestamp < 0 and version < FIRST_VERSION_OF_TIMESTAMP.get(asked.timestamp, version + 1):
        answer.error_code = ErrorCode.UNSUPPORTED_VERSION
        return
    try:
        isolation = _isolation(request)
        found = look_up_offset(
            ctx.services.replicas.hosted(topic, asked.partition_index),
            asked.timestamp,
            isolation=isolation,
            current_leader_epoch=asked.current_leader_epoch,
            only_leader=request.replica_id != DEBUGGING_REPLICA_ID,
        )
    except KafkaError as error:
        _refuse(answer, error, ctx)
    else:
        _found(answer, found, ctx)


async def _answer_long(
    response: ListOffsetsResponse, long: list[_Long], request: ListOffsetsRequest, ctx: RequestContext
) -> ListOffsetsResponse:
    for topic, asked, answer in long:
        await trio.lowlevel.checkpoint()
        try:
            found = await look_up_offset_at_leisure(
                ctx.services.replicas.hosted(topic, asked.partition_index),
                asked.timestamp,
                isolation=_isolation(request),
                current_leader_epoch=asked.current_leader_epoch,
                only_leader=request.replica_id != DEBUGGING_REPLICA_ID,
            )
        except KafkaError as error:
            _refuse(answer, error, ctx)
        else:
            _found(answer, found, ctx)
    return response


def _refuse(answer: ListOffsetsPartitionResponse, error: KafkaError, ctx: RequestContext) -> None:
    answer.error_code = error.code
    if error.code == ErrorCode.OFFSET_NOT_AVAILABLE and ctx.api_version < 5:
        answer.error_code = ErrorCode.LEADER_NOT_AVAILABLE


def _found(answer: ListOffsetsPartitionResponse, found: FoundOffset, ctx: RequestContext) -> None:
    answer.error_code = ErrorCode.NONE
    answer.timestamp = found.timestamp
    answer.offset = found.offset
    answer.leader_epoch = found.leader_epoch if ctx.api_version >= 4 else -1


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
