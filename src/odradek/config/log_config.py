"""LogConfig: what one partition's log is told to do, as plain values.

The fields are Kafka's topic configs in snake_case, with the defaults of Kafka 3.9; sizes are bytes, times
milliseconds. Values come through `topic_config`, which validates them.
Source: org.apache.kafka.storage.internals.log.LogConfig, org.apache.kafka.common.config.TopicConfig.
"""

from __future__ import annotations

from dataclasses import KW_ONLY

from odradek.value_object import value_object

MAX_LONG = 2**63 - 1
"""Kafka's Long.MAX_VALUE: "no limit" in many of these."""

DERIVED = -2
"""`local_retention_ms`/`local_retention_bytes`: follow `retention_ms`/`retention_bytes`."""


@value_object
class LogConfig:
    """The configs of one topic after the broker's defaults and the topic's own overrides were merged."""

    _: KW_ONLY
    segment_bytes: int = 1024 * 1024 * 1024
    segment_ms: int = 7 * 24 * 60 * 60 * 1000
    segment_jitter_ms: int = 0
    segment_index_bytes: int = 10 * 1024 * 1024
    index_interval_bytes: int = 4096
    flush_messages: int = MAX_LONG
    flush_ms: int = MAX_LONG
    retention_bytes: int = -1
    """Negative: no limit."""
    retention_ms: int = 7 * 24 * 60 * 60 * 1000
    """-1: no limit."""
    max_message_bytes: int = 1024 * 1024 + 12
    """Bound of one batch (of its compressed size), its 12 bytes of offset and size included."""
    file_delete_delay_ms: int = 60_000
    delete_retention_ms: int = 24 * 60 * 60 * 1000
    min_compaction_lag_ms: int = 0
    max_compaction_lag_ms: int = MAX_LONG
    min_cleanable_dirty_ratio: float = 0.5
    cleanup_policy: frozenset[str] = frozenset({"delete"})
    """"delete" and/or "compact"."""
    unclean_leader_election_enable: bool = False
    min_insync_replicas: int = 1
    compression_type: str = "producer"
    compression_gzip_level: int = -1
    compression_lz4_level: int = 9
    compression_zstd_level: int = 3
    preallocate: bool = False
    message_format_version: str = "3.0-IV1"
    message_timestamp_type: str = "CreateTime"
    """Or "LogAppendTime"."""
    message_timestamp_difference_max_ms: int = MAX_LONG
    message_timestamp_before_max_ms: int = MAX_LONG
    message_timestamp_after_max_ms: int = MAX_LONG
    message_downconversion_enable: bool = True
    remote_storage_enable: bool = False
    remote_log_copy_disable: bool = False
    remote_log_delete_on_disable: bool = False
    local_retention_ms: int = DERIVED
    local_retention_bytes: int = DERIVED
    leader_replication_throttled_replicas: tuple[str, ...] = ()
    """"partition:broker" pairs, or "*"."""
    follower_replication_throttled_replicas: tuple[str, ...] = ()
    overridden: frozenset[str] = frozenset()
    """Names (Kafka's spelling) that the topic itself sets."""

    @property
    def compact(self) -> bool:
        return "compact" in self.cleanup_policy

    @property
    def delete(self) -> bool:
        return "delete" in self.cleanup_policy

    @property
    def max_segment_ms(self) -> int:
        """Age at which the active segment rolls: a compacted topic's lag bound may be the shorter one."""
        if self.compact and self.max_compaction_lag_ms > 0:
            return min(self.max_compaction_lag_ms, self.segment_ms)
        return self.segment_ms
