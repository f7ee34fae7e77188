"""Headers of batches: Kafka's own bytes, torn tails, impossible lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import TimestampType, assign_offsets, iter_headers, read_header
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.crc import compute_crc
from odradek.records.record import Record
from tests.records.golden_batches import START_MS, golden


def batches(count: int) -> bytearray:
    """`count` batches of one to three records with ascending offsets."""
    log = bytearray()
    offset = 0
    for i in range(count):
        records = [Record(offset + j, j, b"key", b"value" * i) for j in range(1 + i % 3)]
        log += build_batch(records, base_offset=offset)
        offset += len(records)
    return log


def test_a_header_of_kafka():
    header = read_header(golden("2-transactional"))
    assert header.size_bytes == 519
    assert (header.base_offset, header.last_offset, header.next_offset) == (10, 15, 16)
    assert (header.partition_leader_epoch, header.producer_id, header.producer_epoch) == (5, 42, 3)
    assert (header.base_timestamp, header.max_timestamp) == (START_MS, START_MS + 4000)
    assert header.is_transactional
    assert not header.is_control
    assert header.timestamp_type is TimestampType.CREATE_TIME


def test_sequences_wrap_after_the_highest():
    header = read_header(golden("2-transactional"))
    assert header.base_sequence == 2**31 - 3
    assert header.last_sequence == 2


def test_a_batch_without_producer_has_no_last_sequence():
    assert read_header(golden("2-none")).last_sequence == -1


def test_a_control_batch():
    header = read_header(golden("2-control"))
    assert header.is_control
    assert header.is_transactional


@pytest.mark.parametrize("magic", [0, 1])
def test_messages_of_magic_0_and_1_have_headers_too(magic):
    buffer = golden(f"{magic}-none")
    headers = [header for _, header in iter_headers(buffer)]
    assert [header.base_offset for header in headers] == [10, 11, 12, 13, 14, 15]
    assert [header.record_count for header in headers] == [1] * 6
    assert headers[0].max_timestamp == (START_MS if magic else -1)
    for position, header in iter_headers(buffer):
        assert header.crc == compute_crc(buffer[position : position + header.size_bytes], magic)


def test_a_compressed_wrapper_has_the_offset_of_its_last_message():
    [(_, header)] = iter_headers(golden("1-gzip"))
    assert header.last_offset == 15
    assert header.compression is Compression.GZIP
    assert header.record_count == -1


def test_assigning_an_offset_leaves_the_checksum_right():
    batch = bytearray(golden("2-none"))
    header = assign_offsets(batch, read_header(batch), 2**40, 17)
    assert header == read_header(batch)
    assert (header.base_offset, header.last_offset, header.partition_leader_epoch) == (2**40, 2**40 + 5, 17)
    assert header.crc == compute_crc(batch, 2)


@given(st.integers(0, 6), st.integers(0, 600))
def test_a_torn_tail_is_left_out(count, torn_bytes):
    log = batches(count)
    whole = list(iter_headers(log))
    tail = batches(1)[: torn_bytes % len(batches(1))]
    assert list(iter_headers(log + tail)) == whole


@given(st.binary(max_size=200))
def test_noise_is_corrupt_or_torn_but_never_a_crash(noise):
    ends: list[int] = []
    code = ErrorCode.CORRUPT_MESSAGE
    try:
        ends = [position + header.size_bytes for position, header in iter_headers(noise)]
    except KafkaError as error:
        code = ErrorCode(error.code)
    assert code == ErrorCode.CORRUPT_MESSAGE
    assert all(end <= len(noise) for end in ends)


@pytest.mark.parametrize("length", [-1, 0, 13])
def test_an_impossible_length_is_corrupt(length):
    batch = batches(1)
    batch[8:12] = length.to_bytes(4, "big", signed=True)
    with pytest.raises(
        KafkaError, match=rf"Record size {length} is less than the minimum record overhead \(14\)"
    ):
        list(iter_headers(batch))


def test_an_unknown_magic_is_corrupt():
    batch = batches(1)
    batch[16] = 3
    with pytest.raises(KafkaError, match="Invalid magic found in record: 3"):
        list(iter_headers(batch))


@pytest.mark.parametrize(("producer_id", "has_one"), [(-2, False), (-1, False), (0, True)])
def test_negative_producer_ids_are_none(producer_id, has_one):
    batch = batches(1)
    batch[43:51] = producer_id.to_bytes(8, "big", signed=True)
    assert read_header(batch).has_producer_id is has_one
