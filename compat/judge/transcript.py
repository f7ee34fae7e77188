"""Answers as plain values: dicts, lists, strings and numbers that JSON can hold and people can read.

A field that has its default is left out, so a tree shows only what was said. Records appear as batches with
everything that their headers say and each record as ``[offset, timestamp, key, value, headers]``.
"""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any, Final, TypeAlias
from uuid import UUID

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.message import Structure
from odradek.records.batch import CRC_OFFSET, LEGACY_CRC_OFFSET, iter_headers
from odradek.records.compression import Compression
from odradek.records.crc import crc32c
from odradek.records.record import read_records

Tree: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None

_SHOWN_BYTES: Final = 64
_RECORDS_FIELDS: Final = frozenset({"records"})
_DEFAULTS: Final[dict[type[Structure], Structure]] = {}


def tree(value: object, *, field: str = "") -> Tree:
    """A decoded message, or a part of one, as a tree."""
    match value:
        case Structure():
            return _structure(value)
        case list() | tuple():
            return [tree(each) for each in value]
        case memoryview() | bytes() | bytearray():
            return batches(bytes(value)) if field in _RECORDS_FIELDS else shown(bytes(value))
        case UUID():
            return str(value)
        case dict():
            return {str(key): tree(each) for key, each in value.items()}
        case str() | int() | float() | None:
            return value
    raise TypeError(f"no answer holds a {type(value).__name__}")


def _structure(value: Structure) -> Tree:
    kind = type(value)
    defaults = _DEFAULTS.get(kind) or _DEFAULTS.setdefault(kind, kind())
    fields = ((name, getattr(value, name)) for name in value.__slots__)
    return {name: tree(each, field=name) for name, each in fields if each != getattr(defaults, name)}


def shown(raw: bytes | None) -> str | None:
    """Bytes as text, escaped where they are not ASCII; long ones as their beginning, size and hash."""
    if raw is None:
        return None
    if len(raw) > _SHOWN_BYTES:
        return f"{shown(raw[:16])}… {len(raw)} bytes, SHA-1 {hashlib.sha1(raw).hexdigest()[:12]}"
    return raw.decode("latin-1").encode("unicode_escape").decode()


def batches(raw: bytes) -> Tree:
    """What a ``records`` field holds: whole batches (or old messages), and how much of one was cut off."""
    view = memoryview(raw)
    found: list[Any] = []
    end = 0
    for position, header in iter_headers(view):
        end = position + header.size_bytes
        batch = view[position:end]
        compressed = header.attributes & 7 != Compression.NONE
        if header.magic == 2:
            crc = crc32c(batch[CRC_OFFSET + 4 :])
        else:
            crc = zlib.crc32(batch[LEGACY_CRC_OFFSET + 4 :])
        row = {**header._asdict(), "crc": "right" if crc == header.crc else "wrong"}
        if compressed:
            # Two implementations of one codec differ in size, and neither is wrong.
            del row["batch_length"]
        try:
            row["records"] = [
                [r.offset, r.timestamp, shown(r.key), shown(r.value), *([k, shown(v)] for k, v in r.headers)]
                for r in read_records(batch, header)
            ]
        except KafkaError as unreadable:
            row["records"] = f"unreadable: {unreadable}"
        found.append(row)
    if end < len(raw):
        found.append({"cut_off_bytes": len(raw) - end})
    return found


def error_codes(answer: Any) -> Iterator[ErrorCode]:
    """Every error code in an answer, at any depth."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            if key.endswith("error_code") and value:
                yield ErrorCode(value)
            else:
                yield from error_codes(value)
    elif isinstance(answer, list):
        for each in answer:
            yield from error_codes(each)
