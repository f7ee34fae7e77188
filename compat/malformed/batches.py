"""What a Produce request carries: a good batch, sometimes; mostly one with something wrong in it."""

import gzip
import zlib
from collections.abc import Callable
from random import Random
from struct import pack, pack_into
from typing import Final

from odradek.records.batch import HEADER_SIZE_BYTES
from odradek.records.builder import build_batch, write_crc
from odradek.records.compression import Compression, compress
from odradek.records.record import Record

_HEADER_FIELDS: Final = {
    "base_offset": (0, ">q"),
    "batch_length": (8, ">i"),
    "partition_leader_epoch": (12, ">i"),
    "magic": (16, ">b"),
    "crc": (17, ">I"),
    "attributes": (21, ">h"),
    "last_offset_delta": (23, ">i"),
    "base_timestamp": (27, ">q"),
    "max_timestamp": (35, ">q"),
    "producer_id": (43, ">q"),
    "producer_epoch": (51, ">h"),
    "base_sequence": (53, ">i"),
    "record_count": (57, ">i"),
}
_BITS: Final = {"b": 8, "h": 16, "i": 32, "q": 64}
_TIME_MS: Final = 1_700_000_000_000
_BOMB_BYTES: Final = 8 << 20


def batch(version: int, random: Random) -> bytes:
    """Records for one partition of a Produce request of this version."""
    if version < 3 and random.random() < 0.8:
        return random.choice((_message_set, _message_set, _wrong_message_set))(random)
    makers: tuple[Callable[[Random], bytes], ...] = (
        _good,
        _good,
        _wrong_header,
        _wrong_header,
        _wrong_header,
        _unchecked,
        _garbage_compressed,
        _bomb,
        _cut,
        _two,
        _noise,
    )
    return random.choice(makers)(random)


def _good(random: Random) -> bytes:
    codec = random.choice(list(Compression))
    records = [
        Record(offset, _TIME_MS, b"key", b"value" * random.randrange(20), ())
        for offset in range(random.randrange(1, 5))
    ]
    return bytes(build_batch(records, compression=codec))


def _wrong_header(random: Random) -> bytes:
    """One field of the header changed, with the checksum made right again: the field itself is judged."""
    found = bytearray(_good(random))
    _change(found, random)
    if random.random() < 0.9:
        write_crc(found)
    return bytes(found)


def _unchecked(random: Random) -> bytes:
    """Bytes flipped behind the checksum's back."""
    found = bytearray(_good(random))
    for _ in range(random.randrange(1, 4)):
        found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def _garbage_compressed(random: Random) -> bytes:
    """A batch that says it is compressed, and is not."""
    found = bytearray(_good(random))
    pack_into(">h", found, 21, random.randrange(1, 8))
    found[HEADER_SIZE_BYTES:] = random.randbytes(random.randrange(60))
    pack_into(">i", found, 8, len(found) - 12)
    write_crc(found)
    return bytes(found)


def _bomb(random: Random) -> bytes:
    """A few kilobytes that become megabytes."""
    found = bytearray(_good(random))
    zeros = bytes(_BOMB_BYTES)
    codec = random.choice((Compression.GZIP, Compression.SNAPPY, Compression.LZ4, Compression.ZSTD))
    found[HEADER_SIZE_BYTES:] = compress(codec, zeros)
    pack_into(">h", found, 21, codec)
    pack_into(">i", found, 8, len(found) - 12)
    write_crc(found)
    return bytes(found)


def _cut(random: Random) -> bytes:
    found = _good(random)
    return found[: random.randrange(len(found))]


def _two(random: Random) -> bytes:
    return _good(random) + _good(random)


def _noise(random: Random) -> bytes:
    return random.randbytes(random.randrange(120))


def _change(found: bytearray, random: Random) -> None:
    offset, layout = _HEADER_FIELDS[random.choice(sorted(_HEADER_FIELDS))]
    if layout == ">I":
        pack_into(layout, found, offset, random.getrandbits(32))
        return
    bits = _BITS[layout[1]]
    edges = (-1, 0, 1, 2, 3, 8, 16, 32, -2, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)))
    pack_into(layout, found, offset, random.choice([edge for edge in edges if edge.bit_length() < bits]))


def _message_set(random: Random) -> bytes:
    """One to three messages of magic 0 or 1."""
    magic = random.randrange(2)
    return b"".join(_message(offset, magic, 0, b"value") for offset in range(random.randrange(1, 4)))


def _wrong_message_set(random: Random) -> bytes:
    magic = random.randrange(3)
    codec = random.randrange(8)
    value = random.choice((None, b"", random.randbytes(40), gzip.compress(_message_set(random), mtime=0)))
    found = bytearray(_message(0, magic, codec, value))
    if random.random() < 0.3:
        pack_into(">i", found, 8, random.choice((-1, 0, 13, len(found), 2**31 - 1)))
    if random.random() < 0.2:
        found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def _message(offset: int, magic: int, attributes: int, value: bytes | None) -> bytes:
    checked = pack(">bb", magic, attributes)
    if magic:
        checked += pack(">q", _TIME_MS)
    checked += pack(">i", -1)
    checked += pack(">i", -1) if value is None else pack(">i", len(value)) + value
    return pack(">qiI", offset, 4 + len(checked), zlib.crc32(checked)) + checked
