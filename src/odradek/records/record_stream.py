"""The records of a batch of any size, one after the other: whoever reads them takes a breath now and then.

What is large is read by generators that yield None where it is time to let others run, so that this pure code
knows neither threads nor tasks. `skim_records` passes over keys and values without having them in memory,
`stream_records` has one record at a time.

`records.record` has the format. Kafka: DefaultRecordBatch.skipKeyValueIterator, streamingIterator.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import HEADER_SIZE_BYTES, BatchHeader, Buffer, TimestampType
from odradek.records.compression import TakesLong
from odradek.records.legacy import stream_messages
from odradek.records.pieces import ZstdPieces, decompress_in_pieces
from odradek.records.record import (
    MAX_INT64,
    MIN_INT64,
    Record,
    as_int64,
    check_all_read,
    invalid_record,
    parse_record,
)
from odradek.records.varint import MAX_VARLONG_BITS, read_varint
from odradek.records.window import Breath, Window

RECORDS_OF_A_BREATH = 128
"""Or as many headers of one record: a few kilobytes of gzip may be millions of them."""

_MOST_HELD_BYTES = 1 << 20
"""A larger record is skimmed piece by piece."""

_HEAD_BYTES = 32
"""Attributes, timestamp, offset and the length of the key are no more; nor is any other length."""


class Skimmed(NamedTuple):
    """What is left of a record without its contents; lengths in bytes, -1 null."""

    offset: int
    timestamp: int
    key_bytes: int
    value_bytes: int


def skim_records(pieces: Iterable[Buffer], header: BatchHeader) -> Iterator[Skimmed | Breath]:
    """Every record in turn, whatever its size.

    Raises KafkaError(INVALID_RECORD) for records that do not add up to what the header says, and what the
    pieces raise. Measured path: a batch may hold tens of millions.
    """
    window = Window(pieces)
    data, position, size = window.data, 0, 0
    base_offset, base_timestamp = header.base_offset, header.base_timestamp
    append_time = header.max_timestamp if header.timestamp_type is TimestampType.LOG_APPEND_TIME else None
    try:
        for number in range(header.record_count):
            if not number % RECORDS_OF_A_BREATH:
                yield None
            if size - position < _HEAD_BYTES:
                yield from window.refill(position, _HEAD_BYTES)
                data, position, size = window.data, 0, len(window.data)
            length, start = read_varint(data, position)
            end = start + length
            if length < 0:
                raise invalid_record("Found invalid record structure")
            if end > size and length <= _MOST_HELD_BYTES:
                yield from window.refill(start, length)
                data, start, size = window.data, 0, len(window.data)
                end = length
            timestamp_delta, position = read_varint(data, start + 1, MAX_VARLONG_BITS)
            offset_delta, position = read_varint(data, position)
            key_bytes, position = read_varint(data, position)
            if end > size:
                window.position = position
                value_bytes = yield from _skim_rest(window, end - position, key_bytes)
                data, position, size = window.data, window.position, len(window.data)
            else:
                position += max(key_bytes, 0)
                value_bytes, position = read_varint(data, position)
                position += max(value_bytes, 0)
                if data[position]:
                    position = yield from _skip_headers(data, position, end)
                else:
                    position += 1
                if position != end:
                    raise invalid_record("Found invalid record structure")
            timestamp = base_timestamp + timestamp_delta if append_time is None else append_time
            if not MIN_INT64 <= timestamp <= MAX_INT64:
                timestamp = as_int64(timestamp)
            yield Skimmed(base_offset + offset_delta, timestamp, key_bytes, value_bytes)
    except IndexError:
        raise invalid_record("Incorrect declared batch size, premature EOF reached") from None
    yield from window.refill(position, 1)
    check_all_read(0, len(window.data))


def skim_batch(batch: Buffer, header: BatchHeader, *, zstd: ZstdPieces) -> Iterator[Skimmed | Breath]:
    """As `skim_records`, of a batch of any magic."""
    if header.magic == 2:
        records = memoryview(batch)[HEADER_SIZE_BYTES : header.size_bytes]
        yield from skim_records(decompress_in_pieces(header.compression, records, zstd=zstd), header)
        return
    for record in stream_batch(batch, header, zstd=zstd):
        if record is None:
            yield None
        else:
            yield Skimmed(record.offset, record.timestamp, _length(record.key), _length(record.value))


def _length(field: bytes | None) -> int:
    return -1 if field is None else len(field)


def stream_batch(batch: Buffer, header: BatchHeader, *, zstd: ZstdPieces) -> Iterator[Record | Breath]:
    """As `record.read_records`, of a batch of any magic and size."""
    view = memoryview(batch)[: header.size_bytes]
    if header.magic == 2:
        pieces = decompress_in_pieces(header.compression, view[HEADER_SIZE_BYTES:], zstd=zstd)
        yield from stream_records(pieces, header)
        return
    for message in stream_messages(view, header, zstd=zstd):
        yield None if message is None else Record(*message)


def stream_records(pieces: Iterable[Buffer], header: BatchHeader) -> Iterator[Record | Breath]:
    """Every record in turn, each as a whole.

    Raises as `skim_records`, and KafkaError(UNKNOWN_SERVER_ERROR) for one that memory does not hold.
    """
    window = Window(pieces)
    data, position, size = window.data, 0, 0
    try:
        for number in range(header.record_count):
            if not number % RECORDS_OF_A_BREATH:
                yield None
            if size - position < _HEAD_BYTES:
                yield from window.refill(position, _HEAD_BYTES)
                data, position, size = window.data, 0, len(window.data)
            length, start = read_varint(data, position)
            if start + length > size:
                yield from window.hold(start, length)
                data, start, size = window.data, window.position, len(window.data)
            try:
                record, position = parse_record(data, start, length, header)
            except TakesLong:
                raise KafkaError(
                    ErrorCode.UNKNOWN_SERVER_ERROR, "The headers of a record do not fit into memory"
                ) from None
            if len(record.headers) > RECORDS_OF_A_BREATH:
                yield None
            yield record
    except IndexError:
        raise invalid_record("Incorrect declared batch size, premature EOF reached") from None
    yield from window.refill(position, 1)
    check_all_read(0, len(window.data))


def _skim_rest(window: Window, size_bytes: int, key_bytes: int) -> Generator[Breath, None, int]:
    """Passes over the `size_bytes` that follow the length of the key; the length of the value."""
    left = size_bytes

    def varint() -> Generator[Breath, None, int]:
        nonlocal left
        if len(window.data) - window.position < _HEAD_BYTES:
            yield from window.refill(window.position, _HEAD_BYTES)
        start = window.position
        value, window.position = read_varint(window.data, start)
        left -= window.position - start
        return value

    def field(length: int) -> Generator[Breath, None, None]:
        nonlocal left
        if length > 0:
            left -= length
            yield from window.skip(length)

    yield from field(key_bytes)
    value_bytes = yield from varint()
    yield from field(value_bytes)
    count = yield from varint()
    if count < 0:
        raise invalid_record(f"Found invalid number of record headers {count}")
    for number in range(1, count + 1):
        length = yield from varint()
        if length < 0:
            raise invalid_record(f"Invalid negative header key size {length}")
        yield from field(length)
        yield from field((yield from varint()))
        if not number % RECORDS_OF_A_BREATH:
            yield None
    if left:
        raise invalid_record("Found invalid record structure")
    return value_bytes


def _skip_headers(data: bytes, position: int, end: int) -> Generator[Breath, None, int]:
    count, position = read_varint(data, position)
    if count < 0:
        raise invalid_record(f"Found invalid number of record headers {count}")
    for number in range(1, count + 1):
        length, position = read_varint(data, position)
        if length < 0:
            raise invalid_record(f"Invalid negative header key size {length}")
        length, position = read_varint(data, position + length)
        position += max(length, 0)
        if position > end:
            raise invalid_record("Found invalid record structure")
        if not number % RECORDS_OF_A_BREATH:
            yield None
    return position
