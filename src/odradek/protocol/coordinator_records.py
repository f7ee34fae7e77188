"""Keys and values in the coordinators' topics: which message they are, and their version prefix.

    key      0  int16   type of the record (Kafka up to 3.9 calls it the version of the key)
             2  ...     the key's one layout
    value    0  int16   version of the value
             2  ...     the value at that version; a null value is a tombstone

Types are numbered within one coordinator: 0 is an offset commit for the group coordinator, a transaction
for the transaction coordinator and a snapshot for the share coordinator.

Source: Kafka's CoordinatorRecordTypeGenerator; GroupMetadataManager, TransactionLog.
"""

from __future__ import annotations

from typing import TypeVar

from odradek.errors import MalformedMessage
from odradek.protocol.message import Message, Record

M = TypeVar("M", bound=Message)
R = TypeVar("R", bound=Record)

_PREFIX_BYTES = 2


def read_prefix(raw: bytes | memoryview) -> int:
    """The int16 before a key, a value or a snapshot; MalformedMessage when there is none."""
    if len(raw) < _PREFIX_BYTES:
        raise MalformedMessage("record is too short for its version")
    return int.from_bytes(raw[:_PREFIX_BYTES], "big", signed=True)


def decode_key(cls: type[R], raw: memoryview) -> R:
    """Read a key whose type is that of `cls`, or one with the same layout. Raises MalformedMessage."""
    return cls.decode(0, raw, _PREFIX_BYTES)


def decode_versioned(cls: type[M], raw: memoryview) -> M:
    """Read a message that follows its own version.

    Raises MalformedMessage, also for a version that the message never had: the writer was newer than us.
    """
    version = read_prefix(raw)
    if version not in cls.decoders:
        raise MalformedMessage(f"unknown version {version} of {cls.__name__}")
    return cls.decode(version, raw, _PREFIX_BYTES)


def encode_key(key: Record) -> bytes:
    """A key behind its type."""
    return key.RECORD_TYPE.to_bytes(_PREFIX_BYTES, "big") + key.to_bytes(0)


def encode_versioned(message: Message, version: int) -> bytes:
    """A message behind its version."""
    return version.to_bytes(_PREFIX_BYTES, "big") + message.to_bytes(version)
