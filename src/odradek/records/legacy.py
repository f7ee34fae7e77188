"""Messages of magic 0 and 1, the formats before record batches: read and written, one or a whole set.

Only old producers and consumers speak them (Produce 0-2, Fetch 0-3), and logs that an old Kafka wrote may
hold them. `records.batch` has their layout. A compressed wrapper's value is a message set; with magic 1 its
inner offsets count from 0 and the wrapper's own offset is that of the last message.

Kafka: LegacyRecord, AbstractLegacyRecordBatch.DeepRecordsIterator; KIP-31, KIP-32.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import (
    LEGACY_HEADER,
    LEGACY_OVERHEAD_BYTES,
    MAX_RECORDS,
    NO_TIMESTAMP,
    PREFIX_SIZE_BYTES,
    TIMESTAMP_TYPE_FLAG,
    BatchHeader,
    Buffer,
    TimestampType,
    read_batch_length,
    read_header,
)
from odradek.records.compression import Compression, TakesLong, decompress
from odradek.records.pieces import PIECE_BYTES, ZstdPieces, compressor, decompress_in_pieces
from odradek.records.window import Breath, Window

_LENGTH = Struct(">i")
_TIMESTAMP = Struct(">q")
_CRC = Struct(">I")
_PREFIX = Struct(">qi")
_MAGIC_ATTRIBUTES = Struct(">bb")

_MOST_HEAD_BYTES = 64
_MESSAGES_OF_A_BREATH = 128


class Message(NamedTuple):
    """One message, its offset absolute; `timestamp` is -1 in magic 0."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def read_messages(entry: Buffer, header: BatchHeader) -> Iterator[Message]:
    """The messages of one entry: itself, or what its wrapper holds.

    `entry` is exactly the bytes of the entry that `header` describes. Raises KafkaError(INVALID_RECORD) for a
    wrapper that breaks its rules, CORRUPT_MESSAGE for bytes that do not parse or fail the inner CRC. Raises
    TakesLong for a wrapper of more than MAX_RECORDS, or what they decompress to.
    """
    if header.compression is Compression.NONE:
        yield _message(entry, header)
        return
    value = _wrapped_value(entry, header)
    inner = decompress(header.compression, value, magic=header.magic)
    for message in _read_wrapped(lambda: iter((inner,)), header, most=MAX_RECORDS):
        if message is not None:
            yield message


def stream_messages(entry: Buffer, header: BatchHeader, *, zstd: ZstdPieces) -> Iterator[Message | Breath]:
    """As `read_messages`, whatever the wrapper holds; decompresses it twice, so as not to hold it."""
    codec = header.compression
    if codec is Compression.NONE:
        yield _message(entry, header)
        return
    value = _wrapped_value(entry, header)
    yield from _read_wrapped(
        lambda: decompress_in_pieces(codec, value, zstd=zstd, magic=header.magic), header, most=None
    )


def _message(entry: Buffer, header: BatchHeader) -> Message:
    key, value = _read_key_value(memoryview(entry), header.magic)
    return Message(header.base_offset, header.max_timestamp, _copy(key), _copy(value))


def _wrapped_value(entry: Buffer, header: BatchHeader) -> memoryview:
    _, value = _read_key_value(memoryview(entry), header.magic)
    if header.compression is Compression.ZSTD:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Invalid wrapper compressionType found in legacy deep record iterator {header.magic}",
        )
    if value is None:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Found invalid compressed record set with null value (magic = {header.magic})",
        )
    return value


def write_message_set(
    messages: Iterable[Message],
    *,
    magic: int,
    compression: Compression = Compression.NONE,
    timestamp_type: TimestampType = TimestampType.CREATE_TIME,
    level: int | None = None,
) -> bytearray:
    """A message set of magic 0 or 1: one entry a message, or one wrapper for all when compressed."""
    writer = MessageSetWriter(
        magic=magic, compression=compression, timestamp_type=timestamp_type, level=level
    )
    for message in messages:
        writer.append(message)
    return writer.finish()


