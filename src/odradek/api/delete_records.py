"""DeleteRecords (key 21): moves the start of partitions' logs; -1 means the high watermark.

0-1   1 throttles after answering   2   flexible

The answer waits, up to timeout_ms, for the slowest living replica's log start offset: the low watermark.

Kafka: KafkaApis.handleDeleteRecordsRequest, ReplicaManager.deleteRecords, DelayedDeleteRecords; KIP-107.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import groupby

import trio

from odradek.api import row_order
from odradek.api.api import Answer, Api, Versions
from odradek.api.context import RequestContext
from odradek.api.row_order import Row
from odradek.errors import KafkaError
from odradek.metadata.topic_names import INTERNAL_TOPICS
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.delete_records_request import DeleteRecordsPartition, DeleteRecordsRequest
from odradek.protocol.generated.delete_records_response import (
    DeleteRecordsPartitionResult,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)
from odradek.replication.partition import HIGH_WATERMARK_OFFSET, Partition

INVALID_LOW_WATERMARK = -1

api = Api(key=ApiKey.DELETE_RECORDS, versions=Versions(0, 2), request=DeleteRecordsRequest)


@dataclass(slots=True)
class _Pending:
    """A deletion that not every replica has heard of."""

    result: DeleteRecordsPartitionResult
    partition: Partition
    offset: int


@api.handler
def delete_records(request: DeleteRecordsRequest, ctx: RequestContext) -> Answer | Awaitable[Answer]:
    """Only leaders delete, and never above the high watermark; of a repeated partition the last counts."""
    wanted = {
        Row(topic.name, partition.partition_index): partition
        for topic in request.topics
        for partition in topic.partitions
    }
    if len(wanted) == 1:
        rows = list(wanted)
    else:
        led: list[Row] = []
        unknown: list[Row] = []
        for row in wanted:
            (led if _exists(row.topic, row.partition, ctx) else unknown).append(row)
        rows = row_order.deleted(led, unknown)
    response = DeleteRecordsResponse()
    pending: list[_Pending] = []
    for topic, group in groupby(rows, key=lambda row: row.topic):
        results = [_delete(topic, wanted[row], ctx, pending) for row in group]
        response.topics.append(DeleteRecordsTopicResult(topic, results))
    return _wait(response, pending, request.timeout_ms, ctx) if pending else response


@api.refusal
def refuse(request: DeleteRecordsRequest, ctx: RequestContext, code: int) -> DeleteRecordsResponse:
    """The same error for every partition."""
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(
                topic.name,
                [
                    DeleteRecordsPartitionResult(asked.partition_index, INVALID_LOW_WATERMARK, code)
                    for asked in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


def _delete(
    topic: str, asked: DeleteRecordsPartition, ctx: RequestContext, pending: list[_Pending]
) -> DeleteRecordsPartitionResult:
    services = ctx.services
    index = asked.partition_index
    try:
        if not _exists(topic, index, ctx):
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if topic in INTERNAL_TOPICS:
            raise KafkaError(
                ErrorCode.INVALID_TOPIC_EXCEPTION, f"Cannot delete records of internal topic {topic}"
            )
        partition = services.replicas.hosted(topic, index)
        low_watermark = partition.delete_records(asked.offset)
    except KafkaError as error:
        return DeleteRecordsPartitionResult(index, INVALID_LOW_WATERMARK, error.code)
    result = DeleteRecordsPartitionResult(index, low_watermark)
    offset = partition.log_start_offset if asked.offset == HIGH_WATERMARK_OFFSET else asked.offset
    if low_watermark < offset:
        pending.append(_Pending(result, partition, offset))
    return result


async def _wait(
    response: DeleteRecordsResponse, pending: list[_Pending], timeout_ms: int, ctx: RequestContext
) -> Answer:
    """A partition that is late keeps the low watermark that it had."""
    for deletion in pending:
        deletion.result.error_code = ErrorCode.REQUEST_TIMED_OUT
    with trio.move_on_after(max(0, timeout_ms) / 1000):
        for deletion in pending:
            result = deletion.result
            try:
                result.low_watermark = await deletion.partition.wait_low_watermark(deletion.offset)
                result.error_code = ErrorCode.NONE
            except KafkaError as error:
                name = deletion.partition.topic_partition
                is_gone = ctx.services.replicas.partition(name) is not deletion.partition
                result.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if is_gone else error.code
                result.low_watermark = INVALID_LOW_WATERMARK
    for deletion in pending:
        if deletion.result.error_code == ErrorCode.REQUEST_TIMED_OUT:
            _look_again(deletion)
    return response


def _look_again(deletion: _Pending) -> None:
    """One that was done in time while another one was waited for."""
    try:
        low_watermark = deletion.partition.low_watermark
    except KafkaError as error:
        deletion.result.error_code, deletion.result.low_watermark = error.code, INVALID_LOW_WATERMARK
        return
    if low_watermark >= deletion.offset:
        deletion.result.error_code, deletion.result.low_watermark = ErrorCode.NONE, low_watermark


def _exists(topic: str, partition: int, ctx: RequestContext) -> bool:
    return ctx.services.metadata.snapshot.partition(TopicPartition(topic, partition)) is not None
