"""The settings of classic groups, with Kafka's names and defaults."""

from __future__ import annotations

from typing import Self

from odradek.config.broker_config import BrokerConfig
from odradek.value_object import value_object

NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000
"""How long a member may wait for its first generation; it cannot heartbeat yet. Kafka has no config."""


@value_object
class GroupConfig:
    """`group.*` and `offsets.*` of the broker's configuration.

    release_4: decide as the coordinator of 4.x (KIP-848) where a client of classic groups can tell.
    """

    min_session_timeout_ms: int = 6_000
    max_session_timeout_ms: int = 1_800_000
    max_size: int = 2**31 - 1
    initial_rebalance_delay_ms: int = 3_000
    offset_metadata_max_bytes: int = 4_096
    offsets_retention_ms: int = 7 * 24 * 60 * 60 * 1000
    release_4: bool = False

    @classmethod
    def of(cls, config: BrokerConfig) -> Self:
        """What a broker's configuration says about groups."""
        return cls(
            min_session_timeout_ms=config.int("group.min.session.timeout.ms"),
            max_session_timeout_ms=config.int("group.max.session.timeout.ms"),
            max_size=config.int("group.max.size"),
            initial_rebalance_delay_ms=config.int("group.initial.rebalance.delay.ms"),
            offset_metadata_max_bytes=config.int("offset.metadata.max.bytes"),
            offsets_retention_ms=config.int("offsets.retention.minutes") * 60_000,
            release_4=not config.release.zookeeper,
        )
