"""CreatePartitions (key 37): add partitions to topics, assigned by the broker or by the client.

0  initial   1  answered before throttling   2  flexible   3  answered at once when over quota
"""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.controller.new_topic import NewPartitions, Outcome
from odradek.errors import KafkaError
from odradek.metadata import paths
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_partitions_request import (
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from odradek.protocol.generated.create_partitions_response import (
    CreatePartitionsResponse,
    CreatePartitionsTopicResult,
)

api = Api(key=ApiKey.CREATE_PARTITIONS, versions=Versions(0, 3), request=CreatePartitionsRequest)


@api.handler
async def create_partitions(
    request: CreatePartitionsRequest, ctx: RequestContext
) -> CreatePartitionsResponse:
    services = ctx.services
    zookeeper: bool = services.release.zookeeper
    if zookeeper and not services.controller.is_active:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    counts = Counter(topic.name for topic in request.topics)
    wanted = [_new_partitions(topic) for topic in request.topics if counts[topic.name] == 1]
    # In ZooKeeper mode Kafka fails when it comes to a name that no znode can have: no answer for the others.
    possible = list(takewhile(_can_be_a_node, wanted)) if zookeeper else wanted
    outcomes: dict[str, Outcome] = await services.topics.create_partitions(
        possible, timeout_ms=request.timeout_ms, validate_only=request.validate_only
    )
    if len(possible) < len(wanted):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    repeated = "Duplicate topic in request." if zookeeper else "Duplicate topic name."
    refused = Outcome(ErrorCode.INVALID_REQUEST, repeated)
    return CreatePartitionsResponse(results=[_result(name, outcomes.get(name, refused)) for name in counts])


def _can_be_a_node(partitions: NewPartitions) -> bool:
    return paths.reason_impossible(paths.topic(partitions.topic)) is None


def _new_partitions(topic: CreatePartitionsTopic) -> NewPartitions:
    assignments = topic.assignments
    return NewPartitions(
        topic.name,
        topic.count,
        None if assignments is None else tuple(tuple(each.broker_ids) for each in assignments),
    )


def _result(name: str, outcome: Outcome) -> CreatePartitionsTopicResult:
    return CreatePartitionsTopicResult(name=name, error_code=outcome.code, error_message=outcome.message)


@api.refusal
def refuse(request: CreatePartitionsRequest, ctx: RequestContext, code: int) -> CreatePartitionsResponse:
    names = dict.fromkeys(topic.name for topic in request.topics)
    return CreatePartitionsResponse(results=[_result(name, Outcome(code)) for name in names])
