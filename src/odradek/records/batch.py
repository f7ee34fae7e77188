"""Record batches as they lie on the wire and on disk: their headers, read without looking at a record.

Magic 2 (KIP-98), the layout of everything this broker writes:

     0  base_offset             int64   patched by the leader
     8  batch_length            int32   bytes after this field
    12  partition_leader_epoch  int32   patched by the leader
    16  magic                   int8    2
    17  crc                     uint32  CRC-32C of everything from byte 21 on
    21  attributes              int16   0-2 compression, 3 timestamp type, 4 transactional, 5 control,
                                        6 delete horizon (base_timestamp then holds it, KIP-534)
    23  last_offset_delta       int32
    27  base_timestamp          int64   ms
    35  max_timestamp           int64   ms
    43  producer_id             int64   -1 none
    51  producer_epoch          int16   -1 none
    53  base_sequence           int32   -1 none
    57  record_count            int32
    61  records                         one stream, compressed as a whole

Magic 0 and 1 have no batches: each entry is one message, which may wrap a compressed message set.

     0  offset                  int64   of a wrapper: of its last message (magic 1: inner ones are relative)
     8  message_size            int32   bytes after this field
    12  crc                     uint32  CRC-32 (zlib's) of everything from byte 16 on
    16  magic                   int8    0 or 1
    17  attributes              int8    0-2 compression, 3 timestamp type (magic 1)
    18  timestamp               int64   ms; magic 1 only
        key                     int32 length (-1 null), bytes
        value                   int32 length (-1 null), bytes

Kafka: DefaultRecordBatch, AbstractLegacyRecordBatch, ByteBufferLogInputStream.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple, TypeAlias

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.compression import Compression

Buffer: TypeAlias = bytes | bytearray | memoryview

NO_TIMESTAMP = -1
NO_PRODUCER_ID = -1
NO_PRODUCER_EPOCH = -1
NO_SEQUENCE = -1
NO_PARTITION_LEADER_EPOCH = -1

PREFIX_SIZE_BYTES = 12
"""Offset and length, which `batch_length` does not count; Kafka's LOG_OVERHEAD."""

HEADER_SIZE_BYTES = 61
"""Of a magic-2 batch; Kafka's RECORD_BATCH_OVERHEAD."""

MAX_RECORDS = 1 << 14
"""What is looked at in one go, while everybody waits: some tens of milliseconds. Thirty million records fit
into 300 kB of gzip."""

MAGIC_OFFSET = 16
CRC_OFFSET = 17
ATTRIBUTES_OFFSET = 21

LEGACY_CRC_OFFSET = 12
LEGACY_OVERHEAD_BYTES = (14, 22)
"""Bytes of a message of magic 0 and 1 that are neither prefix, key nor value."""

COMPRESSION_MASK = 0x07
TIMESTAMP_TYPE_FLAG = 0x08
TRANSACTIONAL_FLAG = 0x10
CONTROL_FLAG = 0x20

HEADER = Struct(">qiibIhiqqqhii")
PREFIX = Struct(">qi")
LEGACY_HEADER = Struct(">qiIbb")
_TIMESTAMP = Struct(">q")
_OFFSET_LENGTH_EPOCH = Struct(">qii")

MAX_SEQUENCE = 2**31 - 1


class TimestampType(IntEnum):
    """Who stamped a batch's records; attribute bit 3."""

    NO_TIMESTAMP_TYPE = -1
    CREATE_TIME = 0
    LOG_APPEND_TIME = 1


class BatchHeader(NamedTuple):
    """The header of one batch of any magic, or of one message of magic 0 or 1.

    A tuple because one is made for every batch that passes: the fields are the magic-2 layout in its order.
    For magic 0 and 1 `base_offset` is the entry's own offset (for a compressed wrapper that of its last
    message), `last_offset_delta` 0, both timestamps the message's, `record_count` 1 or, for a wrapper, -1
    (unknown without decompressing).
    """

    base_offset: int
    batch_length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size_bytes(self) -> int:
        """The whole batch, prefix included."""
        return self.batch_length + PREFIX_SIZE_BYTES

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def compression(self) -> Compression:
        """Raises KafkaError(UNKNOWN_SERVER_ERROR) for a codec id that does not exist."""
        return Compression.of(self.attributes & COMPRESSION_MASK)

    @property
    def timestamp_type(self) -> TimestampType:
        if self.magic == 0:
            return TimestampType.NO_TIMESTAMP_TYPE
        return TimestampType.LOG_APPEND_TIME if self.attributes & 0x08 else TimestampType.CREATE_TIME

    @property
    def is_transactional(self) -> bool:
        return self.magic >= 2 and self.attributes & TRANSACTIONAL_FLAG != 0

    @property
    def is_control(self) -> bool:
        return self.magic >= 2 and self.attributes & CONTROL_FLAG != 0

    @property
    def has_producer_id(self) -> bool:
        return self.producer_id > NO_PRODUCER_ID

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record, or -1; wraps from 2^31 - 1 to 0."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) & MAX_SEQUENCE


