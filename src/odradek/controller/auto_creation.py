"""What a topic looks like that nobody created: the broker's defaults, and the coordinators' own topics. Pure.

Source: kafka.server.DefaultAutoTopicCreationManager.
"""

from __future__ import annotations

from odradek.config.broker_config import BrokerConfig
from odradek.config.release import Release
from odradek.controller.new_topic import NewTopic
from odradek.metadata.topic_names import (
    GROUP_METADATA_TOPIC,
    SHARE_GROUP_STATE_TOPIC,
    TRANSACTION_STATE_TOPIC,
)

_FIRST_WITH_SHARE_GROUPS = Release(4, 0)


def automatic_topic(name: str, config: BrokerConfig) -> NewTopic:
    """Describe the topic to create under this name."""
    if name == GROUP_METADATA_TOPIC:
        return NewTopic(
            name,
            config.int("offsets.topic.num.partitions"),
            config.int("offsets.topic.replication.factor"),
            configs={
                "cleanup.policy": "compact",
                "compression.type": "producer",
                "segment.bytes": str(config.int("offsets.topic.segment.bytes")),
            },
        )
    if name == TRANSACTION_STATE_TOPIC:
        return NewTopic(
            name,
            config.int("transaction.state.log.num.partitions"),
            config.int("transaction.state.log.replication.factor"),
            configs={
                "unclean.leader.election.enable": "false",
                "compression.type": "uncompressed",
                "cleanup.policy": "compact",
                "min.insync.replicas": str(config.int("transaction.state.log.min.isr")),
                "segment.bytes": str(config.int("transaction.state.log.segment.bytes")),
            },
        )
    if name == SHARE_GROUP_STATE_TOPIC and config.release >= _FIRST_WITH_SHARE_GROUPS:
        return NewTopic(
            name,
            config.int("share.coordinator.state.topic.num.partitions"),
            config.int("share.coordinator.state.topic.replication.factor"),
            configs={
                "cleanup.policy": "delete",
                "compression.type": "producer",
                "segment.bytes": str(config.int("share.coordinator.state.topic.segment.bytes")),
                "min.insync.replicas": str(config.int("share.coordinator.state.topic.min.isr")),
                "retention.ms": "-1",
            },
        )
    return NewTopic(name, config.int("num.partitions"), config.int("default.replication.factor"))
