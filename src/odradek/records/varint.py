"""Zig-zag varints (protobuf's), as the records of magic 2 use them.

Reading has a fast path in `records.record` for one byte; this is the rest. Kafka: ByteUtils.
"""

from __future__ import annotations

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

MAX_VARINT_BITS = 35
MAX_VARLONG_BITS = 70


def read_varint(
    buffer: bytes | bytearray | memoryview, position: int, max_bits: int = MAX_VARINT_BITS
) -> tuple[int, int]:
    """(value, position after it).

    Raises KafkaError(INVALID_RECORD) when it is too long, IndexError when it is cut off.
    """
    value = 0
    shift = 0
    while True:
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position
        shift += 7
        if shift >= max_bits:
            raise KafkaError(ErrorCode.INVALID_RECORD, "Found invalid record structure")


def write_varint(output: bytearray, value: int) -> None:
    """Appends `value`, a signed 32- or 64-bit integer."""
    value = (value << 1) ^ (value >> 63)
    while value > 0x7F:
        output.append((value & 0x7F) | 0x80)
        value >>= 7
    output.append(value)
