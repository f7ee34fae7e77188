"""The group coordinator of one broker, wired: the runtime, the shard it runs, and their settings."""

from __future__ import annotations

from odradek.clock import Clock
from odradek.config.broker_config import BrokerConfig
from odradek.coordinators.hosted_shard import JournalSettings
from odradek.coordinators.replicated_topic import ReplicatedTopic
from odradek.coordinators.runtime import CoordinatorRuntime, Upkeep
from odradek.groups.commands import ExpireOffsets
from odradek.groups.config import GroupConfig
from odradek.groups.shard import GroupShard
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.records.compression import Compression
from odradek.replication.replicas import Replicas


def group_coordinator(
    config: BrokerConfig, replicas: Replicas, metadata: MetadataCache, clock: Clock
) -> CoordinatorRuntime[GroupShard]:
    """A coordinator that hosts the groups of every `__consumer_offsets` partition this broker leads.

    To be started with `run`, and subscribed to `replicas` before the controller's first word.
    """
    group_config = GroupConfig.of(config)
    configured_partitions = config.int("offsets.topic.num.partitions")

    def partition_count() -> int:
        return metadata.partition_count(GROUP_METADATA_TOPIC) or configured_partitions

    return CoordinatorRuntime(
        ReplicatedTopic(GROUP_METADATA_TOPIC, replicas, partition_count, clock),
        lambda: GroupShard(group_config),
        clock,
        JournalSettings(
            compression=Compression(config.int("offsets.topic.compression.codec")),
            commit_timeout_ms=config.int("offsets.commit.timeout.ms"),
        ),
        Upkeep(ExpireOffsets(), config.int("offsets.retention.check.interval.ms")),
    )
