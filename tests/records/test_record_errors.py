"""What is wrong with the records of a small batch does not make an answer of any size."""

import zlib

import cramjam
import pytest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import HEADER, HEADER_SIZE_BYTES, PREFIX_SIZE_BYTES
from odradek.records.builder import write_crc
from odradek.records.compression import Compression
from odradek.records.validation import BatchRules, InvalidRecords, validate_at_leisure
from odradek.records.window import drive

RULES = BatchRules("t-0", max_message_bytes=1_000_000, is_compacted=True)


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


def keyless(count: int) -> bytearray:
    batch = bytearray(HEADER_SIZE_BYTES) + zlib.compress(b"\x0c\0\0\0\1\1\0" * count, wbits=31)
    size_bytes = len(batch) - PREFIX_SIZE_BYTES
    codec = Compression.GZIP
    HEADER.pack_into(batch, 0, 0, size_bytes, -1, 2, 0, codec, count - 1, 0, 0, -1, -1, -1, count)
    write_crc(batch)
    return batch


@pytest.mark.parametrize("count", [1 << 15, 1 << 18])
def test_errors_of_records_are_listed_as_long_as_an_answer_holds_them(count):
    with pytest.raises(KafkaError) as refused:
        drive(validate_at_leisure(keyless(count), RULES, now_ms=9, zstd=zstd_as_a_whole))
    if count == 1 << 15:
        assert isinstance(refused.value, InvalidRecords)
        assert len(refused.value.record_errors) == count
    else:
        assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
