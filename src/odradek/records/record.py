"""Records: a key and a value with their offset and time, and how to read them out of a batch.

A record of magic 2, in the (decompressed) records part of its batch; varints are zig-zag:

    length            varint   bytes after this field
    attributes        int8     unused
    timestamp_delta   varlong  to base_timestamp
    offset_delta      varint   to base_offset
    key               varint length (-1 null), bytes
    value             varint length (-1 null), bytes
    headers           varint count, each: varint length, UTF-8 key; varint length (-1 null), value

Kafka: DefaultRecord; KIP-82 (headers).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import (
    HEADER_SIZE_BYTES,
    MAX_RECORDS,
    TIMESTAMP_TYPE_FLAG,
    BatchHeader,
    Buffer,
    iter_headers,
    read_header,
)
from odradek.records.compression import Compression, TakesLong, decompress
from odradek.records.legacy import read_messages
from odradek.records.varint import MAX_VARLONG_BITS, read_varint, write_varint
from odradek.value_object import value_object

RecordHeader: TypeAlias = tuple[str, bytes | None]

_MOST_HEADERS = 1 << 17
"""Of one record, which are read in one go, while everybody waits, and take a hundred times their bytes of
memory: a few kilobytes of gzip may be millions. In Kafka it is the heap that bounds them."""

MIN_INT64 = -(2**63)
MAX_INT64 = 2**63 - 1


@value_object
class Record:
    """One record; `offset` absolute, `timestamp` in ms (-1 none), `key`/`value` None where Kafka has null."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[RecordHeader, ...] = ()


def read_records(batch: Buffer, header: BatchHeader | None = None) -> Iterator[Record]:
    """The records of the one batch, of any magic, that starts at the buffer's beginning.

    Raises KafkaError(INVALID_RECORD) for records that do not add up to what the header says,
    UNKNOWN_SERVER_ERROR for bytes that do not decompress. The CRC is not looked at. Raises TakesLong for more
    than MAX_RECORDS, or as many headers, or what they decompress to: `records.record_stream` reads those.
    """
    if header is None:
        header = read_header(batch)
    view = memoryview(batch)[: header.size_bytes]
    if header.magic < 2:
        for message in read_messages(view, header):
            yield Record(*message)
        return
    if header.record_count > MAX_RECORDS:
        raise TakesLong
    records: Buffer = view[HEADER_SIZE_BYTES:]
    if header.compression is not Compression.NONE:
        records = decompress(header.compression, records)
    yield from _read_stream(records, header)


def read_all_records(buffer: Buffer) -> Iterator[Record]:
    """The records of every whole batch in the buffer; a torn tail is left out."""
    view = memoryview(buffer)
    for position, header in iter_headers(view):
        yield from read_records(view[position : position + header.size_bytes], header)


def write_record(output: bytearray, record: Record, base_offset: int, base_timestamp: int) -> None:
    """Appends `record` in the format of magic 2."""
    body = bytearray(1)
    write_varint(body, record.timestamp - base_timestamp)
    write_varint(body, record.offset - base_offset)
    _write_sized(body, record.key)
    _write_sized(body, record.value)
    write_varint(body, len(record.headers))
    for key, value in record.headers:
        _write_sized(body, key.encode())
        _write_sized(body, value)
    write_varint(output, len(body))
    output += body


def _read_stream(records: Buffer, header: BatchHeader) -> Iterator[Record]:
    data = bytes(records)
    size = len(data)
    position = 0
    headers = 0
    try:
        for _ in range(header.record_count):
            length, position = read_varint(data, position)
            record, position = parse_record(data, position, length, header)
            if record.headers:
                headers += len(record.headers)
                if headers > MAX_RECORDS:
                    raise TakesLong
            yield record
    except IndexError:
        raise invalid_record("Incorrect declared batch size, premature EOF reached") from None
    check_all_read(position, size)


def check_all_read(position: int, size: int) -> None:
    """Raises KafkaError(INVALID_RECORD) if records end at `position` and there is more."""
    if position != size:
        raise invalid_record("Incorrect declared batch size, records still remaining in file")


def parse_record(data: bytes, position: int, length: int, header: BatchHeader) -> tuple[Record, int]:
    """The record of `length` bytes at `position`, behind its length, and the position after it.

    Raises KafkaError(INVALID_RECORD), IndexError; TakesLong for more than _MOST_HEADERS. Measured path:
    compaction, recompression and validation of whole batches walk through here.
    """
    end = position + length
    if length < 0 or end > len(data):
        raise invalid_record(
            f"Invalid record size: expected {length} bytes in record payload, but instead the buffer "
            f"has only {len(data) - position} remaining bytes."
        )
    timestamp_delta, position = read_varint(data, position + 1, MAX_VARLONG_BITS)
    offset_delta, position = read_varint(data, position)
    key, position = _read_sized(data, position, end)
    value, position = _read_sized(data, position, end)
    headers: tuple[RecordHeader, ...] = ()
    if position < end and data[position] == 0:
        position += 1
    else:
        headers, position = _read_headers(data, position, end)
    if position != end:
        raise invalid_record(
            f"Invalid record size: expected to read {length} bytes in record payload, but instead "
            f"read {length + position - end}"
        )
    if header.attributes & TIMESTAMP_TYPE_FLAG:
        timestamp = header.max_timestamp
    else:
        timestamp = header.base_timestamp + timestamp_delta
        if not MIN_INT64 <= timestamp <= MAX_INT64:
            timestamp = as_int64(timestamp)
    return Record(header.base_offset + offset_delta, timestamp, key, value, headers), position


def as_int64(value: int) -> int:
    """The value as Java's long, which wraps."""
    return (value - MIN_INT64) % 2**64 + MIN_INT64


def _read_sized(data: bytes, position: int, end: int) -> tuple[bytes | None, int]:
    byte = data[position]
    if byte < 0x80:
        position += 1
        length = (byte >> 1) ^ -(byte & 1)
    else:
        length, position = read_varint(data, position)
    if length < 0:
        return None, position
    stop = position + length
    if stop > end:
        raise invalid_record("Found invalid record structure")
    return data[position:stop], stop


def _read_headers(data: bytes, position: int, end: int) -> tuple[tuple[RecordHeader, ...], int]:
    count, position = read_varint(data, position)
    if count < 0:
        raise invalid_record(f"Found invalid number of record headers {count}")
    if count > end - position:
        raise invalid_record(
            f"Found invalid number of record headers. {count} is larger than the remaining size of the buffer"
        )
    if count > _MOST_HEADERS:
        raise TakesLong
    headers: list[RecordHeader] = []
    for _ in range(count):
        key, position = _read_sized(data, position, end)
        if key is None:
            raise invalid_record("Invalid negative header key size -1")
        value, position = _read_sized(data, position, end)
        headers.append((key.decode(errors="replace"), value))
    return tuple(headers), position


def _write_sized(output: bytearray, field: bytes | None) -> None:
    if field is None:
        output.append(1)
        return
    write_varint(output, len(field))
    output += field


def invalid_record(message: str) -> KafkaError:
    """What is said of records that are not as the format has them."""
    return KafkaError(ErrorCode.INVALID_RECORD, message)
