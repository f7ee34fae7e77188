"""What this broker does when its controller asks: leads, follows, lets go, learns the cluster.

The handlers of LeaderAndIsr, UpdateMetadata and StopReplica, called in this process or, with the cluster,
from the wire. Source: KafkaApis.handleLeaderAndIsrRequest and its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING

import trio

from odradek.coordination.dynamic_configs import TOPICS, DynamicConfigs
from odradek.coordination.store import SessionExpired
from odradek.coordinators.runtime import CoordinatorRuntime
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest, LeaderAndIsrTopicState
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse
from odradek.replication.replicas import Replicas

if TYPE_CHECKING:
    from odradek.groups.shard import GroupShard


_PARTITIONS_AT_A_TIME = 50
"""Making so many new partitions takes some 50 ms, for which nobody else is served."""


class LocalBroker:
    """One broker's answers to its controller; requests come one after another."""

    def __init__(
        self,
        replicas: Replicas,
        metadata: MetadataCache,
        configs: DynamicConfigs,
        groups: CoordinatorRuntime[GroupShard],
    ) -> None:
        self._replicas = replicas
        self._metadata = metadata
        self._configs = configs
        self._groups = groups

    async def leader_and_isr(self, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse:
        """Lead and follow. A new topic's configs are read before its first log is made."""
        unknown = {
            topic.topic_name for topic in request.topic_states if topic.topic_name not in self._metadata
        }
        # The next session begins with all configs read; what this request makes gets its own then.
        with suppress(SessionExpired):
            await self._configs.refresh(TOPICS, sorted(unknown))
        whole = LeaderAndIsrResponse()
        for part in _parts(request):
            response = self._replicas.apply_leader_and_isr(part)
            whole.error_code = response.error_code
            whole.topics += response.topics
            await trio.lowlevel.checkpoint()
        return whole

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        """Know the cluster. The groups' offsets of deleted partitions go with them."""
        deleted = self._metadata.apply(request)
        if deleted:
            await self._forget(deleted)
        return UpdateMetadataResponse()

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        """Let go of replicas, and delete those that are to be deleted."""
        return await self._replicas.stop_replica(request)

    async def _forget(self, deleted: list[TopicPartition]) -> None:
        # Loaded here for the sake of the start: a cluster without groups needs none of it.
        from odradek.groups.commands import ForgetPartitions

        await self._groups.execute_everywhere(ForgetPartitions(frozenset(deleted)))


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
