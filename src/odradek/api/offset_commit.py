"""OffsetCommit (key 8): a group writes down how far it has read.

0  initial, offsets in ZooKeeper   1  member, generation; commit_timestamp (only here)   2  retention_time_ms
3  throttle_time_ms   4  answered before throttling   5  no retention_time_ms   6  committed_leader_epoch
7  group_instance_id   8  flexible   9  GROUP_ID_NOT_FOUND, STALE_MEMBER_EPOCH (KIP-848)   10  topic ids
"""

from __future__ import annotations

from uuid import UUID

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.coordination.consumer_offsets import write_consumer_offset
from odradek.errors import KafkaError
from odradek.groups.commands import CommitOffsets, OffsetToCommit
from odradek.groups.offsets import java_length
from odradek.metadata.cache import Snapshot
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.offset_commit_response import (
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from odradek.protocol.message import ZERO_UUID

api = Api(key=ApiKey.OFFSET_COMMIT, versions=Versions(0, 10), request=OffsetCommitRequest)

_FIRST_WITH_TOPIC_IDS = 10
_DEFAULT = -1


@api.handler
async def offset_commit(request: OffsetCommitRequest, ctx: RequestContext) -> OffsetCommitResponse:
    """What is refused before the coordinator is asked comes first in the answer, as in Kafka."""
    with_ids = ctx.api_version >= _FIRST_WITH_TOPIC_IDS
    snapshot = ctx.services.metadata.snapshot
    answer = _Answer()
    offsets: dict[TopicPartition, OffsetToCommit] = {}
    ids: dict[str, UUID] = {}
    for topic in request.topics:
        name = _name(topic, snapshot) if with_ids else topic.name
        if name is None:
            for partition in topic.partitions:
                answer.add("", topic.topic_id, partition.partition_index, ErrorCode.UNKNOWN_TOPIC_ID)
            continue
        ids[name] = topic.topic_id
        for partition in topic.partitions:
            topic_partition = TopicPartition(name, partition.partition_index)
            if snapshot.partition(topic_partition) is None:
                code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                answer.add(name, topic.topic_id, partition.partition_index, code)
            else:
                offsets[topic_partition] = _offset(partition)
    if offsets:
        commit = _commit if ctx.api_version else _commit_to_store
        for topic_partition, code in (await commit(request, offsets, ctx)).items():
            topic_id = ids[topic_partition.topic]
            answer.add(topic_partition.topic, topic_id, topic_partition.partition, code)
    return OffsetCommitResponse(topics=list(answer.topics.values()))


class _Answer:
    """The response's topics, each once, in the order they came up."""

    def __init__(self) -> None:
        self.topics: dict[tuple[str, UUID], OffsetCommitResponseTopic] = {}

    def add(self, name: str, topic_id: UUID, partition: int, code: int) -> None:
        topic = self.topics.get((name, topic_id))
        if topic is None:
            topic = OffsetCommitResponseTopic(name=name, topic_id=topic_id)
            self.topics[name, topic_id] = topic
        topic.partitions.append(OffsetCommitResponsePartition(partition_index=partition, error_code=code))


def _name(topic: OffsetCommitRequestTopic, snapshot: Snapshot) -> str | None:
    known = snapshot.topics_by_id.get(topic.topic_id) if topic.topic_id != ZERO_UUID else None
    return None if known is None else known.name


def _offset(partition: OffsetCommitRequestPartition) -> OffsetToCommit:
    timestamp = partition.commit_timestamp
    return OffsetToCommit(
        partition.committed_offset,
        partition.committed_leader_epoch,
        partition.committed_metadata or "",
        None if timestamp == _DEFAULT else timestamp,
    )


async def _commit_to_store(
    request: OffsetCommitRequest, offsets: dict[TopicPartition, OffsetToCommit], ctx: RequestContext
) -> dict[TopicPartition, ErrorCode]:
    codes = dict.fromkeys(offsets, ErrorCode.NONE)
    max_bytes = ctx.services.config.int("offset.metadata.max.bytes")
    for topic_partition, offset in offsets.items():
        if java_length(offset.metadata) > max_bytes:
            codes[topic_partition] = ErrorCode.OFFSET_METADATA_TOO_LARGE
            continue
        try:
            await write_consumer_offset(ctx.services.store, request.group_id, topic_partition, offset.offset)
        except KafkaError as error:
            codes[topic_partition] = ErrorCode(error.code)
    return codes


async def _commit(
    request: OffsetCommitRequest, offsets: dict[TopicPartition, OffsetToCommit], ctx: RequestContext
) -> dict[TopicPartition, ErrorCode]:
    retention_ms = request.retention_time_ms
    command = CommitOffsets(
        request.group_id,
        request.generation_id_or_member_epoch,
        request.member_id,
        request.group_instance_id,
        offsets,
        None if retention_ms == _DEFAULT else retention_ms,
        ctx.api_version,
    )
    try:
        codes: dict[TopicPartition, ErrorCode] = await ctx.services.groups.execute(request.group_id, command)
    except KafkaError as error:
        return dict.fromkeys(offsets, ErrorCode(error.code))
    return codes


@api.refusal
def refuse(request: OffsetCommitRequest, ctx: RequestContext, code: int) -> OffsetCommitResponse:
    answer = _Answer()
    for topic in request.topics:
        for partition in topic.partitions:
            answer.add(topic.name, topic.topic_id, partition.partition_index, code)
    return OffsetCommitResponse(topics=list(answer.topics.values()))
