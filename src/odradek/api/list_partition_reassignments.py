"""ListPartitionReassignments (key 46): which partitions' replicas are moving, and where to (KIP-455).

0  initial

Source: KafkaApis.handleListPartitionReassignmentsRequest.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.row_order import Row, decided
from odradek.errors import KafkaError
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_partition_reassignments_request import (
    ListPartitionReassignmentsRequest,
)
from odradek.protocol.generated.list_partition_reassignments_response import (
    ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)

api = Api(
    key=ApiKey.LIST_PARTITION_REASSIGNMENTS,
    versions=Versions(0, 0),
    request=ListPartitionReassignmentsRequest,
)


@api.handler
async def list_partition_reassignments(
    request: ListPartitionReassignmentsRequest, ctx: RequestContext
) -> ListPartitionReassignmentsResponse:
    controller = ctx.services.controller
    if not controller.is_active:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    state = controller.state
    moving = set(state.reassigning)
    if request.topics is not None:
        moving &= {TopicPartition(each.name, n) for each in request.topics for n in each.partition_indexes}
    topics: dict[str, OngoingTopicReassignment] = {}
    for row in decided(Row(*topic_partition) for topic_partition in moving):
        assignment = state.assignment(TopicPartition(row.topic, row.partition))
        topic = topics.setdefault(row.topic, OngoingTopicReassignment(name=row.topic, partitions=[]))
        topic.partitions.append(
            OngoingPartitionReassignment(
                partition_index=row.partition,
                replicas=list(assignment.replicas),
                adding_replicas=list(assignment.adding),
                removing_replicas=list(assignment.removing),
            )
        )
    response = ListPartitionReassignmentsResponse(topics=list(topics.values()))
    if not ctx.services.release.zookeeper:
        response.error_message = None
    return response


@api.refusal
def refuse(
    request: ListPartitionReassignmentsRequest, ctx: RequestContext, code: int
) -> ListPartitionReassignmentsResponse:
    error = ErrorCode(code)
    message = error.message if error is ErrorCode.NOT_CONTROLLER else None
    return ListPartitionReassignmentsResponse(error_code=error, error_message=message)
