"""Records read as a stream: the same as otherwise, whatever the pieces, and what is skipped is not held."""

from itertools import pairwise
from struct import pack_into

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import HEADER_SIZE_BYTES, MAX_RECORDS, read_header
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.legacy import Message, write_message_set
from odradek.records.record import Record, read_records
from odradek.records.record_stream import (
    RECORDS_OF_A_BREATH,
    Skimmed,
    skim_batch,
    skim_records,
    stream_batch,
    stream_records,
)
from odradek.records.varint import write_varint

HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=70)), max_size=3)
RECORDS = st.lists(
    st.builds(
        Record,
        st.just(0),
        st.integers(0, 2**41),
        st.none() | st.binary(max_size=70),
        st.none() | st.binary(max_size=300),
        HEADERS.map(tuple),
    ),
    min_size=1,
    max_size=20,
).map(lambda records: [Record(i, *record_fields(record)) for i, record in enumerate(records)])


def record_fields(record):
    return record.timestamp, record.key, record.value, record.headers


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


def skimmed(records):
    return [
        Skimmed(
            record.offset,
            record.timestamp,
            -1 if record.key is None else len(record.key),
            -1 if record.value is None else len(record.value),
        )
        for record in records
    ]


def without_breaths(items):
    return [item for item in items if item is not None]


def cut(data, sizes):
    """The data in pieces of such sizes, the last being what is left."""
    ends = [0, *(min(size, len(data)) for size in sorted(sizes)), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


@given(RECORDS, st.lists(st.integers(0, 3000), max_size=10))
def test_it_does_not_matter_where_pieces_end(records, sizes):
    batch = build_batch(records)
    header, data = read_header(batch), bytes(batch[HEADER_SIZE_BYTES:])
    assert without_breaths(stream_records(cut(data, sizes), header)) == records
    assert without_breaths(skim_records(cut(data, sizes), header)) == skimmed(records)


@given(RECORDS, st.sampled_from(Compression))
def test_a_batch_of_any_codec_is_streamed(records, codec):
    batch = build_batch(records, compression=codec)
    header = read_header(batch)
    assert without_breaths(stream_batch(batch, header, zstd=zstd_as_a_whole)) == records
    assert without_breaths(skim_batch(batch, header, zstd=zstd_as_a_whole)) == skimmed(records)


@pytest.mark.parametrize("magic", [0, 1])
def test_messages_of_old_formats_are_streamed(magic):
    messages = [Message(i, -1 if magic == 0 else i, b"k", b"v" * i) for i in range(2000)]
    entry = write_message_set(messages, magic=magic, compression=Compression.GZIP)
    header = read_header(entry)
    expected = list(read_records(entry, header))
    assert len(expected) == 2000
    items = list(stream_batch(entry, header, zstd=zstd_as_a_whole))
    assert without_breaths(items) == expected
    assert items.count(None) >= 2000 // RECORDS_OF_A_BREATH


def test_a_breath_is_taken_now_and_then():
    records = [Record(i, 0, b"k", b"") for i in range(3 * RECORDS_OF_A_BREATH)]
    batch = build_batch(records, compression=Compression.GZIP)
    header = read_header(batch)
    for items in (
        list(stream_batch(batch, header, zstd=zstd_as_a_whole)),
        list(skim_batch(batch, header, zstd=zstd_as_a_whole)),
    ):
        assert items.count(None) == 3


def test_more_records_than_are_read_in_one_go_are_streamed():
    records = [Record(i, 0, b"k", b"") for i in range(MAX_RECORDS + 1)]
    batch = build_batch(records, compression=Compression.LZ4)
    found = without_breaths(stream_batch(batch, read_header(batch), zstd=zstd_as_a_whole))
    assert found == records


def test_a_record_of_any_size_is_skimmed_without_holding_it():
    size_bytes, piece = 40 << 20, bytes(1 << 16)
    head = bytearray(b"\0\0\0\2k")
    write_varint(head, size_bytes)
    whole = bytearray()
    write_varint(whole, len(head) + size_bytes + 1)
    pieces = [bytes(whole + head), *([piece] * (size_bytes // len(piece))), b"\0"]
    header = read_header(build_batch([Record(0, 7, b"k", b"")]))
    items = list(skim_records(pieces, header))
    assert without_breaths(items) == [Skimmed(0, 7, 1, size_bytes)]
    assert len(items) > 600


def test_a_record_that_memory_does_not_hold_is_refused():
    whole = bytearray()
    write_varint(whole, 2**31 - 1)
    header = read_header(build_batch([Record(0, 7, b"k", b"")]))
    with pytest.raises(KafkaError) as refused:
        list(stream_records([bytes(whole)], header))
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize("count", [1, 3])
def test_a_wrong_count_is_noticed(count):
    batch = build_batch([Record(i, 0, b"k", b"v") for i in range(2)])
    pack_into(">i", batch, 57, count)
    header = read_header(batch)
    for read in (skim_batch, stream_batch):
        with pytest.raises(KafkaError) as refused:
            list(read(batch, header, zstd=zstd_as_a_whole))
        assert refused.value.code == ErrorCode.INVALID_RECORD


@given(st.data())
def test_broken_records_are_refused_alike(data):
    batch = build_batch([Record(i, i, b"k" * i, b"v" * 40, (("h", b"x"),)) for i in range(4)])
    position = data.draw(st.integers(HEADER_SIZE_BYTES, len(batch) - 1))
    batch[position] = data.draw(st.integers(0, 255))
    header = read_header(batch)

    def outcome(read):
        try:
            return [(item.offset, item.timestamp) for item in without_breaths(read())]
        except KafkaError as error:
            return error.code

    expected = outcome(lambda: list(read_records(batch, header)))
    assert outcome(lambda: list(stream_batch(batch, header, zstd=zstd_as_a_whole))) == expected
    assert outcome(lambda: list(skim_batch(batch, header, zstd=zstd_as_a_whole))) == expected
