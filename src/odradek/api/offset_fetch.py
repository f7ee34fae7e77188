"""OffsetFetch (key 9): how far groups have read.

0  initial, offsets in ZooKeeper   1  offsets of the coordinator   2  all topics; error_code
3  throttle_time_ms   4  answered before throttling   5  committed_leader_epoch   6  flexible
7  require_stable (KIP-447)   8  many groups (KIP-709)   9  member_id, member_epoch (KIP-848)   10  topic ids
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odradek.api.api import Api, NeverAnswered, Versions
from odradek.api.context import RequestContext
from odradek.api.turns import each_in_turn
from odradek.coordination.consumer_offsets import read_consumer_offset
from odradek.errors import KafkaError
from odradek.groups.commands import FetchedOffset, FetchOffsets
from odradek.metadata.hash_order import (
    java_hash,
    java_order,
    partition_hash,
    scala_immutable_order,
    scala_order,
    timeline_order,
)
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_fetch_request import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)
from odradek.protocol.generated.offset_fetch_response import (
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)

api = Api(key=ApiKey.OFFSET_FETCH, versions=Versions(0, 10), request=OffsetFetchRequest)

_UNKNOWN_PARTITION = FetchedOffset(error=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
_FIRST_WITH_GROUP_ERROR = 2
_FIRST_WITH_GROUPS = 8
_FIRST_WITH_TOPIC_IDS = 10


@api.handler
async def offset_fetch(request: OffsetFetchRequest, ctx: RequestContext) -> OffsetFetchResponse:
    if ctx.api_version >= _FIRST_WITH_GROUPS:
        if not request.groups and ctx.services.release.zookeeper:
            raise NeverAnswered("OffsetFetch asks about no group")
        groups = await each_in_turn(request.groups, lambda group: _fetch(group, request.require_stable, ctx))
        return OffsetFetchResponse(groups=groups)
    group = _single_group(request)
    if ctx.api_version == 0:
        return _single_response(await _fetch_from_store(group, ctx), group, ctx.api_version)
    return _single_response(await _fetch(group, request.require_stable, ctx), group, ctx.api_version)


async def _fetch(
    group: OffsetFetchRequestGroup, require_stable: bool, ctx: RequestContext
) -> OffsetFetchResponseGroup:
    topics = group.topics
    known = topics or []
    if topics is not None and ctx.api_version >= _FIRST_WITH_TOPIC_IDS:
        for topic in topics:
            topic.name = ctx.services.metadata.topic_name(topic.topic_id) or ""
        known = [topic for topic in topics if topic.name]
    partitions = None if topics is None else _partitions(known)
    command = FetchOffsets(group.group_id, partitions, require_stable, group.member_id, group.member_epoch)
    try:
        fetched: dict[TopicPartition, FetchedOffset] = await ctx.services.groups.execute(
            group.group_id, command
        )
    except KafkaError as error:
        return OffsetFetchResponseGroup(group_id=group.group_id, error_code=error.code)
    answer = OffsetFetchResponseGroup(
        group_id=group.group_id, topics=_topics(fetched, _order(fetched, topics is None, ctx), ctx)
    )
    if ctx.api_version >= _FIRST_WITH_TOPIC_IDS:
        answer.topics += [_unknown_id(topic) for topic in topics or () if not topic.name]
    return answer


async def _fetch_from_store(group: OffsetFetchRequestGroup, ctx: RequestContext) -> OffsetFetchResponseGroup:
    fetched = dict.fromkeys(_partitions(group.topics or []), _UNKNOWN_PARTITION)
    for topic_partition in fetched:
        if ctx.services.metadata.snapshot.partition(topic_partition) is not None:
            try:
                offset = await read_consumer_offset(ctx.services.store, group.group_id, topic_partition)
            except KafkaError as error:
                fetched[topic_partition] = FetchedOffset(error=ErrorCode(error.code))
                continue
            if offset is not None:
                fetched[topic_partition] = FetchedOffset(offset)
    topics = _topics(fetched, _order(fetched, False, ctx), ctx)
    by_name = {topic.name: topic for topic in topics}
    return OffsetFetchResponseGroup(
        group_id=group.group_id, topics=[by_name[name] for name in java_order(by_name, java_hash)]
    )


def _order(fetched: Iterable[TopicPartition], everything: bool, ctx: RequestContext) -> list[TopicPartition]:
    """In which order Kafka has put them into its maps; since 4.0 only if it was asked for everything."""
    if ctx.services.release.zookeeper:
        if everything:
            fetched = scala_order(fetched, _partition_hash)
        return scala_immutable_order(fetched, _partition_hash)
    if not everything:
        return list(fetched)
    numbers: dict[str, list[int]] = {}
    for each in fetched:
        numbers.setdefault(each.topic, []).append(each.partition)
    return [
        TopicPartition(topic, number)
        for topic in timeline_order(numbers, java_hash)
        for number in timeline_order(numbers[topic], int)
    ]


def _partition_hash(topic_partition: TopicPartition) -> int:
    return partition_hash(topic_partition.topic, topic_partition.partition)


def _partitions(topics: list[OffsetFetchRequestTopics]) -> tuple[TopicPartition, ...]:
    return tuple(
        TopicPartition(topic.name, partition) for topic in topics for partition in topic.partition_indexes
    )


def _topics(
    fetched: Mapping[TopicPartition, FetchedOffset], order: Iterable[TopicPartition], ctx: RequestContext
) -> list[OffsetFetchResponseTopics]:
    topics: dict[str, OffsetFetchResponseTopics] = {}
    with_ids = ctx.api_version >= _FIRST_WITH_TOPIC_IDS
    for topic_partition in order:
        offset = fetched[topic_partition]
        name = topic_partition.topic
        topic = topics.get(name)
        if topic is None:
            topic = topics[name] = OffsetFetchResponseTopics(name=name)
            if with_ids:
                topic.topic_id = ctx.services.metadata.topic_id(name)
        topic.partitions.append(
            OffsetFetchResponsePartitions(
                partition_index=topic_partition.partition,
                committed_offset=offset.offset,
                committed_leader_epoch=offset.leader_epoch,
                metadata=offset.metadata,
                error_code=offset.error,
            )
        )
    return list(topics.values())


def _unknown_id(topic: OffsetFetchRequestTopics) -> OffsetFetchResponseTopics:
    partitions = [
        OffsetFetchResponsePartitions(
            partition_index=partition, committed_offset=-1, error_code=ErrorCode.UNKNOWN_TOPIC_ID
        )
        for partition in topic.partition_indexes
    ]
    return OffsetFetchResponseTopics(topic_id=topic.topic_id, partitions=partitions)


def _single_group(request: OffsetFetchRequest) -> OffsetFetchRequestGroup:
    """A request of a version that asks about one group, as one that asks about many."""
    topics = None
    if request.topics is not None:
        topics = [
            OffsetFetchRequestTopics(name=topic.name, partition_indexes=topic.partition_indexes)
            for topic in request.topics
        ]
    return OffsetFetchRequestGroup(group_id=request.group_id, topics=topics)


def _single_response(
    answer: OffsetFetchResponseGroup, asked: OffsetFetchRequestGroup, version: int
) -> OffsetFetchResponse:
    if answer.error_code and version < _FIRST_WITH_GROUP_ERROR:
        return _every_partition(asked, answer.error_code)
    topics = [
        OffsetFetchResponseTopic(
            name=topic.name,
            partitions=[
                OffsetFetchResponsePartition(
                    partition_index=partition.partition_index,
                    committed_offset=partition.committed_offset,
                    committed_leader_epoch=partition.committed_leader_epoch,
                    metadata=partition.metadata,
                    error_code=partition.error_code,
                )
                for partition in topic.partitions
            ],
        )
        for topic in answer.topics
    ]
    return OffsetFetchResponse(topics=topics, error_code=answer.error_code)


def _every_partition(asked: OffsetFetchRequestGroup, code: int) -> OffsetFetchResponse:
    """The error where a version has no place for it but the partitions."""
    return OffsetFetchResponse(
        topics=[
            OffsetFetchResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=partition, committed_offset=-1, error_code=code
                    )
                    for partition in topic.partition_indexes
                ],
            )
            for topic in asked.topics or ()
        ],
        error_code=code,
    )


@api.refusal
def refuse(request: OffsetFetchRequest, ctx: RequestContext, code: int) -> OffsetFetchResponse:
    if ctx.api_version >= _FIRST_WITH_GROUPS:
        groups = [OffsetFetchResponseGroup(group_id=g.group_id, error_code=code) for g in request.groups]
        return OffsetFetchResponse(groups=groups)
    group = _single_group(request)
    refused = OffsetFetchResponseGroup(group_id=group.group_id, error_code=code)
    return _single_response(refused, group, ctx.api_version)
