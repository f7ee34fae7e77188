"""Compressed records read and written in pieces: of what is large, only a piece is in memory at a time.

A few kilobytes may claim to be gigabytes. What bounds them is the size of the compressed batch
(message.max.bytes), times what its codec can make of a byte: gzip a thousand, LZ4 255, snappy 22, zstd some
30,000. Kafka reads them as streams too and knows no other bound.

`records.compression` has the formats, and does what is small as a whole.

zstd is the one codec whose library here decompresses only as a whole; `ZstdPieces` is the way around.

Kafka: Lz4BlockInputStream (which takes no blocks that depend on each other), GzipCompression.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from struct import Struct
from typing import Protocol, TypeAlias

import cramjam

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.compression import (
    DEFAULT_LEVELS,
    LZ4_END,
    XERIAL_HEADER,
    XERIAL_MAGIC,
    Compression,
    compress_lz4_block,
    compress_snappy_block,
    decompress_snappy_block,
    lz4_header,
    with_lz4_header_checksum,
)

_Buffer: TypeAlias = bytes | bytearray | memoryview

PIECE_BYTES = 64 * 1024

ZstdPieces: TypeAlias = Callable[[_Buffer], Iterator[_Buffer]]
"""Decompresses zstd in pieces; raises cramjam.DecompressionError."""

_GZIP_INPUT_BYTES = 4 * 1024
"""What is not used of its input zlib copies for each piece."""

_LENGTH = Struct(">i")
_LZ4_WORD = Struct("<I")
_LZ4_MAGIC = 0x184D2204
_LZ4_VERSION_AND_INDEPENDENCE = 0b11100000
_LZ4_VERSION_1_INDEPENDENT = 0b01100000
_LZ4_BLOCK_CHECKSUM = 0x10
_LZ4_CONTENT_SIZE = 0x08
_LZ4_STORED = 0x80000000
_LZ4_MOST_GROWTH = 255
"""A byte of a match's length adds so many at most."""


def decompress_in_pieces(
    codec: Compression, data: _Buffer, *, zstd: ZstdPieces, magic: int = 2
) -> Iterator[_Buffer]:
    """The records behind `data`, in pieces of any size that is small.

    Raises KafkaError(UNKNOWN_SERVER_ERROR) where `data` is not of this codec, as Kafka answers a producer.
    """
    view = memoryview(data)
    with _as_kafka_error(codec):
        match codec:
            case Compression.NONE:
                yield view
            case Compression.GZIP:
                yield from _gzip(view)
            case Compression.SNAPPY:
                yield from _snappy(view)
            case Compression.LZ4:
                yield from _lz4(memoryview(with_lz4_header_checksum(view)) if magic == 0 else view)
            case Compression.ZSTD:
                yield from zstd(view)


@contextmanager
def _as_kafka_error(codec: Compression) -> Iterator[None]:
    try:
        yield
    except (zlib.error, cramjam.DecompressionError, struct.error, IndexError) as error:
        raise KafkaError(
            ErrorCode.UNKNOWN_SERVER_ERROR, f"Cannot decompress {codec.name.lower()} data: {error}"
        ) from error


def _gzip(data: memoryview) -> Iterator[bytes]:
    """Every member in turn, as Java's GZIPInputStream reads them."""
    position = 0
    while position < len(data):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if position >= len(data):
                raise zlib.error("incomplete or truncated stream")
            given = data[position : position + _GZIP_INPUT_BYTES]
            position += len(given)
            yield member.decompress(given, PIECE_BYTES)
            while member.unconsumed_tail:
                yield member.decompress(member.unconsumed_tail, PIECE_BYTES)
            if not member.eof:
                yield member.decompress(b"", PIECE_BYTES)
        position -= len(member.unused_data)


def _snappy(data: memoryview) -> Iterator[bytes]:
    if data[: len(XERIAL_MAGIC)] != XERIAL_MAGIC:
        yield decompress_snappy_block(data)
        return
    position = len(XERIAL_HEADER)
    while position < len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        if not 0 <= length <= len(data) - position:
            raise IndexError("snappy block reaches past the end")
        yield decompress_snappy_block(data[position : position + length])
        position += length


