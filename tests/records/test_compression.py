"""Codecs: round trips, bounds, and the frames that Kafka's own clients insist on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.compression import Compression, TakesLong, compress, decompress
from tests.records.golden_batches import golden

CODECS = [codec for codec in Compression if codec is not Compression.NONE]


@given(st.sampled_from(Compression), st.binary(max_size=100) | st.binary().map(lambda data: data * 1000))
def test_what_is_compressed_is_decompressed(codec, data):
    assert bytes(decompress(codec, compress(codec, data))) == data


@pytest.mark.parametrize("codec", CODECS)
def test_megabytes_are_compressed_in_blocks(codec):
    data = b"".join(b"line %d of many\n" % i for i in range(100_000))
    assert bytes(decompress(codec, compress(codec, data))) == data


@pytest.mark.parametrize("codec", CODECS)
def test_decompression_is_bounded(codec):
    bomb = compress(codec, bytes(4_000_000))
    with pytest.raises(TakesLong):
        decompress(codec, bomb, max_bytes=1_000_000)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("broken", [b"\x1f\x8b", b"not compressed at all", bytes(100)])
def test_noise_is_answered_as_kafka_answers_it(codec, broken):
    with pytest.raises(KafkaError) as refused:
        decompress(codec, broken)
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR


def test_snappy_without_framing_is_read():
    assert decompress(Compression.SNAPPY, b"\x03\x08abc") == b"abc"


def test_snappy_that_claims_more_than_it_can_hold_is_noise_and_not_too_large():
    with pytest.raises(KafkaError) as refused:
        decompress(Compression.SNAPPY, b"\xff\xff\xff\xff\x0f" + b"\0" * 50)
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR


def test_lz4_frames_begin_as_kafkas():
    kafkas = golden("2-lz4")[61:68]
    assert kafkas.startswith(b"\x04\x22\x4d\x18")
    assert compress(Compression.LZ4, b"anything")[:7] == kafkas


def test_lz4_frames_of_magic_0_carry_the_wrong_checksum_as_kafkas_do():
    kafkas = golden("0-lz4")[26:33]
    assert kafkas.startswith(b"\x04\x22\x4d\x18")
    assert compress(Compression.LZ4, b"anything", magic=0)[:7] == kafkas
    assert kafkas != golden("2-lz4")[61:68]


def test_lz4_of_magic_0_is_read_whatever_its_header_checksum():
    frame = bytearray(compress(Compression.LZ4, b"anything", magic=0))
    for checksum in (frame[6], 0x82, 0x00):
        frame[6] = checksum
        assert decompress(Compression.LZ4, frame, magic=0) == b"anything"


def test_an_unknown_codec_is_answered_as_kafka_answers_it():
    with pytest.raises(KafkaError, match="Unknown compression type id: 5") as refused:
        Compression.of(5)
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
