"""Records that a client numbered wrongly within a compressed batch, where records are looked at at all."""

import cramjam
import pytest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import HEADER, MAX_RECORDS, read_header
from odradek.records.builder import build_batch, write_crc
from odradek.records.compression import Compression
from odradek.records.record import Record, read_records
from odradek.records.validation import AppendOrigin, BatchRules, validate_at_leisure, validate_for_append
from odradek.records.window import drive

RULES = BatchRules("t-0", max_message_bytes=1_000_000, is_compacted=True)


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


def misnumbered(count: int, compression: Compression) -> bytearray:
    """All of them are number 0."""
    batch = build_batch([Record(0, 5 + i, b"k", b"v") for i in range(count)], compression=compression)
    HEADER.pack_into(batch, 0, *read_header(batch)._replace(last_offset_delta=count - 1))
    write_crc(batch)
    return batch


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_compressed_records_must_be_numbered_from_0_on(compression):
    with pytest.raises(KafkaError) as refused:
        validate_for_append(misnumbered(3, compression), RULES, origin=AppendOrigin.CLIENT, now_ms=9)
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR


def test_so_must_those_that_take_long():
    records = misnumbered(MAX_RECORDS + 1, Compression.GZIP)
    with pytest.raises(KafkaError) as refused:
        drive(validate_at_leisure(records, RULES, now_ms=9, zstd=zstd_as_a_whole))
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR


def test_what_is_compressed_anew_is_numbered_anew():
    rules = BatchRules("t-0", max_message_bytes=1000, compression=Compression.LZ4)
    records = misnumbered(3, Compression.GZIP)
    valid = validate_for_append(records, rules, origin=AppendOrigin.CLIENT, now_ms=9)
    assert [record.offset for record in read_records(valid.buffer)] == [0, 1, 2]


def test_uncompressed_ones_stay_as_they_are():
    records = misnumbered(3, Compression.NONE)
    assert validate_for_append(records, RULES, origin=AppendOrigin.CLIENT, now_ms=9).buffer == records
