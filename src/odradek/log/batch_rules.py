"""From a topic's configuration to what is demanded of the batches appended to it."""

from __future__ import annotations

from odradek.config.log_config import LogConfig
from odradek.metadata.topic_partition import TopicPartition
from odradek.records.batch import TimestampType
from odradek.records.compression import Compression
from odradek.records.validation import BatchRules


def batch_rules(topic_partition: TopicPartition, config: LogConfig, *, validate_records: bool) -> BatchRules:
    """The rules of one partition; made anew when the configuration changes."""
    level = {
        "gzip": config.compression_gzip_level,
        "lz4": config.compression_lz4_level,
        "zstd": config.compression_zstd_level,
    }.get(config.compression_type)
    is_stamped = config.message_timestamp_type == "LogAppendTime"
    return BatchRules(
        partition=str(topic_partition),
        max_message_bytes=config.max_message_bytes,
        compression=_target(config.compression_type),
        compression_level=level,
        is_compacted=config.compact,
        timestamp_type=TimestampType.LOG_APPEND_TIME if is_stamped else TimestampType.CREATE_TIME,
        timestamp_before_max_ms=config.message_timestamp_before_max_ms,
        timestamp_after_max_ms=config.message_timestamp_after_max_ms,
        validate_records=validate_records,
    )


def _target(compression_type: str) -> Compression | None:
    """None keeps the producer's codec."""
    if compression_type == "producer":
        return None
    return Compression.NONE if compression_type == "uncompressed" else Compression[compression_type.upper()]