class MessageSetWriter:
    """Writes a message set, of which it keeps in memory what it becomes."""

    __slots__ = (
        "_base_offset",
        "_compression",
        "_compressor",
        "_count",
        "_inner",
        "_last_offset",
        "_magic",
        "_max_timestamp",
        "_output",
        "_timestamp_type",
    )

    def __init__(
        self, *, magic: int, compression: Compression, timestamp_type: TimestampType, level: int | None = None
    ) -> None:
        self._magic = magic
        self._compression = compression
        self._compressor = compressor(compression, level=level, magic=magic)
        self._timestamp_type = timestamp_type
        self._inner = bytearray()
        self._output = bytearray()
        self._count = 0
        self._base_offset = 0
        self._last_offset = 0
        self._max_timestamp = NO_TIMESTAMP

    def append(self, message: Message) -> None:
        if self._compression is Compression.NONE:
            self._output += _write_message(message, self._magic, self._timestamp_type)
            return
        if not self._count:
            self._base_offset = message.offset if self._magic == 1 else 0
            self._max_timestamp = message.timestamp
        self._count += 1
        self._last_offset = message.offset
        self._max_timestamp = max(self._max_timestamp, message.timestamp)
        inner = message._replace(offset=message.offset - self._base_offset)
        self._inner += _write_message(inner, self._magic, self._timestamp_type)
        if len(self._inner) >= PIECE_BYTES:
            self._output += self._compressor.write(self._inner)
            self._inner.clear()

    def finish(self) -> bytearray:
        """The whole set; b"" of no messages. Once only."""
        if self._compression is Compression.NONE or not self._count:
            return self._output
        self._output += self._compressor.write(self._inner) + self._compressor.finish()
        wrapper = Message(self._last_offset, self._max_timestamp, None, bytes(self._output))
        return _write_message(wrapper, self._magic, self._timestamp_type, codec=self._compression)


def _read_wrapped(
    open_inner: Callable[[], Iterator[Buffer]], wrapper: BatchHeader, *, most: int | None
) -> Iterator[Message | Breath]:
    """Once for what is wrong and for the last offset, to which the others are relative; then once more."""
    last_offset: int | None = None
    count = 0
    for entry in _read_entries(open_inner(), wrapper):
        if entry is None:
            yield None
            continue
        header, body = entry
        if header.magic != wrapper.magic:
            raise KafkaError(
                ErrorCode.INVALID_RECORD,
                f"Compressed message magic {header.magic} does not match wrapper magic {wrapper.magic}",
            )
        if header.compression is not Compression.NONE:
            raise KafkaError(ErrorCode.INVALID_RECORD, "Inner messages must not be compressed")
        if zlib.crc32(body[LEGACY_HEADER.size - 2 :]) != header.crc:
            raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"Record is corrupt (stored crc = {header.crc})")
        _read_key_value(body, header.magic)
        last_offset = header.base_offset
        count += 1
        if most is not None and count > most:
            raise TakesLong
    if last_offset is None:
        raise KafkaError(
            ErrorCode.INVALID_RECORD, "Found invalid compressed record set with no inner records"
        )
    base_offset = _absolute_base_offset(wrapper, last_offset)
    appended = wrapper.timestamp_type is TimestampType.LOG_APPEND_TIME
    for entry in _read_entries(open_inner(), wrapper):
        if entry is None:
            yield None
            continue
        header, body = entry
        key, value = _read_key_value(body, header.magic)
        timestamp = wrapper.max_timestamp if appended else header.max_timestamp
        yield Message(base_offset + header.base_offset, timestamp, _copy(key), _copy(value))


def _read_entries(
    pieces: Iterable[Buffer], wrapper: BatchHeader
) -> Iterator[tuple[BatchHeader, memoryview] | Breath]:
    """Each whole entry, with its bytes; a torn one at the end is left out."""
    window = Window(pieces)
    data, position, size = window.data, 0, 0
    number = 0
    while True:
        if size - position < _MOST_HEAD_BYTES:
            yield from window.refill(position, _MOST_HEAD_BYTES)
            data, position, size = window.data, 0, len(window.data)
        if size - position < PREFIX_SIZE_BYTES:
            return
        size_bytes = PREFIX_SIZE_BYTES + read_batch_length(data, position)
        if size_bytes > size - position:
            yield from window.hold(position, size_bytes)
            data, position, size = window.data, window.position, len(window.data)
            if size_bytes > size:
                return
        header = read_header(data, position)
        yield header, memoryview(data)[position : position + size_bytes]
        position += size_bytes
        number += 1
        if not number % _MESSAGES_OF_A_BREATH:
            yield None


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
