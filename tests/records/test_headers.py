"""Records of more headers than anybody sends: a few kilobytes of gzip may be millions of them."""

import cramjam
import pytest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import HEADER_SIZE_BYTES, MAX_RECORDS, read_header
from odradek.records.builder import build_batch
from odradek.records.compression import Compression, TakesLong
from odradek.records.record import Record, read_records
from odradek.records.record_stream import stream_batch
from odradek.records.varint import write_varint


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


@pytest.mark.parametrize(("records", "headers"), [(1, MAX_RECORDS + 1), (200, 100)])
def test_many_headers_take_long_and_breaths(records, headers):
    some = [Record(i, 0, b"k", b"", (("h", None),) * headers) for i in range(records)]
    batch = build_batch(some, compression=Compression.GZIP)
    with pytest.raises(TakesLong):
        list(read_records(batch))
    items = list(stream_batch(batch, read_header(batch), zstd=zstd_as_a_whole))
    assert [item for item in items if item is not None] == some
    assert items.count(None) >= 2


def test_headers_that_memory_does_not_hold_are_refused():
    batch = build_batch([Record(0, 0, b"", b"")])
    body = bytearray(b"\0\0\0\0\0")
    write_varint(body, 1 << 20)
    body += b"\0\1" * (1 << 20)
    del batch[HEADER_SIZE_BYTES:]
    write_varint(batch, len(body))
    batch += body
    header = read_header(batch)._replace(batch_length=len(batch) - 12)
    with pytest.raises(TakesLong):
        list(read_records(batch, header))
    with pytest.raises(KafkaError) as refused:
        list(stream_batch(batch, header, zstd=zstd_as_a_whole))
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
