"""DescribeProducers (key 61): the producers that a replica remembers, to find hanging transactions by.

Any replica answers, not only the leader. Producers come in the order of Kafka's hash table of their ids.

Kafka: KafkaApis.handleDescribeProducersRequest, Partition.activeProducerState; KIP-664.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.log.producer_entry import ProducerEntry
from odradek.metadata import topic_names
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_producers_request import DescribeProducersRequest, TopicRequest
from odradek.protocol.generated.describe_producers_response import (
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)

NO_TRANSACTION = -1

api = Api(key=ApiKey.DESCRIBE_PRODUCERS, versions=Versions(0, 0), request=DescribeProducersRequest)


@api.handler
def describe_producers(request: DescribeProducersRequest, ctx: RequestContext) -> DescribeProducersResponse:
    """A topic's name is judged before its partitions are."""
    return DescribeProducersResponse(
        topics=[TopicResponse(topic.name, _describe(topic, ctx)) for topic in request.topics]
    )


@api.refusal
def refuse(request: DescribeProducersRequest, ctx: RequestContext, code: int) -> DescribeProducersResponse:
    """The same error for every partition."""
    return DescribeProducersResponse(
        topics=[
            TopicResponse(topic.name, [PartitionResponse(index, code) for index in topic.partition_indexes])
            for topic in request.topics
        ]
    )


def _describe(topic: TopicRequest, ctx: RequestContext) -> list[PartitionResponse]:
    try:
        topic_names.validate(topic.name)
        if topic.name not in ctx.services.metadata.snapshot.topics:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic-partition."
            )
    except KafkaError as error:
        return [PartitionResponse(index, error.code, error.message) for index in topic.partition_indexes]
    return [_describe_partition(topic.name, index, ctx) for index in topic.partition_indexes]


def _describe_partition(topic: str, index: int, ctx: RequestContext) -> PartitionResponse:
    try:
        log = ctx.services.replicas.hosted(topic, index).log
    except KafkaError as error:
        return PartitionResponse(index, error.code)
    if log is None:
        return PartitionResponse(index, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    return PartitionResponse(
        index, active_producers=[_state(entry) for entry in log.producers.in_snapshot_order()]
    )


def _state(entry: ProducerEntry) -> ProducerState:
    first_offset = entry.current_txn_first_offset
    return ProducerState(
        entry.producer_id,
        entry.producer_epoch,
        entry.last_sequence,
        entry.last_timestamp,
        entry.coordinator_epoch,
        NO_TRANSACTION if first_offset is None else first_offset,
    )
