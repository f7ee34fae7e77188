"""What the broker of this process does when its controller asks; the receiving end of ControlChannels.

Topics come with configs that nobody announces, so those of a request's topics are read before their logs
are made. Source: kafka.server.KafkaApis' handlers of the three control requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from odradek.coordination.dynamic_configs import TOPICS, DynamicConfigs
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse

Deleted = Callable[[Sequence[TopicPartition]], None]


class ControlledReplicas(Protocol):
    """The part of Replicas that the controller moves."""

    controller_epoch: int

    def apply_leader_and_isr(self, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse:
        """Lead and follow partitions."""

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        """Give replicas up, or delete them."""


class LocalBroker:
    """A ControlledBroker made of the parts of this broker; `deleted` hears of partitions that ended."""

    def __init__(
        self,
        replicas: ControlledReplicas,
        metadata: MetadataCache,
        configs: DynamicConfigs,
        deleted: Deleted = lambda partitions: None,
    ) -> None:
        self._replicas = replicas
        self._metadata = metadata
        self._configs = configs
        self._deleted = deleted

    async def leader_and_isr(self, request: LeaderAndIsrRequest) -> LeaderAndIsrResponse:
        await self._configs.refresh(TOPICS, [topic.topic_name for topic in request.topic_states])
        return self._replicas.apply_leader_and_isr(request)

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        if request.controller_epoch < self._replicas.controller_epoch:
            return UpdateMetadataResponse(error_code=ErrorCode.STALE_CONTROLLER_EPOCH)
        self._replicas.controller_epoch = request.controller_epoch
        deleted = self._metadata.apply(request)
        if deleted:
            self._deleted(deleted)
        return UpdateMetadataResponse()

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        return await self._replicas.stop_replica(request)
