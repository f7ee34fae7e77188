"""ElectLeaders (key 43): have the preferred replicas lead or, unclean, anybody where nobody does.

0  preferred leaders only   1  election_type, error_code (KIP-460)   2  flexible

Without partitions it is about all of them, and those that need no election are left out of the answer.
Source: KafkaApis.handleElectLeaders, ReplicaManager.electLeaders.
"""

from __future__ import annotations

from collections.abc import Mapping

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.row_order import Row, decided
from odradek.controller.commands import ElectedLeaders, ElectLeaders, Refused
from odradek.controller.metadata_waits import wait_until
from odradek.errors import KafkaError
from odradek.metadata.cache import Snapshot
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.elect_leaders_request import ElectLeadersRequest
from odradek.protocol.generated.elect_leaders_response import (
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

api = Api(key=ApiKey.ELECT_LEADERS, versions=Versions(0, 2), request=ElectLeadersRequest)

_PREFERRED, _UNCLEAN = 0, 1
_FIRST_WITH_ERROR_CODE = 1

Outcomes = Mapping[TopicPartition, Refused | None]


@api.handler
async def elect_leaders(request: ElectLeadersRequest, ctx: RequestContext) -> ElectLeadersResponse:
    election_type = request.election_type if ctx.api_version >= 1 else _PREFERRED
    zookeeper = ctx.services.release.zookeeper
    if election_type not in (_PREFERRED, _UNCLEAN):
        if zookeeper:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
        unknown = Refused(ErrorCode.INVALID_REQUEST, f"Unknown election type {election_type}")
        return _refused(request, ctx, unknown)
    if not zookeeper:
        if request.timeout_ms <= 0:
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT)
        return _not_needed(request, ctx)
    everywhere = request.topic_partitions is None
    partitions = _all(ctx) if everywhere else _asked(request)
    try:
        command = ElectLeaders(partitions, unclean=election_type == _UNCLEAN)
        elected: ElectedLeaders = await ctx.services.controller.elect_leaders(command)
    except KafkaError as error:
        elected = {each: Refused(ErrorCode(error.code)) for each in partitions}
    outcomes = await _known(elected, ctx, request.timeout_ms)
    if everywhere:
        outcomes = {
            tp: refused
            for tp, refused in outcomes.items()
            if refused is None or refused.code is not ErrorCode.ELECTION_NOT_NEEDED
        }
    return ElectLeadersResponse(replica_election_results=_results(outcomes))


def _asked(request: ElectLeadersRequest) -> tuple[TopicPartition, ...]:
    return tuple(
        dict.fromkeys(
            TopicPartition(topic.topic, number)
            for topic in request.topic_partitions or ()
            for number in topic.partitions
        )
    )


def _all(ctx: RequestContext) -> tuple[TopicPartition, ...]:
    topics = ctx.services.metadata.snapshot.topics
    return tuple(TopicPartition(name, number) for name in topics for number in topics[name].partitions)


async def _known(elected: ElectedLeaders, ctx: RequestContext, timeout_ms: int) -> Outcomes:
    """Wait until this broker's metadata show the new leaders, or the time is up (REQUEST_TIMED_OUT)."""
    leaders = {tp: leader for tp, leader in elected.items() if not isinstance(leader, Refused)}

    def unseen(snapshot: Snapshot) -> set[TopicPartition]:
        seen = {tp: snapshot.partition(tp) for tp in leaders}
        return {tp for tp, state in seen.items() if state is None or state.leader != leaders[tp]}

    metadata = ctx.services.metadata
    await wait_until(metadata, lambda snapshot: not unseen(snapshot), timeout_ms=timeout_ms)
    late = unseen(metadata.snapshot)
    outcomes: dict[TopicPartition, Refused | None] = {}
    for topic_partition, outcome in elected.items():
        if isinstance(outcome, Refused):
            outcomes[topic_partition] = outcome
        else:
            timed_out = Refused(ErrorCode.REQUEST_TIMED_OUT)
            outcomes[topic_partition] = timed_out if topic_partition in late else None
    return outcomes


def _results(outcomes: Outcomes) -> list[ReplicaElectionResult]:
    topics: dict[str, ReplicaElectionResult] = {}
    for row in decided(Row(*topic_partition) for topic_partition in outcomes):
        topic = topics.setdefault(row.topic, ReplicaElectionResult(topic=row.topic, partition_result=[]))
        refused = outcomes[TopicPartition(row.topic, row.partition)]
        topic.partition_result.append(_row(row.partition, refused))
    return list(topics.values())


def _not_needed(request: ElectLeadersRequest, ctx: RequestContext) -> ElectLeadersResponse:
    """Answer as a KRaft controller of a single broker, which leads what there is: in the order of asking.

    All topics are named where none was, without their partitions.
    """
    snapshot = ctx.services.metadata.snapshot
    if request.topic_partitions is None:
        nothing = [ReplicaElectionResult(topic=name, partition_result=[]) for name in snapshot.topics]
        return ElectLeadersResponse(replica_election_results=nothing)
    results = []
    for asked in request.topic_partitions:
        topic = snapshot.topics.get(asked.topic)
        rows = []
        for number in asked.partitions:
            if topic is None:
                refused = _unknown(f"No such topic as {asked.topic}")
            elif number not in topic.partitions:
                refused = _unknown(f"No such partition as {asked.topic}-{number}")
            else:
                refused = Refused(ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.ELECTION_NOT_NEEDED.message)
            rows.append(_row(number, refused))
        results.append(ReplicaElectionResult(topic=asked.topic, partition_result=rows))
    return ElectLeadersResponse(replica_election_results=results)


def _unknown(message: str) -> Refused:
    return Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)


def _row(number: int, refused: Refused | None) -> PartitionResult:
    return PartitionResult(
        partition_id=number,
        error_code=refused.code if refused else ErrorCode.NONE,
        error_message=refused.message if refused else None,
    )


def _refused(request: ElectLeadersRequest, ctx: RequestContext, refused: Refused) -> ElectLeadersResponse:
    return ElectLeadersResponse(
        error_code=refused.code if ctx.api_version >= _FIRST_WITH_ERROR_CODE else ErrorCode.NONE,
        replica_election_results=[
            ReplicaElectionResult(
                topic=topic.topic, partition_result=[_row(number, refused) for number in topic.partitions]
            )
            for topic in request.topic_partitions or ()
        ],
    )


@api.refusal
def refuse(request: ElectLeadersRequest, ctx: RequestContext, code: int) -> ElectLeadersResponse:
    return _refused(request, ctx, Refused(ErrorCode(code)))
