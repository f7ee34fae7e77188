"""Building batches: the bytes of Kafka's own builder, and what comes back out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.records.batch import TimestampType, read_header
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.crc import compute_crc
from odradek.records.record import Record, read_records
from tests.records.golden_batches import BASE_OFFSET, START_MS, expected_records, golden

INT64 = st.integers(-(2**63), 2**63 - 1)
FIELDS = st.none() | st.binary(max_size=300)
HEADERS = st.lists(st.tuples(st.text(max_size=20), FIELDS), max_size=4).map(tuple)


@st.composite
def record_lists(draw: st.DrawFn) -> list[Record]:
    offsets = draw(st.lists(st.integers(0, 2**31 - 1), unique=True, min_size=1, max_size=20).map(sorted))
    base_offset = draw(st.integers(0, 2**62))
    return [
        Record(base_offset + offset, draw(st.integers(0, 2**62)), draw(FIELDS), draw(FIELDS), draw(HEADERS))
        for offset in offsets
    ]


@given(record_lists(), st.sampled_from(Compression))
def test_what_is_built_is_read_back(records, compression):
    batch = build_batch(records, base_offset=records[0].offset, compression=compression)
    header = read_header(batch)
    assert list(read_records(batch)) == records
    assert header.size_bytes == len(batch)
    assert header.crc == compute_crc(batch, 2)
    assert (header.base_offset, header.last_offset) == (records[0].offset, records[-1].offset)
    assert (header.record_count, header.compression) == (len(records), compression)
    assert header.max_timestamp == max(record.timestamp for record in records)


def test_an_uncompressed_batch_is_kafkas_to_the_byte():
    assert build_batch(expected_records(2), base_offset=BASE_OFFSET) == golden("2-none")


def test_a_batch_in_log_append_time_is_kafkas_to_the_byte():
    batch = build_batch(
        expected_records(2),
        base_offset=BASE_OFFSET,
        timestamp_type=TimestampType.LOG_APPEND_TIME,
        log_append_time_ms=START_MS + 77,
    )
    assert batch == golden("2-appendtime")


def test_a_transactional_batch_is_kafkas_to_the_byte():
    batch = build_batch(
        expected_records(2),
        base_offset=BASE_OFFSET,
        producer_id=42,
        producer_epoch=3,
        base_sequence=2**31 - 3,
        partition_leader_epoch=5,
        is_transactional=True,
    )
    assert batch == golden("2-transactional")


def test_a_marker_is_kafkas_to_the_byte():
    batch = build_batch(
        [Record(BASE_OFFSET, START_MS, b"\0\0\0\1", b"\0\0\0\0\0\x0b")],
        base_offset=BASE_OFFSET,
        producer_id=42,
        producer_epoch=3,
        partition_leader_epoch=5,
        is_transactional=True,
        is_control=True,
    )
    assert batch == golden("2-control")


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_compressed_batch_differs_from_kafkas_in_its_compressor_only(codec):
    ours = read_header(
        build_batch(expected_records(2), base_offset=BASE_OFFSET, compression=Compression[codec.upper()])
    )
    kafkas = read_header(golden(f"2-{codec}"))
    assert ours == kafkas._replace(batch_length=ours.batch_length, crc=ours.crc)


def test_no_records_make_no_batch():
    assert build_batch([]) == b""
