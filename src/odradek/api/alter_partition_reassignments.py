"""AlterPartitionReassignments (key 45): give partitions other replicas, or end such a move (KIP-455).

0  initial   1  allow_replication_factor_change (KIP-860), which a broker in ZooKeeper mode does not heed

The answer says that moves began, not that they are done: ListPartitionReassignments shows them.
Source: KafkaApis.handleAlterPartitionReassignmentsRequest.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.row_order import Row, decided
from odradek.controller.commands import Reassign, Reassigned, Refused
from odradek.metadata.cache import Snapshot
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_reassignments_request import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
)
from odradek.protocol.generated.alter_partition_reassignments_response import (
    AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)

api = Api(
    key=ApiKey.ALTER_PARTITION_REASSIGNMENTS,
    versions=Versions(0, 1),
    request=AlterPartitionReassignmentsRequest,
)


@api.handler
async def alter_partition_reassignments(
    request: AlterPartitionReassignmentsRequest, ctx: RequestContext
) -> AlterPartitionReassignmentsResponse:
    if not ctx.services.release.zookeeper:
        return _in_kraft(request, ctx)
    targets = {
        TopicPartition(topic.name, each.partition_index): (
            None if each.replicas is None else tuple(each.replicas)
        )
        for topic in request.topics
        for each in topic.partitions
    }
    reassigned: Reassigned = await ctx.services.controller.reassign(Reassign(targets))
    topics: dict[str, ReassignableTopicResponse] = {}
    for row in decided(Row(*topic_partition) for topic_partition in reassigned):
        topic = topics.setdefault(row.topic, ReassignableTopicResponse(name=row.topic, partitions=[]))
        refused = reassigned[TopicPartition(row.topic, row.partition)]
        topic.partitions.append(_row(row.partition, refused))
    return AlterPartitionReassignmentsResponse(responses=list(topics.values()))


def _row(number: int, refused: Refused | None) -> ReassignablePartitionResponse:
    return ReassignablePartitionResponse(
        partition_index=number,
        error_code=refused.code if refused else ErrorCode.NONE,
        error_message=refused.message if refused else None,
    )


def _in_kraft(
    request: AlterPartitionReassignmentsRequest, ctx: RequestContext
) -> AlterPartitionReassignmentsResponse:
    """Answer as a KRaft controller of a single broker: replicas can only be where they are."""
    if not request.topics:
        return AlterPartitionReassignmentsResponse()
    if request.timeout_ms <= 0:
        return refuse(request, ctx, ErrorCode.REQUEST_TIMED_OUT)
    snapshot = ctx.services.metadata.snapshot
    topics = [
        ReassignableTopicResponse(
            name=topic.name,
            partitions=[
                _row(each.partition_index, _refusal_in_kraft(snapshot, topic.name, each))
                for each in topic.partitions
            ],
        )
        for topic in request.topics
    ]
    return AlterPartitionReassignmentsResponse(
        responses=topics,
        error_message=None,
        allow_replication_factor_change=request.allow_replication_factor_change,
    )


def _refusal_in_kraft(snapshot: Snapshot, name: str, wanted: ReassignablePartition) -> Refused | None:
    topic = snapshot.topics.get(name)
    if topic is None:
        message = f"Unable to find a topic named {name}."
        return Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
    if wanted.partition_index not in topic.partitions:
        message = f"Unable to find partition {name}:{wanted.partition_index}."
        return Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
    if wanted.replicas is None:
        return Refused(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    if not wanted.replicas:
        message = "The manual partition assignment includes an empty replica list."
        return Refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
    before: int | None = None
    for node_id in sorted(wanted.replicas):
        if node_id not in snapshot.brokers:
            fault = f"broker {node_id}, but no such broker is registered."
        elif node_id == before:
            fault = f"the broker {node_id} more than once."
        else:
            before = node_id
            continue
        message = f"The manual partition assignment includes {fault}"
        return Refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
    return None


@api.refusal
def refuse(
    request: AlterPartitionReassignmentsRequest, ctx: RequestContext, code: int
) -> AlterPartitionReassignmentsResponse:
    """Kafka's controller answers NOT_CONTROLLER as a whole; what failed is said of each partition too."""
    error = ErrorCode(code)
    if error is ErrorCode.NOT_CONTROLLER:
        return AlterPartitionReassignmentsResponse(error_code=error, error_message=error.message)
    return AlterPartitionReassignmentsResponse(
        error_code=error,
        error_message=None,
        allow_replication_factor_change=request.allow_replication_factor_change,
        responses=[
            ReassignableTopicResponse(
                name=topic.name,
                partitions=[_row(each.partition_index, Refused(error)) for each in topic.partitions],
            )
            for topic in request.topics
        ],
    )
