"""A broker's replicas over real logs in a temporary directory, and what a controller would tell them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from odradek.clock import VirtualClock
from odradek.config.log_config import LogConfig
from odradek.log.logs import Logs, LogsConfig
from odradek.log.offload import inline
from odradek.metadata.cache import MetadataCache
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
    LeaderAndIsrTopicState,
)
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)
from odradek.records.builder import build_batch
from odradek.records.record import Record
from odradek.replication.partition import Partition
from odradek.replication.relocations import Relocations, RelocationSettings
from odradek.replication.replicas import Replicas, ReplicaSettings
from odradek.replication.replication_quota import ReplicationQuota

NODE_ID = 1
TOPIC_ID = UUID("11111111-2222-3333-4444-555555555555")


@dataclass
class Hosting:
    logs: Logs
    replicas: Replicas
    metadata: MetadataCache
    clock: VirtualClock
    relocations: Relocations
    configs: dict[str, LogConfig] = field(default_factory=dict)
    relocation_rate: int = 2**63 - 1
    """replica.alter.log.dirs.io.max.bytes.per.second"""

    def tell(
        self,
        topic: str,
        partition: int = 0,
        *,
        leader: int = NODE_ID,
        leader_epoch: int = 0,
        isr: tuple[int, ...] = (NODE_ID,),
        replicas: tuple[int, ...] = (NODE_ID,),
        topic_id: UUID = TOPIC_ID,
        controller_epoch: int = 1,
        partition_epoch: int = 0,
    ) -> LeaderAndIsrResponse:
        """One LeaderAndIsr for one partition, and the UpdateMetadata that follows it."""
        if NODE_ID not in self.metadata.snapshot.brokers:
            self.metadata.apply(UpdateMetadataRequest(live_brokers=_live_brokers()))
        state = LeaderAndIsrPartitionState(
            partition_index=partition,
            controller_epoch=controller_epoch,
            leader=leader,
            leader_epoch=leader_epoch,
            isr=list(isr),
            partition_epoch=partition_epoch,
            replicas=list(replicas),
            is_new=True,
        )
        response = self.replicas.apply_leader_and_isr(
            LeaderAndIsrRequest(
                controller_epoch=controller_epoch,
                topic_states=[LeaderAndIsrTopicState(topic, topic_id, [state])],
            )
        )
        self.announce(topic, partition, leader=leader, leader_epoch=leader_epoch, topic_id=topic_id)
        return response

    def announce(
        self, topic: str, partition: int = 0, *, leader: int, leader_epoch: int = 0, topic_id: UUID = TOPIC_ID
    ) -> None:
        """An UpdateMetadata alone: of a partition that may be on another broker."""
        self.metadata.apply(
            UpdateMetadataRequest(
                topic_states=[
                    UpdateMetadataTopicState(
                        topic,
                        topic_id,
                        [
                            UpdateMetadataPartitionState(
                                partition_index=partition, leader=leader, leader_epoch=leader_epoch
                            )
                        ],
                    )
                ],
                live_brokers=_live_brokers(),
            )
        )

    def lead(self, topic: str, partition: int = 0, config: LogConfig | None = None) -> Partition:
        """The partition, led by this broker alone."""
        if config is not None:
            self.configs[topic] = config
        self.tell(topic, partition)
        return self.replicas.hosted(topic, partition)


def _live_brokers() -> list[UpdateMetadataBroker]:
    return [
        UpdateMetadataBroker(
            id=node, endpoints=[UpdateMetadataEndpoint(9000 + node, "localhost", "PLAINTEXT", 0)]
        )
        for node in (NODE_ID, NODE_ID + 1, NODE_ID + 2)
    ]


@asynccontextmanager
async def hosting(
    path: Path, node_id: int = NODE_ID, settings: ReplicaSettings | None = None, *more_paths: Path
) -> AsyncIterator[Hosting]:
    """Replicas of a broker over the logs in `path` and `more_paths`; stopped in order at the end."""
    clock = VirtualClock()
    configs: dict[str, LogConfig] = {}

    def config_of(topic: str) -> LogConfig:
        return configs.get(topic, LogConfig())

    paths = tuple(map(str, (path, *more_paths)))
    logs = await Logs.open(LogsConfig(paths), clock, config_of=config_of, offload=inline)
    metadata = MetadataCache()
    replicas = Replicas(node_id, logs, metadata, config_of, clock=clock, settings=settings)
    quota = ReplicationQuota(node_id, clock.now_ms, lambda: hosted.relocation_rate)
    relocations = Relocations(replicas, logs, quota, RelocationSettings(max_bytes=100), inline)
    replicas.relocate_with(relocations)
    hosted = Hosting(logs, replicas, metadata, clock, relocations, configs)
    try:
        yield hosted
    finally:
        await hosted.replicas.checkpoint_high_watermarks()
        await logs.close()


def batch(count: int = 1, *, size: int = 10, **fields: Any) -> bytearray:
    """`count` records as a producer sends them."""
    records = [Record(i, 1_700_000_000_000 + i, b"key-%d" % i, b"v" * size) for i in range(count)]
    return build_batch(records, **fields)