def _lz4(data: memoryview) -> Iterator[_Buffer]:
    magic, flags, descriptor = struct.unpack_from("<IBB", data)
    if magic != _LZ4_MAGIC or flags & _LZ4_VERSION_AND_INDEPENDENCE != _LZ4_VERSION_1_INDEPENDENT:
        raise IndexError("not an LZ4 frame of independent blocks")
    position = 6 + (8 if flags & _LZ4_CONTENT_SIZE else 0)
    if bytes(with_lz4_header_checksum(data[: position + 1])) != data[: position + 1]:
        raise IndexError("LZ4 header checksum does not match")
    position += 1
    most_bytes = 1 << (8 + 2 * (descriptor >> 4 & 7))
    while True:
        (word,) = _LZ4_WORD.unpack_from(data, position)
        position += _LZ4_WORD.size
        length = word & ~_LZ4_STORED
        if not length:
            return
        if length > min(most_bytes, len(data) - position):
            raise IndexError("LZ4 block is too long")
        block = data[position : position + length]
        if word & _LZ4_STORED:
            yield block
        else:
            # A block that says that it may be 4 MiB mostly is not, and so much memory takes long to clear.
            room_bytes = min(most_bytes, _LZ4_MOST_GROWTH * length)
            output = bytearray(room_bytes)
            size_bytes = cramjam.lz4.decompress_block_into(block, output, output_len=room_bytes)
            yield memoryview(output)[:size_bytes]
        position += length + (_LZ4_WORD.size if flags & _LZ4_BLOCK_CHECKSUM else 0)


class Compressor(Protocol):
    """Compresses a stream; `write` gives what is ready, `finish` the rest."""

    def write(self, data: _Buffer) -> bytes: ...
    def finish(self) -> bytes: ...


def compressor(codec: Compression, *, level: int | None = None, magic: int = 2) -> Compressor:
    """As `compression.compress`, in pieces."""
    if level is None:
        level = DEFAULT_LEVELS.get(codec, 0)
    match codec:
        case Compression.NONE:
            return _Stored()
        case Compression.GZIP:
            return _Gzip(level)
        case Compression.SNAPPY:
            return _Blocks(XERIAL_HEADER, 32 * 1024, compress_snappy_block, b"")
        case Compression.LZ4:
            header = lz4_header(covers_magic=magic == 0)
            return _Blocks(header, 64 * 1024, lambda block: compress_lz4_block(block, level), LZ4_END)
        case Compression.ZSTD:
            return _Zstd(level)


class _Stored:
    def write(self, data: _Buffer) -> bytes:
        return bytes(data)

    def finish(self) -> bytes:
        return b""


class _Gzip:
    def __init__(self, level: int) -> None:
        self._stream = zlib.compressobj(level, wbits=31)

    def write(self, data: _Buffer) -> bytes:
        return self._stream.compress(data)

    def finish(self) -> bytes:
        return self._stream.flush()


class _Zstd:
    def __init__(self, level: int) -> None:
        self._stream = cramjam.zstd.Compressor(level)

    def write(self, data: _Buffer) -> bytes:
        self._stream.compress(data)
        return bytes(self._stream.flush())

    def finish(self) -> bytes:
        return bytes(self._stream.finish())


class _Blocks:
    """A header, blocks that each were `size_bytes` large, and an end."""

    def __init__(
        self, header: bytes, size_bytes: int, compress_block: Callable[[memoryview], bytes], end: bytes
    ) -> None:
        self._ready = header
        self._size_bytes = size_bytes
        self._compress_block = compress_block
        self._end = end
        self._rest = b""

    def write(self, data: _Buffer) -> bytes:
        view = memoryview(self._rest + bytes(data))
        whole = len(view) // self._size_bytes * self._size_bytes
        self._rest = bytes(view[whole:])
        return self._take(view[:whole])

    def finish(self) -> bytes:
        return self._take(memoryview(self._rest)) + self._end

    def _take(self, view: memoryview) -> bytes:
        starts = range(0, len(view), self._size_bytes)
        blocks = [self._compress_block(view[start : start + self._size_bytes]) for start in starts]
        header, self._ready = self._ready, b""
        return header + b"".join(blocks)
