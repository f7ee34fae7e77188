"""The group coordinator of one broker, wired: the runtime, the shard it runs, and their settings.

The groups themselves are imported with the first shard: a broker that starts has none yet, and they would
be a fifth of its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odradek.clock import Clock
from odradek.config.broker_config import BrokerConfig
from odradek.coordinators.journal import JournalSettings
from odradek.coordinators.replicated_topic import ReplicatedTopic
from odradek.coordinators.runtime import CoordinatorRuntime, Upkeep
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.records.compression import Compression
from odradek.replication.replicas import Replicas

if TYPE_CHECKING:
    from odradek.groups.commands import ExpireOffsets
    from odradek.groups.shard import GroupShard


def group_coordinator(
    config: BrokerConfig, replicas: Replicas, metadata: MetadataCache, clock: Clock
) -> CoordinatorRuntime[GroupShard]:
    """A coordinator that hosts the groups of every `__consumer_offsets` partition this broker leads.

    To be started with `run`, and subscribed to `replicas` before the controller's first word.
    """
    configured_partitions = config.int("offsets.topic.num.partitions")

    def partition_count() -> int:
        return metadata.partition_count(GROUP_METADATA_TOPIC) or configured_partitions

    def new_shard() -> GroupShard:
        from odradek.groups.config import GroupConfig
        from odradek.groups.shard import GroupShard

        return GroupShard(GroupConfig.of(config))

    return CoordinatorRuntime(
        ReplicatedTopic(GROUP_METADATA_TOPIC, replicas, partition_count, clock),
        new_shard,
        clock,
        JournalSettings(
            compression=Compression(config.int("offsets.topic.compression.codec")),
            commit_timeout_ms=config.int("offsets.commit.timeout.ms"),
        ),
        Upkeep(_expire_offsets, config.int("offsets.retention.check.interval.ms")),
    )


def _expire_offsets() -> ExpireOffsets:
    from odradek.groups.commands import ExpireOffsets

    return ExpireOffsets()
