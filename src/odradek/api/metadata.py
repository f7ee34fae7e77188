"""Metadata (key 3): which brokers there are, and who leads the partitions of some topics, or of all.

0  no topics means all   1  null means all, none means none; rack, controller_id, is_internal   2  cluster_id
3  throttle_time_ms   4  allow_auto_topic_creation   5  offline_replicas   6  answered before throttling
7  leader_epoch   8  authorized operations (KIP-430)   9  flexible   10  topic_id in answers (KIP-516)
11  cluster's operations moved to DescribeCluster (KIP-700)   12  topics by id   13  error_code (KIP-1102)

Topics that do not exist are created where both sides allow it; their clients are told to ask again. Rows
come as Kafka's sets and maps iterate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from odradek.api.api import Api, Versions
from odradek.api.authorized_operations import CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS
from odradek.api.context import RequestContext
from odradek.controller.metadata_waits import wait_until
from odradek.errors import KafkaError
from odradek.metadata import topic_names
from odradek.metadata.cache import PartitionState, Snapshot, TopicMetadata
from odradek.metadata.hash_order import (
    java_hash,
    long_map_order,
    scala_immutable_order,
    scala_order,
    uuid_hash,
)
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.metadata_request import MetadataRequest
from odradek.protocol.generated.metadata_response import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from odradek.value_object import value_object

api = Api(key=ApiKey.METADATA, versions=Versions(0, 13), request=MetadataRequest)

_NO_LEADER = -1
_NO_CONTROLLER = -1

_FIRST_TOLD_MS = 5_000
"""How long clients wait for a broker that has just registered. Kafka's denies all topics until a controller
has told it of them, and whoever was waiting for it gives up what it meant to send there."""


@value_object
class _Listener:
    """Whom a client can reach: brokers by the listener it came in by, and how others are spoken of."""

    snapshot: Snapshot
    name: str
    leave_out_dead_replicas: bool
    """Version 0: replicas on dead brokers are left out, and that is an error."""
    missing_listener: ErrorCode
    """What to call a leader that lives but does not have this listener."""

    def has(self, node_id: int) -> bool:
        return self.snapshot.endpoint(node_id, self.name) is not None


@api.handler
async def metadata(request: MetadataRequest, ctx: RequestContext) -> MetadataResponse:
    await wait_until(ctx.services.metadata, _is_told, timeout_ms=_FIRST_TOLD_MS)
    version = ctx.api_version
    every = request.topics is None or (version == 0 and not request.topics)
    _check(request, version)
    topics: list[MetadataResponseTopic] = []
    if every:
        names = scala_immutable_order(ctx.services.metadata.snapshot.topics, java_hash)
        topics += _known_topics(ctx, names)
    else:
        ids = [topic.topic_id for topic in request.topics or () if topic.topic_id != NO_TOPIC_ID]
        if ids:
            topics += _by_id(ctx, ids)
        else:
            topics += await _by_name(ctx, request)
    cluster_operations = NOT_ASKED
    if request.include_cluster_authorized_operations and 8 <= version <= 10:
        cluster_operations = CLUSTER_OPERATIONS
    if request.include_topic_authorized_operations and version >= 8:
        for topic in topics:
            topic.topic_authorized_operations = TOPIC_OPERATIONS
    snapshot = ctx.services.metadata.snapshot
    return MetadataResponse(
        brokers=_brokers(snapshot, ctx.listener_name),
        cluster_id=ctx.services.cluster_id,
        controller_id=_NO_CONTROLLER if snapshot.controller_id is None else snapshot.controller_id,
        topics=topics,
        cluster_authorized_operations=cluster_operations,
    )


def _is_told(snapshot: Snapshot) -> bool:
    """Whether a controller has told this broker of the cluster, to which it belongs itself."""
    return bool(snapshot.brokers)


def _check(request: MetadataRequest, version: int) -> None:
    """Refuse what the layout of versions 10 and 11 allows but Kafka does not."""
    for topic in request.topics or ():
        if version < 12 and (topic.name is None or topic.topic_id != NO_TOPIC_ID):
            raise KafkaError(ErrorCode.INVALID_REQUEST)


def _brokers(snapshot: Snapshot, listener_name: str) -> list[MetadataResponseBroker]:
    brokers = []
    for node_id, broker in snapshot.brokers.items():
        endpoint = broker.endpoints.get(listener_name)
        if endpoint is not None:
            brokers.append(
                MetadataResponseBroker(
                    node_id=node_id, host=endpoint.host, port=endpoint.port, rack=broker.rack
                )
            )
    return brokers


def _by_id(ctx: RequestContext, asked: Iterable[UUID]) -> list[MetadataResponseTopic]:
    topics_by_id = ctx.services.metadata.snapshot.topics_by_id
    ids = scala_immutable_order(asked, uuid_hash)
    unknown = [
        MetadataResponseTopic(error_code=ErrorCode.UNKNOWN_TOPIC_ID, name=None, topic_id=topic_id)
        for topic_id in ids
        if topic_id not in topics_by_id
    ]
    known = [topics_by_id[topic_id].name for topic_id in ids if topic_id in topics_by_id]
    return unknown + _known_topics(ctx, scala_immutable_order(known, java_hash))


async def _by_name(ctx: RequestContext, request: MetadataRequest) -> list[MetadataResponseTopic]:
    asked = [topic.name for topic in request.topics or () if topic.name is not None]
    if len(asked) < len(request.topics or ()):
        # With neither name nor id a request runs into a bug of Kafka's, and is answered like one.
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    names = scala_immutable_order(asked, java_hash)
    known = ctx.services.metadata.snapshot.topics
    unknown = [name for name in names if name not in known]
    # The protocol gives versions before 4, which cannot say it, the default: creation is allowed.
    creates = request.allow_auto_topic_creation and ctx.services.config.bool("auto.create.topics.enable")
    answers = _known_topics(ctx, [name for name in names if name in known])
    if unknown and creates:
        errors = await ctx.services.topics.create_automatically(unknown)
        legal: list[str] = []
        illegal: list[str] = []
        for name in unknown:
            (legal if topic_names.reason_invalid(name) is None else illegal).append(name)
        order = illegal + scala_immutable_order(scala_order(legal), java_hash)
        return answers + [_without_partitions(name, errors[name]) for name in order]
    return answers + [_without_partitions(name, _missing(name)) for name in unknown]


def _missing(name: str) -> ErrorCode:
    legal = topic_names.reason_invalid(name) is None
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if legal else ErrorCode.INVALID_TOPIC_EXCEPTION


def _without_partitions(name: str, error: ErrorCode) -> MetadataResponseTopic:
    return MetadataResponseTopic(error_code=error, name=name, is_internal=topic_names.is_internal(name))


def _known_topics(ctx: RequestContext, names: Iterable[str]) -> list[MetadataResponseTopic]:
    snapshot = ctx.services.metadata.snapshot
    missing_listener = (
        ErrorCode.LISTENER_NOT_FOUND if ctx.api_version >= 6 else ErrorCode.LEADER_NOT_AVAILABLE
    )
    listener = _Listener(snapshot, ctx.listener_name, ctx.api_version == 0, missing_listener)
    # Before KRaft, brokers keep a topic's partitions in a table that is copied with every update.
    order = long_map_order if ctx.services.release.zookeeper else sorted
    return [_topic(snapshot.topics[name], listener, order) for name in names]


def _topic(
    topic: TopicMetadata, listener: _Listener, order: Callable[[Iterable[int]], list[int]]
) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic_names.is_internal(topic.name),
        partitions=[_partition(topic.partitions[number], listener) for number in order(topic.partitions)],
    )


def _partition(state: PartitionState, listener: _Listener) -> MetadataResponsePartition:
    replicas, isr = list(state.replicas), list(state.isr)
    if listener.leave_out_dead_replicas:
        replicas = [node_id for node_id in replicas if listener.has(node_id)]
        isr = [node_id for node_id in isr if listener.has(node_id)]
    leader, error = state.leader, ErrorCode.NONE
    if not listener.has(leader):
        lives = leader in listener.snapshot.brokers
        leader, error = _NO_LEADER, (listener.missing_listener if lives else ErrorCode.LEADER_NOT_AVAILABLE)
    elif len(replicas) < len(state.replicas) or len(isr) < len(state.isr):
        error = ErrorCode.REPLICA_NOT_AVAILABLE
    return MetadataResponsePartition(
        error_code=error,
        partition_index=state.partition,
        leader_id=leader,
        leader_epoch=state.leader_epoch,
        replica_nodes=replicas,
        isr_nodes=isr,
        offline_replicas=list(state.offline_replicas),
    )


@api.refusal
def refuse(request: MetadataRequest, ctx: RequestContext, code: int) -> MetadataResponse:
    """Repeat the topics with the error; from version 13 the response has one of its own as well."""
    topics = [
        MetadataResponseTopic(error_code=code, name=topic.name or "", topic_id=topic.topic_id)
        for topic in request.topics or ()
    ]
    return MetadataResponse(
        topics=topics, controller_id=_NO_CONTROLLER, error_code=code if ctx.api_version >= 13 else 0
    )
