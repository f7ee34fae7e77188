"""Messages of magic 0 and 1, the formats before record batches: read and written, one or a whole set.

Only old producers and consumers speak them (Produce 0-2, Fetch 0-3), and logs that an old Kafka wrote may
hold them. `records.batch` has their layout. A compressed wrapper's value is a message set; with magic 1 its
inner offsets count from 0 and the wrapper's own offset is that of the last message.

Kafka: LegacyRecord, AbstractLegacyRecordBatch.DeepRecordsIterator; KIP-31, KIP-32.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import (
    LEGACY_HEADER,
    LEGACY_OVERHEAD_BYTES,
    PREFIX_SIZE_BYTES,
    TIMESTAMP_TYPE_FLAG,
    BatchHeader,
    Buffer,
    TimestampType,
    check_record_count,
    iter_headers,
)
from odradek.records.compression import Compression, compress, decompress

_LENGTH = Struct(">i")
_TIMESTAMP = Struct(">q")
_CRC = Struct(">I")
_PREFIX = Struct(">qi")
_MAGIC_ATTRIBUTES = Struct(">bb")


class Message(NamedTuple):
    """One message, its offset absolute; `timestamp` is -1 in magic 0."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def read_messages(entry: Buffer, header: BatchHeader) -> Iterator[Message]:
    """The messages of one entry: itself, or what its wrapper holds.

    `entry` is exactly the bytes of the entry that `header` describes. Raises KafkaError(INVALID_RECORD) for a
    wrapper that breaks its rules, CORRUPT_MESSAGE for bytes that do not parse or fail the inner CRC.
    """
    codec = header.compression
    key, value = _read_key_value(memoryview(entry), header.magic)
    if codec is Compression.NONE:
        yield Message(header.base_offset, header.max_timestamp, _copy(key), _copy(value))
        return
    if codec is Compression.ZSTD:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Invalid wrapper compressionType found in legacy deep record iterator {header.magic}",
        )
    if value is None:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Found invalid compressed record set with null value (magic = {header.magic})",
        )
    yield from _read_wrapped(decompress(codec, value, magic=header.magic), header)


def write_message_set(
    messages: Iterable[Message],
    *,
    magic: int,
    compression: Compression = Compression.NONE,
    timestamp_type: TimestampType = TimestampType.CREATE_TIME,
    level: int | None = None,
) -> bytearray:
    """A message set of magic 0 or 1: one entry a message, or one wrapper for all when compressed."""
    if compression is Compression.NONE:
        output = bytearray()
        for message in messages:
            output += _write_message(message, magic, timestamp_type)
        return output
    messages = list(messages)
    if not messages:
        return bytearray()
    base_offset = messages[0].offset if magic == 1 else 0
    inner = bytearray()
    for message in messages:
        inner += _write_message(message._replace(offset=message.offset - base_offset), magic, timestamp_type)
    timestamp = max(message.timestamp for message in messages)
    wrapper = Message(
        messages[-1].offset, timestamp, None, compress(compression, inner, level=level, magic=magic)
    )
    return _write_message(wrapper, magic, timestamp_type, codec=compression)


def _read_wrapped(inner: Buffer, wrapper: BatchHeader) -> Iterator[Message]:
    view = memoryview(inner)
    entries: list[tuple[BatchHeader, bytes | None, bytes | None]] = []
    for position, header in iter_headers(view):
        entry = view[position : position + header.size_bytes]
        if header.magic != wrapper.magic:
            raise KafkaError(
                ErrorCode.INVALID_RECORD,
                f"Compressed message magic {header.magic} does not match wrapper magic {wrapper.magic}",
            )
        if header.compression is not Compression.NONE:
            raise KafkaError(ErrorCode.INVALID_RECORD, "Inner messages must not be compressed")
        if zlib.crc32(entry[LEGACY_HEADER.size - 2 :]) != header.crc:
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"Record is corrupt (stored crc = {header.crc})")
        inner_key, inner_value = _read_key_value(entry, header.magic)
        entries.append((header, _copy(inner_key), _copy(inner_value)))
        check_record_count(len(entries))
    if not entries:
        raise KafkaError(
            ErrorCode.INVALID_RECORD, "Found invalid compressed record set with no inner records"
        )
    base_offset = _absolute_base_offset(wrapper, entries[-1][0].base_offset)
    appended = wrapper.timestamp_type is TimestampType.LOG_APPEND_TIME
    for header, key, value in entries:
        timestamp = wrapper.max_timestamp if appended else header.max_timestamp
        yield Message(base_offset + header.base_offset, timestamp, key, value)


def _absolute_base_offset(wrapper: BatchHeader, last_inner_offset: int) -> int:
    """What to add to inner offsets; some librdkafka versions produce wrappers with offset 0."""
    if wrapper.magic == 0 or wrapper.base_offset == 0:
        return 0
    if wrapper.base_offset < last_inner_offset:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            "Found invalid wrapper offset in compressed v1 message set, wrapper offset "
            f"'{wrapper.base_offset}' is less than the last inner message offset '{last_inner_offset}' and "
            "it is not zero.",
        )
    return wrapper.base_offset - last_inner_offset


def _read_key_value(entry: memoryview, magic: int) -> tuple[memoryview | None, memoryview | None]:
    position = PREFIX_SIZE_BYTES + LEGACY_OVERHEAD_BYTES[magic] - 2 * _LENGTH.size
    key, position = _read_sized(entry, position)
    value, position = _read_sized(entry, position)
    return key, value


def _read_sized(entry: memoryview, position: int) -> tuple[memoryview | None, int]:
    if position + _LENGTH.size > len(entry):
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE, "Message is cut off before the length of its key or value"
        )
    (length,) = _LENGTH.unpack_from(entry, position)
    position += _LENGTH.size
    if length < 0:
        return None, position
    if position + length > len(entry):
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE, f"Message holds fewer than the {length} bytes of its field"
        )
    return entry[position : position + length], position + length


def _write_message(
    message: Message, magic: int, timestamp_type: TimestampType, codec: Compression = Compression.NONE
) -> bytearray:
    attributes = int(codec)
    if magic == 1 and timestamp_type is TimestampType.LOG_APPEND_TIME:
        attributes |= TIMESTAMP_TYPE_FLAG
    body = bytearray(_MAGIC_ATTRIBUTES.pack(magic, attributes))
    if magic == 1:
        body += _TIMESTAMP.pack(message.timestamp)
    for field in (message.key, message.value):
        if field is None:
            body += _LENGTH.pack(-1)
        else:
            body += _LENGTH.pack(len(field))
            body += field
    entry = bytearray(_PREFIX.pack(message.offset, _CRC.size + len(body)))
    entry += _CRC.pack(zlib.crc32(body))
    entry += body
    return entry


def _copy(field: memoryview | None) -> bytes | None:
    return None if field is None else bytes(field)
