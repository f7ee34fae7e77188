"""A request as the pieces that its definition makes of it, so that each of them can be made wrong.

Written from the definitions and not with the generated codecs: those must not judge themselves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from struct import pack
from typing import Any, Final
from uuid import UUID

from odradek.protocol.api_keys import ApiKey
from protocol_specs.codegen import schema
from protocol_specs.codegen.schema import Field, Message, Struct

REQUESTS: Final[dict[int, Message]] = {
    message.api_key: message
    for message in schema.load_all()
    if message.kind == "request" and message.api_key is not None
}


class Kind(Enum):
    """What a piece says."""

    NUMBER = auto()
    FLAG = auto()
    ID = auto()
    LENGTH = auto()
    COMPACT_LENGTH = auto()
    COUNT = auto()
    COMPACT_COUNT = auto()
    CONTENT = auto()
    TAGS = auto()


LENGTHS: Final = frozenset({Kind.LENGTH, Kind.COMPACT_LENGTH, Kind.COUNT, Kind.COMPACT_COUNT})
"""The kinds that say how much follows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a frame; ``field`` is Kafka's name of what they belong to."""

    kind: Kind
    field: str
    raw: bytes


Values = Callable[[Field, int], Any]
"""The value of a field at a version: ``None`` is null; an array of structs has a ``None`` for each."""


def pieces(message: Message, version: int, values: Values) -> list[Piece]:
    """A request's body."""
    return list(_Layout(message, version, values).structure(message.root))


def header(
    api_key: int, version: int, correlation_id: int, client_id: bytes | None, *, flexible: bool
) -> list[Piece]:
    """A request's header: version 1 or 2, or the 0 that only ControlledShutdown 0 has."""
    found = [
        Piece(Kind.NUMBER, "request_api_key", pack(">h", api_key)),
        Piece(Kind.NUMBER, "request_api_version", pack(">h", version)),
        Piece(Kind.NUMBER, "correlation_id", pack(">i", correlation_id)),
    ]
    if (api_key, version) == (ApiKey.CONTROLLED_SHUTDOWN, 0):
        return found
    found += [
        Piece(Kind.LENGTH, "client_id", pack(">h", -1 if client_id is None else len(client_id))),
        Piece(Kind.CONTENT, "client_id", client_id or b""),
    ]
    return [*found, Piece(Kind.TAGS, "header", b"\0")] if flexible else found


def uvarint(value: int) -> bytes:
    """The bytes of an unsigned varint of 32 bits."""
    value &= 0xFFFFFFFF
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


class _Layout:
    def __init__(self, message: Message, version: int, values: Values) -> None:
        self._message = message
        self._version = version
        self._values = values

    def structure(self, struct: Struct) -> Iterator[Piece]:
        for field in struct.fields:
            if self._version in field.versions and self._version not in field.tagged:
                yield from self._field(field, self._values(field, self._version))
        if self._version in self._message.flexible:
            yield Piece(Kind.TAGS, struct.name, b"\0")

    def _field(self, field: Field, value: Any) -> Iterator[Piece]:
        if field.is_array:
            yield self._size(field, value, Kind.COMPACT_COUNT, Kind.COUNT)
            element = replace(field, is_array=False)
            for each in value or ():
                yield from self._element(element, each)
        elif field.struct is not None and self._version in field.nullable:
            yield Piece(Kind.NUMBER, field.name, b"\xff" if value is None else b"\x01")
            if value is not None:
                yield from self._element(field, value)
        else:
            yield from self._element(field, value)

    def _element(self, field: Field, value: Any) -> Iterator[Piece]:
        if field.struct is not None:
            yield from self.structure(field.struct)
        elif field.type == "uuid":
            assert isinstance(value, UUID)
            yield Piece(Kind.ID, field.name, value.bytes)
        elif field.type == "bool":
            yield Piece(Kind.FLAG, field.name, pack("?", value))
        elif field.type in schema.FIXED:
            yield Piece(Kind.NUMBER, field.name, pack(">" + schema.FIXED[field.type][0], value))
        else:
            raw = value.encode() if isinstance(value, str) else value
            yield self._size(field, raw, Kind.COMPACT_LENGTH, Kind.LENGTH)
            yield Piece(Kind.CONTENT, field.name, raw or b"")

    def _size(self, field: Field, value: Any, compact: Kind, plain: Kind) -> Piece:
        if self._message.is_flexible(field, self._version):
            return Piece(compact, field.name, uvarint(0 if value is None else len(value) + 1))
        width = ">h" if field.type == "string" and not field.is_array else ">i"
        return Piece(plain, field.name, pack(width, -1 if value is None else len(value)))
