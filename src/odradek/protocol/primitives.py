"""Kafka's variable-length primitives, for generated code where a call is unavoidable, and its errors.

Fixed-width types are big-endian and read by `struct` in place. What remains is written here:

unsigned varint    7 bits a byte, least significant first, top bit set on all bytes but the last; at most 5
compact length     unsigned varint of the length plus one; 0 is null
tagged fields      varint count, then for each: varint tag, varint size, that many bytes; tags ascending

Source: KIP-482; Kafka's ByteUtils, ByteBufferAccessor, RawTaggedFieldWriter.
"""

from __future__ import annotations

from codecs import register_error
from functools import lru_cache
from struct import Struct
from uuid import UUID

from odradek.errors import MalformedMessage, OdradekError

TaggedFields = dict[int, bytes]
"""Raw tagged fields by tag."""

MAX_STRING_BYTES = 0x7FFF

FEW = 17
"""Arrays of fewer int32 (replicas, partitions) have a precompiled `struct` for each length."""

UNPACK_INT32S = tuple(Struct(f">{count}i").unpack_from for count in range(FEW))
PACK_INT32S = tuple(Struct(f">{count}i").pack for count in range(FEW))


class UnsupportedVersion(OdradekError, ValueError):
    """A message, or a value in it, that the asked version cannot carry: a bug of the caller's."""


def unsupported_field(name: str) -> UnsupportedVersion:
    """The error for a field with a value that may not be dropped, in a version without that field."""
    return UnsupportedVersion(f"attempted to write a non-default {name} at a version that does not have it")


def null_field(name: str) -> UnsupportedVersion:
    """The error for a field that is None at a version that cannot write it so."""
    return UnsupportedVersion(f"{name} is null at a version where it is not nullable")


def bad_length(name: str, length: int, remaining: int) -> MalformedMessage:
    """The error for a length (as on the wire) that is null where it may not be, or reaches past the end."""
    return MalformedMessage(f"{name} has length {length} on the wire, {remaining} bytes are left")


def bad_count(name: str, count: int, remaining: int) -> MalformedMessage:
    """The error for an array that is null where it may not be, or cannot fit in what is left."""
    return MalformedMessage(f"{name} has count {count} on the wire, {remaining} bytes are left")


def _replace_as_java(error: UnicodeError) -> tuple[str, int]:
    """Replace malformed UTF-8 by U+FFFD as Java does: an encoded surrogate is one error there, not three."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    raw, at = error.object, error.start
    rest = raw[at + 1 : at + 3]
    if raw[at] == 0xED and rest and 0xA0 <= rest[0] <= 0xBF:
        is_whole = len(rest) == 2 and rest[1] & 0xC0 == 0x80
        return "\ufffd", at + 3 if is_whole else at + 2
    return "\ufffd", error.end


register_error("java", _replace_as_java)


@lru_cache(maxsize=4096)
def to_uuid(raw: bytes) -> UUID:
    """The UUID of 16 bytes. Cached because brokers see the same few topic ids and `UUID()` is slow."""
    return UUID(bytes=raw)


def read_uvarint(buf: memoryview, at: int) -> tuple[int, int]:
    """Read an unsigned varint at `at`; the value as Java's signed 32-bit int, and the position behind it.

    Raises MalformedMessage when it is longer than five bytes, IndexError when the buffer ends in it.
    """
    value = 0
    for shift in (0, 7, 14, 21, 28):
        byte = buf[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            value &= 0xFFFFFFFF
            return (value if value < 0x80000000 else value - 0x100000000), at
    raise MalformedMessage("varint is too long, the most significant bit in the 5th byte is set")


def read_string_length(buf: memoryview, at: int) -> tuple[int, int]:
    """As `read_uvarint`, for the compact length of a string: at most 32767 bytes and the one."""
    value, at = read_uvarint(buf, at)
    if value > MAX_STRING_BYTES + 1:
        raise MalformedMessage(f"string has invalid length {value - 1}")
    return value, at


def write_uvarint(b: bytearray, value: int) -> None:
    """Append an unsigned varint; `value` is 0 to 2**32 - 1."""
    while value > 127:
        b.append(value & 0x7F | 0x80)
        value >>= 7
    b.append(value)


def write_string_length(b: bytearray, value: int) -> None:
    """As `write_uvarint`, for the compact length of a string; ValueError when it is too long for Kafka."""
    if value > MAX_STRING_BYTES + 1:
        raise ValueError(f"string of {value - 1} bytes is too long to be serialized")
    write_uvarint(b, value)


def read_tagged_fields(
    buf: memoryview, at: int, forbidden: tuple[int, ...] = ()
) -> tuple[TaggedFields | None, int]:
    """Read a section of tagged fields of which none is known; None when it is empty.

    `forbidden` are the tags that this structure knows at other versions only: Kafka refuses them.
    """
    count, at = read_uvarint(buf, at)
    tagged: TaggedFields | None = None
    for _ in range(count):
        tag, at = read_uvarint(buf, at)
        size, at = read_uvarint(buf, at)
        tagged, at = keep_tagged_field(tagged, tag, size, buf, at, forbidden)
    return tagged, at


def keep_tagged_field(
    tagged: TaggedFields | None,
    tag: int,
    size: int,
    buf: memoryview,
    at: int,
    forbidden: tuple[int, ...] = (),
) -> tuple[TaggedFields, int]:
    """Add the unknown field at `at` to those already kept; the position behind it."""
    if tag in forbidden:
        raise MalformedMessage(f"tag {tag} is not valid for this version")
    to = at + size
    if size < 0 or to > len(buf):
        raise bad_length(f"tagged field {tag}", size, len(buf) - at)
    if tagged is None:
        tagged = {}
    tagged[tag] = buf[at:to].tobytes()
    return tagged, to


def write_tagged_fields(b: bytearray, known: TaggedFields, unknown: TaggedFields | None) -> None:
    """Append a section of tagged fields in ascending order of tags.

    Raises ValueError when an unknown field has the tag of a known one.
    """
    fields = known
    if unknown:
        fields = known | unknown
        if len(fields) != len(known) + len(unknown):
            raise ValueError(f"a tag is both known and raw: {sorted(known.keys() & unknown.keys())}")
    write_uvarint(b, len(fields))
    for tag in sorted(fields):
        raw = fields[tag]
        write_uvarint(b, tag)
        write_uvarint(b, len(raw))
        b += raw
