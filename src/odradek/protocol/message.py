"""What every generated message is: a mutable bag of fields that knows its codecs for each version.

Generated classes are plain slotted classes rather than dataclasses: creating a dataclass takes 0.6 ms, and
a broker loads hundreds of them before it answers its first request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import error as struct_error
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID

from odradek.errors import MalformedMessage
from odradek.protocol.primitives import TaggedFields, UnsupportedVersion

__all__ = [
    "DEFAULT",
    "ZERO_UUID",
    "Chunk",
    "Message",
    "Record",
    "Records",
    "SizedChunk",
    "Structure",
    "TaggedFields",
]

ZERO_UUID = UUID(int=0)
"""Kafka's Uuid.ZERO_UUID: no id."""

DEFAULT: Any = object()
"""Stands for a default that must be made anew for each object: an empty list, an empty structure."""


class SizedChunk(Protocol):
    """Bytes that are somewhere else, such as a region of a file; the sender knows how to move them."""

    def __len__(self) -> int:
        """Size in bytes."""


Chunk = bytes | bytearray | memoryview | SizedChunk
"""A piece of an encoded frame."""

Records = memoryview | bytes | bytearray | SizedChunk
"""A `records` field: a memoryview into the frame when decoded; whatever the owner put there when encoded."""


class Structure:
    """A group of fields. Equality and representation go by the fields, in Kafka's order."""

    __slots__: tuple[str, ...] = ()

    tagged: TaggedFields | None
    """Tagged fields that this release does not know, kept as raw bytes by tag."""

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        shown = [name for name in self.__slots__ if name != "tagged" or self.tagged]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class Message(Structure):
    """A whole message: a request, a response, or data that has a version of its own."""

    __slots__ = ()

    API_KEY: ClassVar[int]
    MIN_VERSION: ClassVar[int]
    MAX_VERSION: ClassVar[int]
    FLEXIBLE_FROM: ClassVar[int]
    """The first version with compact lengths and tagged fields; 32767 where there is none."""

    decoders: ClassVar[Mapping[int, Callable[[memoryview, int], tuple[Any, int]]]]
    encoders: ClassVar[Mapping[int, Callable[[Any, list[Chunk]], None]]]

    @classmethod
    def decode_from(cls, version: int, buffer: memoryview, offset: int = 0) -> tuple[Self, int]:
        """Read one message at `offset`; also returns the position behind it.

        Records stay slices of `buffer`; everything else is copied. Raises MalformedMessage for any bytes
        that are not such a message, before allocating more than they could justify, and UnsupportedVersion
        for a version that this message never had.
        """
        decoder = cls.decoders.get(version)
        if decoder is None:
            raise UnsupportedVersion(f"cannot read version {version} of {cls.__name__}")
        try:
            return decoder(buffer, offset)
        except (struct_error, IndexError):
            raise MalformedMessage(f"{cls.__name__} version {version} ends too early") from None

    @classmethod
    def decode(cls, version: int, buffer: memoryview, offset: int = 0) -> Self:
        """As `decode_from`, without the position: like Kafka, bytes behind the message are ignored."""
        decoder = cls.decoders.get(version)
        if decoder is None:
            raise UnsupportedVersion(f"cannot read version {version} of {cls.__name__}")
        # Not through `decode_from`: the call would cost a tenth of reading a small request.
        try:
            found: Self = decoder(buffer, offset)[0]
            return found
        except (struct_error, IndexError):
            raise MalformedMessage(f"{cls.__name__} version {version} ends too early") from None

    def encode_into(self, version: int, out: list[Chunk]) -> None:
        """Append this message to `out`; records go in as chunks of their own, untouched.

        Raises UnsupportedVersion for a version that this message never had, and for a field that is set,
        may not be dropped, and has no place in this version.
        """
        encoder = self.encoders.get(version)
        if encoder is None:
            raise UnsupportedVersion(f"cannot write version {version} of {type(self).__name__}")
        encoder(self, out)

    def to_bytes(self, version: int) -> bytes:
        """The encoded message in one piece; every records field must be a bytes-like object."""
        out: list[Any] = []
        self.encode_into(version, out)
        return b"".join(out)


class Record(Message):
    """A key or a value in one of a coordinator's topics."""

    __slots__ = ()

    RECORD_TYPE: ClassVar[int]
    """The kind of record that this key or value belongs to, within its coordinator."""
