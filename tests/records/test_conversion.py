"""Down-conversion for old consumers, and that up-conversion undoes it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import iter_headers
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.conversion import down_convert
from odradek.records.record import read_all_records, read_records
from odradek.records.validation import AppendOrigin, BatchRules, validate_for_append
from tests.records.golden_batches import LEGACY_CODECS, expected_records, golden
from tests.records.test_builder import record_lists


@pytest.mark.parametrize("magic", [0, 1])
def test_uncompressed_batches_become_kafkas_messages_to_the_byte(magic):
    assert down_convert(golden("2-none"), to_magic=magic, first_offset=12) == golden(f"down-{magic}-none")


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", LEGACY_CODECS[1:])
def test_compressed_batches_become_one_wrapper_as_in_kafka(magic, codec):
    converted = down_convert(golden(f"2-{codec}"), to_magic=magic, first_offset=12)
    kafkas = golden(f"down-{magic}-{codec}")
    [(_, ours)], [(_, theirs)] = iter_headers(converted), iter_headers(kafkas)
    assert ours == theirs._replace(batch_length=ours.batch_length, crc=ours.crc)
    assert list(read_all_records(converted)) == list(read_all_records(kafkas)) == expected_records(magic)


def test_control_batches_vanish():
    log = golden("2-control") + golden("2-none")
    assert down_convert(log, to_magic=1, first_offset=0) == golden("1-none")


def test_messages_already_old_enough_pass_as_they_are():
    assert down_convert(golden("0-none"), to_magic=1, first_offset=0) == golden("0-none")


def test_zstd_cannot_be_converted():
    with pytest.raises(
        KafkaError, match="Down-conversion of zstandard-compressed batches is not supported"
    ) as refused:
        down_convert(golden("2-zstd"), to_magic=1, first_offset=0)
    assert refused.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE


def test_what_lies_before_a_batch_that_cannot_be_converted_is_given():
    log = golden("2-control") + golden("2-none") + golden("2-zstd") + golden("2-none")
    assert down_convert(log, to_magic=1, first_offset=0) == golden("1-none")


@given(
    record_lists(),
    st.sampled_from([Compression.NONE, Compression.GZIP, Compression.SNAPPY, Compression.LZ4]),
    st.sampled_from([0, 1]),
)
def test_down_and_up_again_keeps_the_records(records, compression, magic):
    base_offset = records[0].offset
    batch = build_batch(records, base_offset=base_offset, compression=compression)
    old = down_convert(batch, to_magic=magic, first_offset=base_offset)
    again = validate_for_append(old, BatchRules("t-0", 10**9), origin=AppendOrigin.CLIENT, now_ms=0)
    kept = [
        replace(record, offset=i, timestamp=record.timestamp if magic else -1, headers=())
        for i, record in enumerate(records)
    ]
    assert list(read_records(again.buffer)) == kept
    assert again.header.compression is compression
