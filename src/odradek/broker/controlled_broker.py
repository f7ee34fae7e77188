"""What this broker does when its controller asks: leads, follows, lets go, learns the cluster.

The handlers of LeaderAndIsr, UpdateMetadata and StopReplica, called by a controller in this process or from
the wire. A request for an earlier registration of this broker is refused: it was sent before a restart.
Source: KafkaApis.handleLeaderAndIsrRequest and its neighbours, ZkBrokerEpochManager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from functools import partial
from typing import TYPE_CHECKING

import trio

from odradek.coordination.dynamic_configs import TOPICS, DynamicConfigs
from odradek.coordination.perseverance import persevere
from odradek.coordination.store import SessionExpired
from odradek.coordinators.runtime import CoordinatorRuntime
from odradek.errors import KafkaError
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest, LeaderAndIsrTopicState
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse
from odradek.replication.control_messages import refused_leader_and_isr
from odradek.replication.replicas import Replicas
from odradek.telemetry import get_logger

if TYPE_CHECKING:
    from odradek.groups.shard import GroupShard


_log = get_logger(__name__)

UNKNOWN_BROKER_EPOCH = -1
"""In requests of versions that know no broker epochs."""

_PARTITIONS_AT_A_TIME = 50
"""Making so many new partitions takes some 50 ms, for which nobody else is served."""


class LocalBroker:
    """One broker's answers to its controller; requests are carried out one after another.

    `broker_epoch` is that of this broker's registration of the moment.
    """

    def __init__(
        self,
        replicas: Replicas,
        metadata: MetadataCache,
        configs: DynamicConfigs,
        groups: CoordinatorRuntime[GroupShard],
        broker_epoch: Callable[[], int],
    ) -> None:
        self._broker_epoch = broker_epoch
        self._turn = trio.Lock()
        self._replicas = replicas
        self._metadata = metadata
        self._configs = configs
        self._groups = groups

    def _is_stale(self, request: LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest) -> bool:
        """Whether a request was meant for an earlier registration.

        Raises KafkaError(UNKNOWN_SERVER_ERROR) for one of a KRaft controller, to which no broker in ZooKeeper
        mode belongs that was not told to migrate.
        """
        if request.broker_epoch == UNKNOWN_BROKER_EPOCH:
            return False
        if request.is_kraft_controller:
            raise KafkaError(
                ErrorCode.UNKNOWN_SERVER_ERROR, "Expected BrokerLifecycleManager to be non-null."
            )
        is_stale = request.broker_epoch < self._broker_epoch()
        if is_stale:
            _log.info(
                "request of an earlier registration refused",
                api=type(request).__name__,
                broker_epoch=request.broker_epoch,
                controller=request.controller_id,
            )
        return is_stale

    async def leader_and_isr(self, request: LeaderAndIsrRequest, version: int = 7) -> LeaderAndIsrResponse:
        """Lead and follow. A topic's configs are read before its first log is made here."""
        async with self._turn:
            if self._is_stale(request):
                return refused_leader_and_isr(request, ErrorCode.STALE_BROKER_EPOCH, version)
            return await self._lead_and_follow(request, version)

    async def _lead_and_follow(self, request: LeaderAndIsrRequest, version: int) -> LeaderAndIsrResponse:
        # Nobody announces what a topic is created with, and it may have been elsewhere until now.
        unknown = {
            topic.topic_name
            for topic in request.topic_states
            if not all(
                self._replicas.has_log(TopicPartition(topic.topic_name, each.partition_index))
                for each in topic.partition_states
            )
        }
        # The next session begins with all configs read; what this request makes gets its own then.
        with suppress(SessionExpired):
            await persevere(partial(self._configs.refresh, TOPICS, sorted(unknown)))
        whole = LeaderAndIsrResponse()
        for part in _parts(request):
            response = self._replicas.apply_leader_and_isr(part, version)
            whole.error_code = response.error_code
            whole.topics += response.topics
            whole.partition_errors += response.partition_errors
            await trio.lowlevel.checkpoint()
        return whole

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        """Know the cluster. The groups' offsets of deleted partitions go with them."""
        async with self._turn:
            if self._is_stale(request):
                return UpdateMetadataResponse(ErrorCode.STALE_BROKER_EPOCH)
            if not self._replicas.heed_controller(request.controller_id, request.controller_epoch):
                return UpdateMetadataResponse(ErrorCode.STALE_CONTROLLER_EPOCH)
            deleted = self._metadata.apply(request)
        if deleted:
            self._forget(deleted)
        return UpdateMetadataResponse()

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        """Let go of replicas, and delete those that are to be deleted."""
        async with self._turn:
            if self._is_stale(request):
                return StopReplicaResponse(ErrorCode.STALE_BROKER_EPOCH)
            return await self._replicas.stop_replica(request)

    def _forget(self, deleted: list[TopicPartition]) -> None:
        """Without waiting, like Kafka: what lets it be replicated may come after this request."""
        for name in sorted({tp.topic for tp in deleted if tp.topic not in self._metadata}):
            self._configs.forget(TOPICS, name)
        # Loaded here for the sake of the start: a cluster without groups needs none of it.
        from odradek.groups.commands import ForgetPartitions

        self._groups.tell_everywhere(ForgetPartitions(frozenset(deleted)))


def _parts(request: LeaderAndIsrRequest) -> Iterator[LeaderAndIsrRequest]:
    """The same request in several, topic by topic; at least one."""
    topics: list[LeaderAndIsrTopicState] = []
    count = 0
    for topic in request.topic_states:
        if topics and count + len(topic.partition_states) > _PARTITIONS_AT_A_TIME:
            yield _with_topics(request, topics)
            topics, count = [], 0
        topics.append(topic)
        count += len(topic.partition_states)
    yield _with_topics(request, topics)


def _with_topics(request: LeaderAndIsrRequest, topics: list[LeaderAndIsrTopicState]) -> LeaderAndIsrRequest:
    part = copy(request)
    part.topic_states = topics
    return part
