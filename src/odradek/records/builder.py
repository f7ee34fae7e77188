"""Builds batches of magic 2: what coordinators append, and what conversion and recompression result in.

Kafka: MemoryRecordsBuilder.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from odradek.records.batch import (
    ATTRIBUTES_OFFSET,
    CONTROL_FLAG,
    CRC_OFFSET,
    HEADER,
    HEADER_SIZE_BYTES,
    NO_PARTITION_LEADER_EPOCH,
    NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    PREFIX_SIZE_BYTES,
    TIMESTAMP_TYPE_FLAG,
    TRANSACTIONAL_FLAG,
    TimestampType,
)
from odradek.records.compression import Compression, compress
from odradek.records.crc import crc32c
from odradek.records.record import Record, write_record

_CRC = Struct(">I")


def build_batch(
    records: Iterable[Record],
    *,
    base_offset: int = 0,
    compression: Compression = Compression.NONE,
    compression_level: int | None = None,
    timestamp_type: TimestampType = TimestampType.CREATE_TIME,
    log_append_time_ms: int = NO_TIMESTAMP,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = NO_PRODUCER_EPOCH,
    base_sequence: int = NO_SEQUENCE,
    partition_leader_epoch: int = NO_PARTITION_LEADER_EPOCH,
    is_transactional: bool = False,
    is_control: bool = False,
) -> bytearray:
    """One batch of magic 2 that holds `records`, whose offsets ascend from `base_offset` on, gaps allowed.

    With LOG_APPEND_TIME the batch's time is `log_append_time_ms`, and readers ignore the records' own.
    No records make no batch: b"".
    """
    batch = bytearray(HEADER_SIZE_BYTES)
    base_timestamp: int | None = None
    max_timestamp = NO_TIMESTAMP
    last_offset = base_offset
    count = 0
    for record in records:
        timestamp = record.timestamp
        if base_timestamp is None:
            base_timestamp = timestamp
        if timestamp > max_timestamp:
            max_timestamp = timestamp
        write_record(batch, record, base_offset, base_timestamp)
        last_offset = record.offset
        count += 1
    if base_timestamp is None:
        return bytearray()
    if compression is not Compression.NONE:
        batch[HEADER_SIZE_BYTES:] = compress(compression, batch[HEADER_SIZE_BYTES:], level=compression_level)
    attributes = int(compression)
    if timestamp_type is TimestampType.LOG_APPEND_TIME:
        attributes |= TIMESTAMP_TYPE_FLAG
        max_timestamp = log_append_time_ms
    if is_transactional:
        attributes |= TRANSACTIONAL_FLAG
    if is_control:
        attributes |= CONTROL_FLAG
    HEADER.pack_into(
        batch,
        0,
        base_offset,
        len(batch) - PREFIX_SIZE_BYTES,
        partition_leader_epoch,
        2,
        0,
        attributes,
        last_offset - base_offset,
        base_timestamp,
        max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        count,
    )
    write_crc(batch)
    return batch


def write_crc(batch: bytearray | memoryview) -> None:
    """Makes the checksum of one whole batch of magic 2 right again after its header changed."""
    _CRC.pack_into(batch, CRC_OFFSET, crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:]))
