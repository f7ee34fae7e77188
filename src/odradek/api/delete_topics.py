"""DeleteTopics (key 20): end topics, by name or by id.

0  initial   1  throttle_time_ms   2  answered before throttling   3  TOPIC_DELETION_DISABLED
4  flexible   5  error_message   6  topics by name or id (KIP-516)

Brokers in ZooKeeper mode and KRaft controllers understand the request differently; `_resolve_...` says how.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.delete_topics_response import DeletableTopicResult, DeleteTopicsResponse

api = Api(key=ApiKey.DELETE_TOPICS, versions=Versions(0, 6), request=DeleteTopicsRequest)

_FIRST_WITH_STATES = 6


@dataclass(slots=True)
class _Resolved:
    """What a request comes to: results that are settled, and those that wait for their topic's deletion."""

    settled: list[DeletableTopicResult] = field(default_factory=list)
    waiting: list[DeletableTopicResult] = field(default_factory=list)

    def settle(self, name: str | None, topic_id: UUID, code: ErrorCode, message: str | None = None) -> None:
        self.settled.append(DeletableTopicResult(name, topic_id, code, message))

    def wait(self, name: str, topic_id: UUID) -> None:
        self.waiting.append(DeletableTopicResult(name, topic_id))


@api.handler
async def delete_topics(request: DeleteTopicsRequest, ctx: RequestContext) -> DeleteTopicsResponse:
    services = ctx.services
    zookeeper: bool = services.release.zookeeper
    if zookeeper and not services.controller.is_active:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    if not services.config.bool("delete.topic.enable"):
        has_code = ctx.api_version >= 3
        raise KafkaError(ErrorCode.TOPIC_DELETION_DISABLED if has_code else ErrorCode.INVALID_REQUEST)
    resolved = _resolve_as_broker(request, ctx) if zookeeper else _resolve_as_controller(request, ctx)
    outcomes: dict[str, ErrorCode] = await services.topics.delete_topics(
        [name for name in dict.fromkeys(result.name for result in resolved.waiting) if name is not None],
        timeout_ms=request.timeout_ms,
    )
    for result in resolved.waiting:
        assert result.name is not None
        # Of a topic that is named twice, which only a broker takes, the first result tells what became of it.
        result.error_code = outcomes.pop(result.name, ErrorCode.NONE)
        if not zookeeper and result.error_code in (
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.UNKNOWN_SERVER_ERROR,
        ):
            result.error_message = ErrorCode(result.error_code).message
    return DeleteTopicsResponse(responses=resolved.settled + resolved.waiting)


def _topics(request: DeleteTopicsRequest, ctx: RequestContext) -> list[DeleteTopicState]:
    """The topics of a request of any version."""
    if ctx.api_version >= _FIRST_WITH_STATES:
        return request.topics
    return [DeleteTopicState(name=name) for name in request.topic_names]


def _resolve_as_broker(request: DeleteTopicsRequest, ctx: RequestContext) -> _Resolved:
    """Name the topics as a broker in ZooKeeper mode does: each entry for itself, repeated ones too."""
    metadata = ctx.services.metadata
    topics = _topics(request, ctx)
    if any(topic.name is not None and topic.topic_id != NO_TOPIC_ID for topic in topics):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    resolved = _Resolved()
    for topic in topics:
        by_id = topic.topic_id != NO_TOPIC_ID
        name = metadata.topic_name(topic.topic_id) if by_id else topic.name
        if name is None:
            # With neither name nor id it is the authorizer that knows no such topic.
            unknown = ErrorCode.UNKNOWN_TOPIC_ID if by_id else ErrorCode.TOPIC_AUTHORIZATION_FAILED
            resolved.settle(None, topic.topic_id, unknown)
        elif name not in metadata:
            resolved.settle(name, topic.topic_id, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        else:
            resolved.wait(name, topic.topic_id)
    return resolved


def _resolve_as_controller(request: DeleteTopicsRequest, ctx: RequestContext) -> _Resolved:
    """Name the topics as a KRaft controller does: none may come twice, by name, by id, or by both."""
    metadata = ctx.services.metadata
    resolved = _Resolved()
    names: Counter[str] = Counter()
    ids: Counter[UUID] = Counter()
    for topic in _topics(request, ctx):
        if topic.name is not None and topic.topic_id != NO_TOPIC_ID:
            message = "You may not specify both topic name and topic id."
            resolved.settle(topic.name, topic.topic_id, ErrorCode.INVALID_REQUEST, message)
        elif topic.name is not None:
            names[topic.name] += 1
        elif topic.topic_id != NO_TOPIC_ID:
            ids[topic.topic_id] += 1
        else:
            message = "Neither topic name nor id were specified."
            resolved.settle(None, NO_TOPIC_ID, ErrorCode.INVALID_REQUEST, message)
    if request.timeout_ms <= 0 and 1 in (*names.values(), *ids.values()):
        # There is somebody to ask, and no time for it.
        raise KafkaError(ErrorCode.REQUEST_TIMED_OUT)
    found: dict[str, UUID] = {}
    for topic_id, count in ids.items():
        name = metadata.topic_name(topic_id)
        if count > 1:
            resolved.settle(None, topic_id, ErrorCode.INVALID_REQUEST, "Duplicate topic id.")
        elif name is None:
            unknown = ErrorCode.UNKNOWN_TOPIC_ID
            resolved.settle(None, topic_id, unknown, unknown.message)
        else:
            found[name] = topic_id
    for name, count in names.items():
        topic_id = metadata.topic_id(name)
        if count > 1:
            resolved.settle(name, NO_TOPIC_ID, ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
        elif name not in metadata:
            missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            resolved.settle(name, NO_TOPIC_ID, missing, missing.message)
        elif name in found or ids[topic_id] > 1:
            found.pop(name, None)
            message = "The provided topic name maps to an ID that was already supplied."
            resolved.settle(name, topic_id, ErrorCode.INVALID_REQUEST, message)
        else:
            found[name] = topic_id
    for name, topic_id in found.items():
        resolved.wait(name, topic_id)
    return resolved


@api.refusal
def refuse(request: DeleteTopicsRequest, ctx: RequestContext, code: int) -> DeleteTopicsResponse:
    return DeleteTopicsResponse(
        responses=[
            DeletableTopicResult(name=topic.name, topic_id=topic.topic_id, error_code=code)
            for topic in _topics(request, ctx)
        ]
    )
