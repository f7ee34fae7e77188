"""DeleteRecords (key 21): moves the start of partitions' logs; -1 means the high watermark.

0-1   1 throttles after answering   2   flexible

Kafka: KafkaApis.handleDeleteRecordsRequest, ReplicaManager.deleteRecords; KIP-107. With followers the answer
will wait, up to timeout_ms, for the slowest one's log start offset: the low watermark.
"""

from __future__ import annotations

from itertools import groupby

from odradek.api import row_order
from odradek.api.api import Api, Versions
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

INVALID_LOW_WATERMARK = -1

api = Api(key=ApiKey.DELETE_RECORDS, versions=Versions(0, 2), request=DeleteRecordsRequest)


@api.handler
def delete_records(request: DeleteRecordsRequest, ctx: RequestContext) -> DeleteRecordsResponse:
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
    for topic, group in groupby(rows, key=lambda row: row.topic):
        results = [_delete(topic, wanted[row], ctx) for row in group]
        response.topics.append(DeleteRecordsTopicResult(topic, results))
    return response


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


def _delete(topic: str, asked: DeleteRecordsPartition, ctx: RequestContext) -> DeleteRecordsPartitionResult:
    services = ctx.services
    index = asked.partition_index
    try:
        if not _exists(topic, index, ctx):
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if topic in INTERNAL_TOPICS:
            raise KafkaError(
                ErrorCode.INVALID_TOPIC_EXCEPTION, f"Cannot delete records of internal topic {topic}"
            )
        low_watermark = services.replicas.hosted(topic, index).delete_records(asked.offset)
    except KafkaError as error:
        return DeleteRecordsPartitionResult(index, INVALID_LOW_WATERMARK, error.code)
    return DeleteRecordsPartitionResult(index, low_watermark)


def _exists(topic: str, partition: int, ctx: RequestContext) -> bool:
    return ctx.services.metadata.snapshot.partition(TopicPartition(topic, partition)) is not None
