"""The codecs of record batches: gzip, snappy in xerial framing, LZ4 frames, zstd.

What is small is done here as a whole; `records.pieces` does what is large.

Snappy, as snappy-java writes it: `82 "SNAPPY" 00`, version int32, compatible version int32, then blocks of
(length int32, raw snappy), 32 KiB of input each. Bytes without that magic are one raw block.

LZ4, as Kafka writes it: the frame format with independent blocks of 64 KiB and no checksums but the header's.
In magic 0 that one covers the frame's magic too (KAFKA-3160), so readers of magic 0 must not check it.

Kafka: CompressionType, Lz4BlockOutputStream, Lz4BlockInputStream; KIP-110 (zstd), KIP-390 (levels).
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum
from struct import Struct
from typing import Protocol, TypeAlias

import cramjam

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

_Buffer: TypeAlias = bytes | bytearray | memoryview


class _Decompressor(Protocol):
    """A module of cramjam."""

    def decompress_into(self, data: _Buffer, output: bytearray, /) -> int:
        """Bytes written; raises DecompressionError, also when `output` is too small."""


class Compression(IntEnum):
    """Codec ids: bits 0-2 of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4

    @classmethod
    def of(cls, codec_id: int) -> Compression:
        """Raises KafkaError(UNKNOWN_SERVER_ERROR), as Kafka answers an id that no codec has."""
        if codec_id > cls.ZSTD:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"Unknown compression type id: {codec_id}")
        return cls(codec_id)


DEFAULT_LEVELS = {Compression.GZIP: -1, Compression.LZ4: 9, Compression.ZSTD: 3}
"""Kafka's defaults of compression.gzip.level, compression.lz4.level and compression.zstd.level."""

MAX_DECOMPRESSED_BYTES = 4 * 1024 * 1024
"""What is decompressed as a whole, while everybody waits."""

_MOST_GZIP_MEMBERS = 16
"""Producers write one. For each, all that is behind it is copied."""

XERIAL_MAGIC = b"\x82SNAPPY\x00"
XERIAL_HEADER = XERIAL_MAGIC + b"\x00\x00\x00\x01\x00\x00\x00\x01"
_XERIAL_BLOCK_BYTES = 32 * 1024
_SNAPPY_MOST_GROWTH = 22
"""A copy takes three bytes and gives sixty-four at most."""
_LENGTH = Struct(">i")

_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_LZ4_DESCRIPTOR = b"\x60\x40"
_LZ4_BLOCK_BYTES = 64 * 1024
_LZ4_STORED = 0x80000000
_LZ4_CONTENT_SIZE_FLAG = 0x08
_LZ4_LENGTH = Struct("<I")
LZ4_END = _LZ4_LENGTH.pack(0)


class TakesLong(Exception):
    """What is behind a batch is so much that looking at it would hold everybody up; see `records.pieces`."""


def compress(codec: Compression, data: _Buffer, *, level: int | None = None, magic: int = 2) -> bytes:
    """`data` compressed as Kafka's producer would; `level` None is Kafka's default for the codec."""
    if level is None:
        level = DEFAULT_LEVELS.get(codec, 0)
    match codec:
        case Compression.NONE:
            return bytes(data)
        case Compression.GZIP:
            return zlib.compress(data, level, wbits=31)
        case Compression.SNAPPY:
            return _compress_snappy(data)
        case Compression.LZ4:
            return _compress_lz4(data, level, covers_magic=magic == 0)
        case Compression.ZSTD:
            return bytes(cramjam.zstd.compress(data, level=level))


def decompress(
    codec: Compression, data: _Buffer, *, magic: int = 2, max_bytes: int = MAX_DECOMPRESSED_BYTES
) -> bytes | memoryview:
    """The records behind `data`.

    Raises KafkaError: UNKNOWN_SERVER_ERROR for bytes that are not of this codec, as Kafka answers a producer
    of them. Raises TakesLong beyond `max_bytes` of output.
    """
    try:
        match codec:
            case Compression.NONE:
                return memoryview(data)
            case Compression.GZIP:
                return _decompress_gzip(data, max_bytes)
            case Compression.SNAPPY:
                return _decompress_snappy(memoryview(data), max_bytes)
            case Compression.LZ4:
                if magic == 0:
                    data = with_lz4_header_checksum(data)
                return _decompress_growing(cramjam.lz4, data, max_bytes)
            case Compression.ZSTD:
                return _decompress_growing(cramjam.zstd, data, max_bytes)
    except (zlib.error, cramjam.DecompressionError, struct.error, IndexError) as error:
        raise KafkaError(
            ErrorCode.UNKNOWN_SERVER_ERROR, f"Cannot decompress {codec.name.lower()} data: {error}"
        ) from error


def _decompress_gzip(data: _Buffer, max_bytes: int) -> bytes:
    """Every member in turn, as Java's GZIPInputStream reads them."""
    output = bytearray()
    rest: _Buffer = data
    for _ in range(_MOST_GZIP_MEMBERS):
        if not rest:
            return bytes(output)
        member = zlib.decompressobj(wbits=31)
        output += member.decompress(rest, max_bytes + 1 - len(output))
        if len(output) > max_bytes:
            raise TakesLong
        if not member.eof:
            raise zlib.error("incomplete or truncated stream")
        rest = member.unused_data
    raise TakesLong


