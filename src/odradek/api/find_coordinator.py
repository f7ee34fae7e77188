"""FindCoordinator (key 10): which broker coordinates a group, or a transactional id.

0  initial   1  key_type, error_message, throttle_time_ms   2  answered before throttling   3  flexible
4  coordinator_keys, many at once (KIP-699)   5  TRANSACTION_ABORTABLE (KIP-890)   6  share groups (KIP-932)

The coordinator of a key is the leader of its partition of an internal topic, which the first question
brings into being. Of coordinators that this broker does not have yet (transactions, share groups) clients
are told INVALID_REQUEST: it ends their search, where COORDINATOR_NOT_AVAILABLE would let them ask until they
time out, as 3.9 does with share groups, which it does not have either.
"""

from __future__ import annotations

from typing import NamedTuple

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from odradek.protocol.generated.find_coordinator_response import Coordinator, FindCoordinatorResponse

api = Api(key=ApiKey.FIND_COORDINATOR, versions=Versions(0, 6), request=FindCoordinatorRequest)

_GROUP, _TRANSACTION, _SHARE = 0, 1, 2
_FIRST_WITH_MANY_KEYS = 4
_FIRST_WITH_SHARE_GROUPS = 6


class _Found(NamedTuple):
    """A coordinator and where it listens, or why there is none."""

    error: ErrorCode
    node_id: int = -1
    host: str = ""
    port: int = -1


@api.handler
async def find_coordinator(request: FindCoordinatorRequest, ctx: RequestContext) -> FindCoordinatorResponse:
    if request.key_type not in (_GROUP, _TRANSACTION, _SHARE):
        return _refused(request, ctx.api_version, ErrorCode.INVALID_REQUEST)
    if ctx.api_version < _FIRST_WITH_MANY_KEYS:
        return _single(await _find(request.key_type, request.key, ctx))
    return FindCoordinatorResponse(
        coordinators=[
            _entry(key, await _find(request.key_type, key, ctx)) for key in request.coordinator_keys
        ]
    )


async def _find(key_type: int, key: str, ctx: RequestContext) -> _Found:
    services = ctx.services
    if key_type == _SHARE and services.release.zookeeper and ctx.api_version >= _FIRST_WITH_SHARE_GROUPS:
        return _Found(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    if key_type != _GROUP:
        return _Found(ErrorCode.INVALID_REQUEST)
    topic = services.metadata.snapshot.topics.get(GROUP_METADATA_TOPIC)
    if topic is None:
        await services.topics.create_automatically((GROUP_METADATA_TOPIC,))
        return _Found(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    snapshot = services.metadata.snapshot
    partition = TopicPartition(GROUP_METADATA_TOPIC, services.groups.partition_for(key))
    state = snapshot.partition(partition)
    endpoint = snapshot.endpoint(state.leader, ctx.listener_name) if state is not None else None
    if state is None or endpoint is None:
        return _Found(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return _Found(ErrorCode.NONE, state.leader, endpoint.host, endpoint.port)


def _single(found: _Found) -> FindCoordinatorResponse:
    return FindCoordinatorResponse(
        error_code=found.error,
        error_message=found.error.message,
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )


def _entry(key: str, found: _Found) -> Coordinator:
    return Coordinator(
        key=key, node_id=found.node_id, host=found.host, port=found.port, error_code=found.error
    )


def _refused(request: FindCoordinatorRequest, version: int, error: ErrorCode) -> FindCoordinatorResponse:
    found = _Found(error)
    if version < _FIRST_WITH_MANY_KEYS:
        return _single(found)
    entries = [_entry(key, found) for key in request.coordinator_keys]
    for entry in entries:
        entry.error_message = error.message
    return FindCoordinatorResponse(coordinators=entries)


@api.refusal
def refuse(request: FindCoordinatorRequest, ctx: RequestContext, code: int) -> FindCoordinatorResponse:
    return _refused(request, ctx.api_version, ErrorCode(code))
