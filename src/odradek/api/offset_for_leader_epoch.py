"""OffsetForLeaderEpoch (key 23): where a leader epoch ends, by which readers notice that they diverged.

1   leader_epoch in the answer   2   throttle time, current_leader_epoch   3   replica_id   4   flexible

Kafka: KafkaApis.handleOffsetForLeaderEpochRequest, ReplicaManager.lastOffsetForLeaderEpoch; KIP-101, KIP-320.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.offset_for_leader_epoch_request import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
)
from odradek.protocol.generated.offset_for_leader_epoch_response import (
    EpochEndOffset,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)

api = Api(key=ApiKey.OFFSET_FOR_LEADER_EPOCH, versions=Versions(0, 4), request=OffsetForLeaderEpochRequest)


@api.handler
def offset_for_leader_epoch(
    request: OffsetForLeaderEpochRequest, ctx: RequestContext
) -> OffsetForLeaderEpochResponse:
    """Only leaders answer."""
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic.topic, [_answer(topic.topic, asked, ctx) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


@api.refusal
def refuse(
    request: OffsetForLeaderEpochRequest, ctx: RequestContext, code: int
) -> OffsetForLeaderEpochResponse:
    """The same error for every partition."""
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic.topic, [EpochEndOffset(code, asked.partition) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _answer(topic: str, asked: OffsetForLeaderPartition, ctx: RequestContext) -> EpochEndOffset:
    try:
        end = ctx.services.replicas.hosted(topic, asked.partition).end_of_epoch(
            asked.leader_epoch, current_leader_epoch=asked.current_leader_epoch
        )
    except KafkaError as error:
        return EpochEndOffset(error.code, asked.partition)
    return EpochEndOffset(0, asked.partition, end.leader_epoch, end.end_offset)