def _compress_snappy(data: _Buffer) -> bytes:
    view = memoryview(data)
    blocks = [XERIAL_HEADER]
    blocks += [
        compress_snappy_block(view[start : start + _XERIAL_BLOCK_BYTES])
        for start in range(0, len(view), _XERIAL_BLOCK_BYTES)
    ]
    return b"".join(blocks)


def compress_snappy_block(block: memoryview) -> bytes:
    """One block of the xerial framing, its length before it."""
    compressed = bytes(cramjam.snappy.compress_raw(block))
    return _LENGTH.pack(len(compressed)) + compressed


def _decompress_snappy(data: memoryview, max_bytes: int) -> bytes:
    if data[: len(XERIAL_MAGIC)] != XERIAL_MAGIC:
        return decompress_snappy_block(data, max_bytes)
    blocks: list[bytes] = []
    position = len(XERIAL_HEADER)
    left_bytes = max_bytes
    while position < len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        if not 0 <= length <= len(data) - position:
            raise IndexError("snappy block reaches past the end")
        blocks.append(decompress_snappy_block(data[position : position + length], left_bytes))
        left_bytes -= len(blocks[-1])
        position += length
    return b"".join(blocks)


def decompress_snappy_block(block: memoryview, max_bytes: int | None = None) -> bytes:
    """One raw block, which grows to no more than 22 times its size. Raises what `decompress` catches."""
    size_bytes = cramjam.snappy.decompress_raw_len(block)
    if size_bytes > len(block) * _SNAPPY_MOST_GROWTH:
        raise IndexError("snappy block claims more than it can hold")
    if max_bytes is not None and size_bytes > max_bytes:
        raise TakesLong
    return bytes(cramjam.snappy.decompress_raw(block))


def _compress_lz4(data: _Buffer, level: int, *, covers_magic: bool) -> bytes:
    view = memoryview(data)
    chunks = [lz4_header(covers_magic=covers_magic)]
    chunks += [
        compress_lz4_block(view[start : start + _LZ4_BLOCK_BYTES], level)
        for start in range(0, len(view), _LZ4_BLOCK_BYTES)
    ]
    chunks.append(LZ4_END)
    return b"".join(chunks)


def lz4_header(*, covers_magic: bool) -> bytes:
    """Of a frame of independent blocks of 64 KiB."""
    checked = _LZ4_MAGIC + _LZ4_DESCRIPTOR if covers_magic else _LZ4_DESCRIPTOR
    return _LZ4_MAGIC + _LZ4_DESCRIPTOR + bytes((_lz4_header_checksum(checked),))


def compress_lz4_block(block: memoryview, level: int) -> bytes:
    """One block of a frame, its length before it; stored as it is where compression does not help."""
    # As Kafka: the default level means lz4's fast compressor, every other level the high compressor.
    compressed = bytes(
        cramjam.lz4.compress_block(block, store_size=False)
        if level == DEFAULT_LEVELS[Compression.LZ4]
        else cramjam.lz4.compress_block(block, store_size=False, mode="high_compression", compression=level)
    )
    if len(compressed) < len(block):
        return _LZ4_LENGTH.pack(len(compressed)) + compressed
    return _LZ4_LENGTH.pack(len(block) | _LZ4_STORED) + block


def _decompress_growing(codec: _Decompressor, data: _Buffer, max_bytes: int) -> memoryview:
    """Output of unknown size: try, and try again with four times the room."""
    capacity_bytes = min(max(64 * 1024, 6 * len(data)), max_bytes)
    while True:
        output = bytearray(capacity_bytes)
        try:
            size_bytes = codec.decompress_into(data, output)
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):
                raise
            if capacity_bytes == max_bytes:
                raise TakesLong from error
            capacity_bytes = min(4 * capacity_bytes, max_bytes)
        else:
            return memoryview(output)[:size_bytes]


def with_lz4_header_checksum(data: _Buffer) -> bytes:
    """The same LZ4 frame with the header checksum that the format asks for."""
    frame = bytearray(data)
    end = 6 + (8 if frame[4] & _LZ4_CONTENT_SIZE_FLAG else 0)
    frame[end] = _lz4_header_checksum(frame[4:end])
    return bytes(frame)


def _lz4_header_checksum(descriptor: bytes | bytearray) -> int:
    """Second byte of the descriptor's xxHash32 (seed 0), in xxHash's form for fewer than 16 bytes."""
    mask = 0xFFFFFFFF
    value = 0x165667B1 + len(descriptor)
    whole = len(descriptor) // 4 * 4
    for start in range(0, whole, 4):
        lane = int.from_bytes(descriptor[start : start + 4], "little")
        value = (value + lane * 0xC2B2AE3D) & mask
        value = (((value << 17) | (value >> 15)) * 0x27D4EB2F) & mask
    for byte in descriptor[whole:]:
        value = (value + byte * 0x165667B1) & mask
        value = (((value << 11) | (value >> 21)) * 0x9E3779B1) & mask
    value = ((value ^ (value >> 15)) * 0x85EBCA77) & mask
    value = ((value ^ (value >> 13)) * 0xC2B2AE3D) & mask
    value ^= value >> 16
    return (value >> 8) & 0xFF
