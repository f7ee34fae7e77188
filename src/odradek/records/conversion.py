"""Down-conversion: batches of the log as messages of magic 0 or 1, for consumers older than Kafka 0.11.

The other way, old producers' messages become a batch in `records.validation`, because they are validated on
the way. Kafka: RecordsUtil.downConvert, LazyDownConversionRecords and LazyDownConversionRecordsSend.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import BatchHeader, Buffer, iter_headers
from odradek.records.compression import Compression
from odradek.records.legacy import Message, write_message_set
from odradek.records.record import read_records

_MAX_READ_BYTES = 128 * 1024
"""How much is converted at once. Of such a piece nothing is given if one batch in it cannot be converted."""

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
    UNSUPPORTED_COMPRESSION_TYPE for zstd, and what `read_records` raises.
    """
    view = memoryview(batches)
    found = [(view[at : at + header.size_bytes], header) for at, header in iter_headers(view)]
    output = bytearray()
    end = 0
    while end < len(found) and not output:
        output += _convert(*found[end], to_magic, first_offset)
        end += 1
    if not output:
        return bytearray(_overflow(_OVERFLOW.size)) if found else output
    size_bytes = max(len(view), len(output))
    while end < len(found) and len(output) < size_bytes:
        start, end = end, _end_of_piece(found, end)
        try:
            output += b"".join(_convert(*each, to_magic, first_offset) for each in found[start:end])
        except KafkaError:
            break
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


def _convert(batch: memoryview, header: BatchHeader, to_magic: int, first_offset: int) -> Buffer:
    if header.is_control:
        return b""
    if header.compression is Compression.ZSTD:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
            "Down-conversion of zstandard-compressed batches is not supported",
        )
    if header.magic <= to_magic:
        return batch
    keeps_all = header.compression is not Compression.NONE
    messages = [
        Message(record.offset, record.timestamp, record.key, record.value)
        for record in read_records(batch, header)
        if keeps_all or record.offset >= first_offset
    ]
    return write_message_set(
        messages,
        magic=to_magic,
        compression=header.compression,
        timestamp_type=header.timestamp_type,
    )
