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
    BatchHeader,
    TimestampType,
)
from odradek.records.compression import Compression, compress
from odradek.records.crc import crc32c
from odradek.records.pieces import PIECE_BYTES, compressor
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


class LongBatchBuilder:
    """Builds a batch whose records are too many to have them all in memory; offsets count from 0.

    What exceeds `most_bytes` is counted, but not kept.
    """

    __slots__ = (
        "_base_timestamp",
        "_batch",
        "_compression",
        "_compressor",
        "_count",
        "_max_timestamp",
        "_most_bytes",
        "_records",
        "size_bytes",
    )

    def __init__(self, compression: Compression, *, level: int | None, most_bytes: int) -> None:
        self._compression = compression
        self._compressor = compressor(compression, level=level)
        self._most_bytes = most_bytes
        self._batch = bytearray(HEADER_SIZE_BYTES)
        self._records = bytearray()
        self._base_timestamp = NO_TIMESTAMP
        self._max_timestamp = NO_TIMESTAMP
        self._count = 0
        self.size_bytes = HEADER_SIZE_BYTES
        """Of the batch so far, were it kept whole."""

    def append(self, record: Record) -> None:
        timestamp = record.timestamp
        if not self._count:
            self._base_timestamp = timestamp
        self._max_timestamp = max(self._max_timestamp, timestamp)
        numbered = Record(self._count, timestamp, record.key, record.value, record.headers)
        write_record(self._records, numbered, 0, self._base_timestamp)
        self._count += 1
        if len(self._records) >= PIECE_BYTES:
            self._put(self._compressor.write(self._records))
            self._records.clear()

    def finish(self, source: BatchHeader, *, log_append_time_ms: int | None) -> bytearray:
        """The batch of the producer, epoch and sequence of `source`; b"" of no records. Once only.

        With `log_append_time_ms` that is its time, and readers ignore the records' own.
        """
        if not self._count:
            return bytearray()
        self._put(self._compressor.write(self._records))
        self._put(self._compressor.finish())
        attributes = self._compression | source.attributes & TRANSACTIONAL_FLAG
        max_timestamp = self._max_timestamp
        if log_append_time_ms is not None:
            attributes |= TIMESTAMP_TYPE_FLAG
            max_timestamp = log_append_time_ms
        HEADER.pack_into(
            self._batch,
            0,
            0,
            len(self._batch) - PREFIX_SIZE_BYTES,
            NO_PARTITION_LEADER_EPOCH,
            2,
            0,
            attributes,
            self._count - 1,
            self._base_timestamp,
            max_timestamp,
            source.producer_id,
            source.producer_epoch,
            source.base_sequence,
            self._count,
        )
        write_crc(self._batch)
        return self._batch

    def _put(self, data: bytes) -> None:
        self.size_bytes += len(data)
        if self.size_bytes <= self._most_bytes:
            self._batch += data


def write_crc(batch: bytearray | memoryview) -> None:
    """Makes the checksum of one whole batch of magic 2 right again after its header changed."""
    _CRC.pack_into(batch, CRC_OFFSET, crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:]))
