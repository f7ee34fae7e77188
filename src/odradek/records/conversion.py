"""Down-conversion: batches of the log as messages of magic 0 or 1, for consumers older than Kafka 0.11.

The other way, old producers' messages become a batch in `records.validation`, because they are validated on
the way. Kafka: RecordsUtil.downConvert, LazyDownConversionRecords and LazyDownConversionRecordsSend.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from struct import Struct
from typing import TypeAlias

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import COMPRESSION_MASK, MAX_RECORDS, BatchHeader, Buffer, iter_headers
from odradek.records.compression import Compression, TakesLong
from odradek.records.legacy import Message, MessageSetWriter, write_message_set
from odradek.records.pieces import ZstdPieces
from odradek.records.record import read_records
from odradek.records.record_stream import stream_batch
from odradek.records.window import Breath, drive

_MAX_READ_BYTES = 128 * 1024
"""How much is converted at once. Of such a piece nothing is given if one batch in it cannot be converted."""

_RECORDS_OF_A_CODEC = 1024
"""A compressed batch counts as no fewer: of however few records, there may be megabytes behind it."""

Conversion: TypeAlias = Generator[Breath, None, Buffer]
"""What becomes of one batch."""

_OVERFLOW = Struct(">qi")
_MIN_BATCH_LENGTH = 61


def down_convert(batches: Buffer, *, to_magic: int, first_offset: int) -> bytearray:
    """What a reader of magic 0 or 1 (`to_magic`) gets for the batches, the last of which may be cut.

    Exactly as many bytes as the batches have, or as the first one becomes if that is more, because Kafka
    promises the size before it converts. What exceeds it is cut off, and what is missing is filled with a
    message too large to be in the answer, which readers pass over.

    Control batches and the headers of records vanish. Of an uncompressed batch, records before
    `first_offset` vanish too: without batches each is an entry of its own, and librdkafka relies on getting
    what it asked for. Batches already of that magic or lower pass as they are.

    Raises KafkaError if there is nothing to give before a batch that cannot be converted:
    UNSUPPORTED_COMPRESSION_TYPE for zstd, and what `read_records` raises. Raises TakesLong where there is so
    much in a batch, or in all of them, that it is for `down_convert_at_leisure`.
    """
    records = 0
    for _, header in iter_headers(batches):
        is_compressed = header.attributes & COMPRESSION_MASK
        records += max(header.record_count, _RECORDS_OF_A_CODEC if is_compressed else 1)
        if records > MAX_RECORDS:
            raise TakesLong
    return drive(_down_convert(batches, partial(_convert, to_magic, first_offset)))


def down_convert_at_leisure(
    batches: Buffer, *, to_magic: int, first_offset: int, zstd: ZstdPieces
) -> Generator[Breath, None, bytearray]:
    """As `down_convert`, whatever the batches hold, of which a piece is in memory at a time."""
    return _down_convert(batches, partial(_convert_long, to_magic, first_offset, zstd))


def _down_convert(
    batches: Buffer, convert: Callable[[memoryview, BatchHeader], Conversion]
) -> Generator[Breath, None, bytearray]:
    view = memoryview(batches)
    found = [(view[at : at + header.size_bytes], header) for at, header in iter_headers(view)]
    output = bytearray()
    end = 0
    while end < len(found) and not output:
        output += yield from convert(*found[end])
        end += 1
    if not output:
        return bytearray(_overflow(_OVERFLOW.size)) if found else output
    size_bytes = max(len(view), len(output))
    while end < len(found) and len(output) < size_bytes:
        start, end = end, _end_of_piece(found, end)
        try:
            piece = bytearray()
            for each in found[start:end]:
                piece += yield from convert(*each)
        except KafkaError:
            break
        output += piece
    del output[size_bytes:]
    while len(output) < size_bytes:
        output += _overflow(size_bytes - len(output))
    return output


def _end_of_piece(batches: Sequence[tuple[memoryview, BatchHeader]], start: int) -> int:
    """At least one batch, and as many as one read takes."""
    size_bytes = len(batches[start][0])
    end = start + 1
    while end < len(batches) and size_bytes + len(batches[end][0]) <= _MAX_READ_BYTES:
        size_bytes += len(batches[end][0])
        end += 1
    return end


def _overflow(remaining_bytes: int) -> bytes:
    """The beginning of a message that is larger than what remains of the answer."""
    header = _OVERFLOW.pack(-1, max(remaining_bytes + 1, _MIN_BATCH_LENGTH))
    return header.ljust(min(remaining_bytes, _MAX_READ_BYTES), b"\0")[:remaining_bytes]


def _convert(to_magic: int, first_offset: int, batch: memoryview, header: BatchHeader) -> Conversion:
    if _passes(header, to_magic):
        return b"" if header.is_control else batch
    yield None
    keeps_all = header.compression is not Compression.NONE
    messages = [
        Message(record.offset, record.timestamp, record.key, record.value)
        for record in read_records(batch, header)
        if keeps_all or record.offset >= first_offset
    ]
    return write_message_set(
        messages, magic=to_magic, compression=header.compression, timestamp_type=header.timestamp_type
    )


def _convert_long(
    to_magic: int, first_offset: int, zstd: ZstdPieces, batch: memoryview, header: BatchHeader
) -> Conversion:
    if _passes(header, to_magic):
        return b"" if header.is_control else batch
    keeps_all = header.compression is not Compression.NONE
    writer = MessageSetWriter(
        magic=to_magic, compression=header.compression, timestamp_type=header.timestamp_type
    )
    for record in stream_batch(batch, header, zstd=zstd):
        if record is None:
            yield None
        elif keeps_all or record.offset >= first_offset:
            writer.append(Message(record.offset, record.timestamp, record.key, record.value))
    return writer.finish()


def _passes(header: BatchHeader, to_magic: int) -> bool:
    """Whether there is nothing to convert. Raises KafkaError where that cannot be done."""
    if header.is_control:
        return True
    if header.compression is Compression.ZSTD:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
            "Down-conversion of zstandard-compressed batches is not supported",
        )
    return header.magic <= to_magic