_new_header = tuple.__new__
"""Without the Python frames of `BatchHeader(...)`, `_make`, `_replace`: each append makes three headers."""


def read_header(buffer: Buffer, position: int = 0) -> BatchHeader:
    """The header at `position`; the buffer must hold it whole, the records may be missing.

    Raises KafkaError(CORRUPT_MESSAGE) for too few bytes, an unknown magic or an impossible length.
    """
    if len(buffer) - position >= HEADER_SIZE_BYTES and buffer[position + MAGIC_OFFSET] == 2:
        header = _new_header(BatchHeader, HEADER.unpack_from(buffer, position))
        if header.batch_length < HEADER_SIZE_BYTES - PREFIX_SIZE_BYTES:
            raise KafkaError(
                ErrorCode.CORRUPT_MESSAGE,
                f"Record batch is corrupt (the size {header.size_bytes} is smaller than the minimum allowed "
                f"overhead {HEADER_SIZE_BYTES})",
            )
        return header
    return _read_legacy_header(buffer, position)


def iter_headers(buffer: Buffer) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header) of each whole batch in turn; stops before a torn tail.

    Raises KafkaError(CORRUPT_MESSAGE) where the bytes cannot be a batch at all.
    """
    position = 0
    size = len(buffer)
    while size - position >= PREFIX_SIZE_BYTES:
        end = position + PREFIX_SIZE_BYTES + read_batch_length(buffer, position)
        if end > size:
            return
        yield position, read_header(buffer, position)
        position = end


def assign_offsets(
    batch: bytearray | memoryview, header: BatchHeader, base_offset: int, leader_epoch: int
) -> BatchHeader:
    """Writes both into one magic-2 batch, whose header it is; returns the header as it now stands.

    Both lie outside the CRC, which is why a leader need not touch the rest.
    """
    _OFFSET_LENGTH_EPOCH.pack_into(batch, 0, base_offset, header.batch_length, leader_epoch)
    return _new_header(BatchHeader, (base_offset, header.batch_length, leader_epoch, *header[3:]))


def read_batch_length(buffer: Buffer, position: int) -> int:
    """Length after the prefix, with the checks of ByteBufferLogInputStream.nextBatchSize."""
    length: int = PREFIX.unpack_from(buffer, position)[1]
    if length < LEGACY_OVERHEAD_BYTES[0]:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE,
            f"Record size {length} is less than the minimum record overhead ({LEGACY_OVERHEAD_BYTES[0]})",
        )
    if len(buffer) - position > MAGIC_OFFSET and (magic := _signed(buffer[position + MAGIC_OFFSET])) not in (
        0,
        1,
        2,
    ):
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"Invalid magic found in record: {magic}")
    return length


def _read_legacy_header(buffer: Buffer, position: int) -> BatchHeader:
    if len(buffer) - position < LEGACY_HEADER.size:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, "Record batch is cut off before the end of its header")
    offset, length, crc, magic, attributes = LEGACY_HEADER.unpack_from(buffer, position)
    if magic not in (0, 1):
        reason = "Record batch is cut off" if magic == 2 else f"Invalid magic found in record: {magic}"
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, reason)
    if length < LEGACY_OVERHEAD_BYTES[magic]:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE,
            f"Record is corrupt (crc could not be retrieved as the record is too small, size = {length})",
        )
    timestamp = NO_TIMESTAMP
    if magic == 1:
        if len(buffer) - position < LEGACY_HEADER.size + _TIMESTAMP.size:
            raise KafkaError(
                ErrorCode.CORRUPT_MESSAGE, "Record batch is cut off before the end of its header"
            )
        (timestamp,) = _TIMESTAMP.unpack_from(buffer, position + LEGACY_HEADER.size)
    return BatchHeader(
        base_offset=offset,
        batch_length=length,
        partition_leader_epoch=NO_PARTITION_LEADER_EPOCH,
        magic=magic,
        crc=crc,
        attributes=attributes,
        last_offset_delta=0,
        base_timestamp=timestamp,
        max_timestamp=timestamp,
        producer_id=NO_PRODUCER_ID,
        producer_epoch=NO_PRODUCER_EPOCH,
        base_sequence=NO_SEQUENCE,
        record_count=-1 if attributes & COMPRESSION_MASK else 1,
    )


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte
