"""DescribeLogDirs (key 35): the log directories, and the size of the logs in them.

1   throttles after answering   2   flexible   3   error_code   4   total_bytes, usable_bytes
5   is_cordoned

Kafka: KafkaApis.handleDescribeLogDirsRequest, ReplicaManager.describeLogDirs; KIP-113, KIP-827.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.log.log import Log
from odradek.log.log_directory import DirectoryUsage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_log_dirs_request import DescribeLogDirsRequest
from odradek.protocol.generated.describe_log_dirs_response import (
    DescribeLogDirsPartition,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)

NO_REPLICA_LAG = -1
"""The log is there, but no partition uses it."""

api = Api(key=ApiKey.DESCRIBE_LOG_DIRS, versions=Versions(0, 5), request=DescribeLogDirsRequest)


@api.handler
def describe_log_dirs(request: DescribeLogDirsRequest, ctx: RequestContext) -> DescribeLogDirsResponse:
    """Every directory; of the logs, future ones too, those asked for, all if none are named (null)."""
    logs = ctx.services.logs
    asked: frozenset[tuple[str, int]] | None = None
    if request.topics is not None:
        asked = frozenset((topic.topic, index) for topic in request.topics for index in topic.partitions)
    chosen = [
        log
        for log in chain(logs.all(), logs.futures())
        if asked is None or (log.topic_partition.topic, log.topic_partition.partition) in asked
    ]
    return DescribeLogDirsResponse(
        results=[_describe(directory, chosen, ctx) for directory in logs.directories]
    )


def _describe(directory: DirectoryUsage, logs: Iterable[Log], ctx: RequestContext) -> DescribeLogDirsResult:
    if not directory.is_online:
        return DescribeLogDirsResult(ErrorCode.KAFKA_STORAGE_ERROR, directory.path)
    topics: dict[str, DescribeLogDirsTopic] = {}
    for log in logs:
        if log.directory.path == directory.path:
            name = log.topic_partition
            topic = topics.setdefault(name.topic, DescribeLogDirsTopic(name.topic))
            topic.partitions.append(
                DescribeLogDirsPartition(name.partition, log.size_bytes, _offset_lag(log, ctx), log.is_future)
            )
    return DescribeLogDirsResult(
        log_dir=directory.path,
        topics=list(topics.values()),
        total_bytes=directory.total_bytes,
        usable_bytes=directory.usable_bytes,
    )


def _offset_lag(log: Log, ctx: RequestContext) -> int:
    """How far the log is behind the high watermark, which only a follower's can be, or behind the log of
    which it is to take the place.
    """
    name = log.topic_partition
    partition = ctx.services.replicas.find(name.topic, name.partition)
    if partition is None or partition.log is None:
        return NO_REPLICA_LAG
    if log.is_future:
        return partition.log.log_end_offset - log.log_end_offset
    return max(0, int(partition.high_watermark) - log.log_end_offset)
