"""Gzip data of many members is no cheaper than what is behind it says: each copies all that follows."""

import zlib
from collections.abc import Iterator

import pytest

from odradek.records.batch import Buffer
from odradek.records.compression import Compression, TakesLong, decompress
from odradek.records.pieces import decompress_in_pieces


def member(data: bytes) -> bytes:
    return zlib.compress(data, wbits=31)


def no_zstd(data: Buffer) -> Iterator[Buffer]:
    raise AssertionError(f"{len(data)} bytes of zstd")


def test_a_few_members_are_decompressed_at_once() -> None:
    assert bytes(decompress(Compression.GZIP, member(b"a") + member(b"") + member(b"b"))) == b"ab"


def test_many_members_take_long_however_little_they_hold() -> None:
    data = member(b"") * 40_000 + member(b"end")
    with pytest.raises(TakesLong):
        decompress(Compression.GZIP, data)
    pieces = decompress_in_pieces(Compression.GZIP, member(b"") * 40 + member(b"end"), zstd=no_zstd)
    assert b"".join(pieces) == b"end"
