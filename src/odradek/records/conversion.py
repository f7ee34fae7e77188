"""Down-conversion: batches of the log as messages of magic 0 or 1, for consumers older than Kafka 0.11.

The other way, old producers' messages become a batch in `records.validation`, because they are validated on
the way. Kafka: RecordsUtil.downConvert, LazyDownConversionRecords.
"""

from __future__ import annotations

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import BatchHeader, Buffer, iter_headers
from odradek.records.compression import Compression
from odradek.records.legacy import Message, write_message_set
from odradek.records.record import read_records


def down_convert(batches: Buffer, *, to_magic: int, first_offset: int) -> bytearray:
    """The whole batches in the buffer as magic 0 or 1 (`to_magic`); headers of records are dropped.

    Control batches vanish. Of an uncompressed batch, records before `first_offset` vanish too: without
    batches each is an entry of its own, and librdkafka relies on getting what it asked for. Batches already
    of that magic or lower pass as they are. Ends before a batch that cannot be converted, if there is
    anything to give; else raises KafkaError: UNSUPPORTED_COMPRESSION_TYPE for zstd, and what `read_records`
    raises.
    """
    view = memoryview(batches)
    output = bytearray()
    for position, header in iter_headers(view):
        if header.is_control:
            continue
        batch = view[position : position + header.size_bytes]
        try:
            output += _convert(batch, header, to_magic, first_offset)
        except KafkaError:
            if not output:
                raise
            break
    return output


def _convert(batch: memoryview, header: BatchHeader, to_magic: int, first_offset: int) -> Buffer:
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
