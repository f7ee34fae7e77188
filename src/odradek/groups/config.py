"""The settings of classic groups, with Kafka's names and defaults."""

from __future__ import annotations

from dataclasses import dataclass

NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000
"""How long a member may wait for its first generation; it cannot heartbeat yet. Kafka has no config."""


@dataclass(frozen=True, slots=True)
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
