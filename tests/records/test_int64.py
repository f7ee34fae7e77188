"""Timestamps beyond 64 bits, which a batch's base and a record's delta may add up to: they wrap as Java's."""

import cramjam

from odradek.records.batch import HEADER, read_header
from odradek.records.builder import build_batch, write_crc
from odradek.records.conversion import down_convert
from odradek.records.record import Record, read_all_records, read_records
from odradek.records.record_stream import skim_batch, stream_batch
from odradek.records.validation import AppendOrigin, BatchRules, validate_for_append

MIN, MAX = -(2**63), 2**63 - 1


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


def wrapping_batch() -> bytearray:
    batch = build_batch([Record(i, i, b"k", b"v") for i in range(2)])
    HEADER.pack_into(batch, 0, *read_header(batch)._replace(base_timestamp=MAX, max_timestamp=MAX))
    write_crc(batch)
    return batch


def test_every_reader_sees_them_wrapped():
    batch = wrapping_batch()
    header = read_header(batch)
    for records in (
        read_records(batch, header),
        stream_batch(batch, header, zstd=zstd_as_a_whole),
        skim_batch(batch, header, zstd=zstd_as_a_whole),
    ):
        assert [record.timestamp for record in records if record is not None] == [MAX, MIN]


def test_a_reader_of_old_messages_gets_them_so():
    converted = down_convert(wrapping_batch() * 2, to_magic=1, first_offset=0)
    assert [record.timestamp for record in read_all_records(converted)][:2] == [MAX, MIN]


def test_a_topic_whose_records_are_looked_at_takes_them_as_kafkas_does():
    rules = BatchRules("t-0", max_message_bytes=1000, is_compacted=True)
    valid = validate_for_append(wrapping_batch(), rules, origin=AppendOrigin.CLIENT, now_ms=1000)
    assert valid.header.max_timestamp == MAX
