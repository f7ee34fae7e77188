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
from odradek.records.record import Record, read_all_records, read_records
from odradek.records.validation import AppendOrigin, BatchRules, validate_for_append
from tests.records.golden_batches import LEGACY_CODECS, expected_records, golden
from tests.records.test_builder import record_lists


def whole_messages(converted: bytes | bytearray) -> bytes:
    """All but the message too large for the answer, or the one that was cut off, at its end."""
    return bytes(converted[: sum(header.size_bytes for _, header in iter_headers(converted))])


@pytest.mark.parametrize("magic", [0, 1])
def test_uncompressed_batches_become_kafkas_messages_to_the_byte(magic):
    converted = down_convert(golden("2-none"), to_magic=magic, first_offset=12)
    assert whole_messages(converted) == golden(f"down-{magic}-none")


@pytest.mark.parametrize("missing", [1, 11, 12, 13, 60, 200_000])
def test_what_an_answer_lacks_is_filled_with_a_message_too_large_for_it(missing):
    """Golden: LazyDownConversionRecordsSend.buildOverflowBatch, a piece of 128 KiB at a time."""
    message = golden("1-none")
    whole = whole_messages(down_convert(golden("2-none"), to_magic=1, first_offset=0))
    assert whole == message
    cut = (bytes(8) + (2**30).to_bytes(4, "big")).ljust(len(whole) + missing, b"\0")
    slice_ = (golden("2-none") + cut)[: len(whole) + missing]
    converted = down_convert(slice_, to_magic=1, first_offset=0)
    assert len(converted) == len(slice_)
    filling = bytes(converted[len(whole) :])
    piece = (b"\xff" * 8 + max(missing + 1, 61).to_bytes(4, "big")).ljust(min(missing, 131072), b"\0")
    assert filling[:131072] == piece[:missing]
    if missing > 131072:
        assert filling[131072:131084] == b"\xff" * 8 + (missing - 131072 + 1).to_bytes(4, "big")


def test_what_exceeds_the_slice_is_cut_off_but_for_the_first_batch():
    """An empty record takes 7 bytes in a batch, after 61 of its header, and 34 as a message."""
    first, second = (
        bytes(build_batch([Record(offset, 0, None, b"")] * 9, base_offset=offset)) for offset in (0, 9)
    )
    assert len(down_convert(first, to_magic=1, first_offset=0)) == 9 * 34 > len(first + second)
    assert len(down_convert(first + second, to_magic=1, first_offset=0)) == 9 * 34
    longer = down_convert(first + second * 3, to_magic=1, first_offset=0)
    assert len(longer) == len(first + second * 3) > 9 * 34
    assert len(whole_messages(longer)) == 14 * 34


def test_batches_of_which_nothing_is_left_become_the_beginning_of_a_message_too_large():
    overflow = b"\xff" * 8 + (61).to_bytes(4, "big")
    assert down_convert(golden("2-control"), to_magic=1, first_offset=0) == overflow
    assert down_convert(golden("2-none"), to_magic=1, first_offset=1000) == overflow


@pytest.mark.parametrize("size_bytes", [0, 10, 60])
def test_a_batch_that_is_cut_becomes_nothing(size_bytes):
    assert down_convert(golden("2-none")[:size_bytes], to_magic=1, first_offset=0) == b""


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
    assert whole_messages(down_convert(log, to_magic=1, first_offset=0)) == golden("1-none")


def test_messages_already_old_enough_pass_as_they_are():
    assert down_convert(golden("0-none"), to_magic=1, first_offset=0) == golden("0-none")


def test_zstd_cannot_be_converted():
    with pytest.raises(
        KafkaError, match="Down-conversion of zstandard-compressed batches is not supported"
    ) as refused:
        down_convert(golden("2-zstd"), to_magic=1, first_offset=0)
    assert refused.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE


def test_what_lies_before_a_piece_with_a_batch_that_cannot_be_converted_is_given():
    log = golden("2-control") + golden("2-none") + golden("2-none") + golden("2-zstd") + golden("2-none")
    converted = down_convert(log, to_magic=1, first_offset=0)
    assert whole_messages(converted) == golden("1-none")
    assert len(converted) == len(log)


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
