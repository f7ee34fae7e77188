"""Reading records: Kafka's own bytes, and bytes that are broken."""

from dataclasses import replace
from struct import pack_into

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import HEADER_SIZE_BYTES, MAX_RECORDS
from odradek.records.builder import build_batch
from odradek.records.compression import Compression, TakesLong
from odradek.records.record import Record, read_all_records, read_records
from tests.records.golden_batches import (
    BASE_OFFSET,
    CODECS,
    LEGACY_CODECS,
    START_MS,
    expected_records,
    golden,
)


@pytest.mark.parametrize("codec", CODECS)
def test_kafkas_batches_of_magic_2_are_read(codec):
    assert list(read_all_records(golden(f"2-{codec}"))) == expected_records(2)


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", LEGACY_CODECS)
def test_kafkas_messages_of_magic_0_and_1_are_read(magic, codec):
    assert list(read_all_records(golden(f"{magic}-{codec}"))) == expected_records(magic)


@pytest.mark.parametrize("magic", [1, 2])
def test_log_append_time_replaces_the_records_own(magic):
    expected = [replace(record, timestamp=START_MS + 77) for record in expected_records(magic)]
    assert list(read_all_records(golden(f"{magic}-appendtime"))) == expected


def test_a_control_batch_holds_its_marker():
    [record] = read_records(golden("2-control"))
    assert record == Record(BASE_OFFSET, START_MS, b"\0\0\0\1", b"\0\0\0\0\0\x0b")


def test_a_count_that_is_too_high_is_refused():
    batch = build_batch([Record(0, 0, b"k", b"v")])
    batch[60] = 2
    with pytest.raises(KafkaError, match="premature EOF reached") as refused:
        list(read_records(batch))
    assert refused.value.code == ErrorCode.INVALID_RECORD


def test_a_count_that_is_too_low_is_refused():
    batch = build_batch([Record(0, 0, b"k", b"v"), Record(1, 0, b"k", b"v")])
    batch[60] = 1
    with pytest.raises(KafkaError, match="records still remaining in file"):
        list(read_records(batch))


def test_a_record_longer_than_its_batch_is_refused():
    batch = build_batch([Record(0, 0, b"k", b"v")])
    batch[HEADER_SIZE_BYTES] = 120
    with pytest.raises(KafkaError, match="expected 60 bytes in record payload"):
        list(read_records(batch))


@given(st.data())
def test_broken_records_are_refused_and_never_crash(data):
    codec = data.draw(st.sampled_from(Compression))
    batch = build_batch(expected_records(2, 0), compression=codec)
    position = data.draw(st.integers(HEADER_SIZE_BYTES, len(batch) - 1))
    batch[position] = data.draw(st.integers(0, 255))
    code = ErrorCode.NONE
    try:
        list(read_records(batch))
    except KafkaError as error:
        code = ErrorCode(error.code)
    assert code in (
        ErrorCode.NONE,
        ErrorCode.INVALID_RECORD,
        ErrorCode.UNKNOWN_SERVER_ERROR,
    )


@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
def test_a_batch_of_too_many_records_takes_long(codec):
    batch = build_batch([Record(0, 0, None, b"")], compression=codec)
    many = memoryview(batch)
    pack_into(">i", many, 57, MAX_RECORDS + 1)
    with pytest.raises(TakesLong):
        next(read_records(many))
    pack_into(">i", many, 57, MAX_RECORDS)
    assert next(read_records(many)).value == b""
