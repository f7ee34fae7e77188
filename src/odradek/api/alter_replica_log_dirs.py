"""AlterReplicaLogDirs (key 34): replicas of this broker move from one of its log directories to another.

0   first   1   throttles after answering   2   flexible

The answer says that a move began, not that it is over: DescribeLogDirs shows the future logs meanwhile. A
partition that has no replica here is answered REPLICA_NOT_AVAILABLE, and its replica, should there be one, is
made in that directory. Kafka: KafkaApis.handleAlterReplicaLogDirsRequest,
ReplicaManager.alterReplicaLogDirs; KIP-113.
"""

from __future__ import annotations

from itertools import groupby

from odradek.api import row_order
from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.row_order import Row
from odradek.errors import KafkaError
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_replica_log_dirs_request import AlterReplicaLogDirsRequest
from odradek.protocol.generated.alter_replica_log_dirs_response import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)
from odradek.telemetry import get_logger

api = Api(key=ApiKey.ALTER_REPLICA_LOG_DIRS, versions=Versions(0, 2), request=AlterReplicaLogDirsRequest)

_log = get_logger(__name__)


@api.handler
async def alter_replica_log_dirs(
    request: AlterReplicaLogDirsRequest, ctx: RequestContext
) -> AlterReplicaLogDirsResponse:
    """Each partition for itself; of one that is named twice the last directory counts."""
    relocations = ctx.services.relocations
    codes: dict[Row, int] = {}
    for row, path in _wanted(request).items():
        try:
            relocations.begin(TopicPartition(row.topic, row.partition), path)
        except KafkaError as error:
            _log.warn("replica cannot be moved", topic=row.topic, partition=row.partition, error=str(error))
            codes[row] = error.code
        else:
            codes[row] = ErrorCode.NONE
    await relocations.settle()
    return _answer(codes)


@api.refusal
def refuse(
    request: AlterReplicaLogDirsRequest, ctx: RequestContext, code: int
) -> AlterReplicaLogDirsResponse:
    """The same error for every partition."""
    return _answer(dict.fromkeys(_wanted(request), code))


def _wanted(request: AlterReplicaLogDirsRequest) -> dict[Row, str]:
    """Partition → path of the directory."""
    return {
        Row(topic.name, partition): directory.path
        for directory in request.dirs
        for topic in directory.topics
        for partition in topic.partitions
    }


def _answer(codes: dict[Row, int]) -> AlterReplicaLogDirsResponse:
    return AlterReplicaLogDirsResponse(
        results=[
            AlterReplicaLogDirTopicResult(
                topic, [AlterReplicaLogDirPartitionResult(row.partition, codes[row]) for row in rows]
            )
            for topic, rows in groupby(row_order.relocated(codes), key=lambda row: row.topic)
        ]
    )
