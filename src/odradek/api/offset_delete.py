"""OffsetDelete (key 47): a group forgets offsets of topics that it does not consume (KIP-496).

0  initial
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.groups.commands import DeleteOffsets
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_delete_request import OffsetDeleteRequest
from odradek.protocol.generated.offset_delete_response import (
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

api = Api(key=ApiKey.OFFSET_DELETE, versions=Versions(0, 0), request=OffsetDeleteRequest)


@api.handler
async def offset_delete(request: OffsetDeleteRequest, ctx: RequestContext) -> OffsetDeleteResponse:
    """Unknown partitions come first in the answer, as in Kafka."""
    snapshot = ctx.services.metadata.snapshot
    unknown: dict[TopicPartition, ErrorCode] = {}
    known: list[TopicPartition] = []
    for topic in request.topics:
        for partition in topic.partitions:
            topic_partition = TopicPartition(topic.name, partition.partition_index)
            if snapshot.partition(topic_partition) is None:
                unknown[topic_partition] = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            else:
                known.append(topic_partition)
    try:
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID)
        command = DeleteOffsets(request.group_id, tuple(known))
        codes: dict[TopicPartition, ErrorCode] = await ctx.services.groups.execute(request.group_id, command)
    except KafkaError as error:
        return OffsetDeleteResponse(error_code=error.code)
    topics: dict[str, OffsetDeleteResponseTopic] = {}
    for topic_partition, code in (unknown | codes).items():
        name = topic_partition.topic
        answered = topics.setdefault(name, OffsetDeleteResponseTopic(name=name))
        answered.partitions.append(
            OffsetDeleteResponsePartition(partition_index=topic_partition.partition, error_code=code)
        )
    return OffsetDeleteResponse(topics=list(topics.values()))
