"""Streams of each codec: the same as a whole, cut anywhere, broken anywhere, and never much at a time."""

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import HEADER_SIZE_BYTES
from odradek.records.compression import Compression, compress, decompress
from odradek.records.pieces import PIECE_BYTES, compressor, decompress_in_pieces
from tests.records.golden_batches import CODECS, golden

LARGE_BYTES = 5_000_000


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


def pieces_of(codec, data, magic=2):
    return list(decompress_in_pieces(codec, data, zstd=zstd_as_a_whole, magic=magic))


@given(st.sampled_from(Compression), st.binary(max_size=100) | st.binary().map(lambda data: data * 1000))
def test_pieces_make_the_whole(codec, data):
    assert b"".join(pieces_of(codec, compress(codec, data))) == data


@pytest.mark.parametrize("name", CODECS)
def test_kafkas_own_bytes_are_read_as_by_the_other_reader(name):
    batch = golden(f"2-{name}")
    codec = Compression(batch[22] & 7)
    records = batch[HEADER_SIZE_BYTES:]
    assert b"".join(pieces_of(codec, records)) == bytes(decompress(codec, records))


@pytest.mark.parametrize("codec", [Compression.GZIP, Compression.LZ4, Compression.SNAPPY])
def test_no_piece_is_large(codec):
    bomb = compress(codec, bytes(LARGE_BYTES))
    sizes = [len(piece) for piece in pieces_of(codec, bomb)]
    assert sum(sizes) == LARGE_BYTES
    assert max(sizes) <= PIECE_BYTES


@given(st.sampled_from(Compression), st.lists(st.binary(max_size=100_000), max_size=5))
def test_what_is_written_in_pieces_is_read_as_a_whole(codec, parts):
    stream = compressor(codec)
    data = b"".join([*map(stream.write, parts), stream.finish()])
    assert bytes(decompress(codec, data)) == b"".join(parts)


def test_lz4_of_magic_0_has_its_own_checksum():
    stream = compressor(Compression.LZ4, magic=0)
    data = stream.write(b"some") + stream.finish()
    assert data == compress(Compression.LZ4, b"some", magic=0)
    assert pieces_of(Compression.LZ4, data, magic=0) == [b"some"]


@given(st.data())
def test_what_is_broken_is_refused_and_never_crashes(data):
    codec = data.draw(st.sampled_from(Compression))
    compressed = bytearray(compress(codec, b"a line of many\n" * 50))
    position = data.draw(st.integers(0, len(compressed) - 1))
    compressed[position] = data.draw(st.integers(0, 255))
    code = ErrorCode.NONE
    try:
        pieces_of(codec, compressed[: data.draw(st.integers(0, len(compressed)))])
    except KafkaError as refused:
        code = ErrorCode(refused.code)
    assert code in (ErrorCode.NONE, ErrorCode.UNKNOWN_SERVER_ERROR)
