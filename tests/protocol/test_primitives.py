from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import MalformedMessage
from odradek.protocol.primitives import (
    read_string_length,
    read_tagged_fields,
    read_uvarint,
    to_uuid,
    write_string_length,
    write_tagged_fields,
    write_uvarint,
)


@given(st.integers(0, 2**31 - 1))
def test_an_unsigned_varint_reads_back(value: int):
    b = bytearray()
    write_uvarint(b, value)
    assert read_uvarint(memoryview(b), 0) == (value, len(b))
    assert len(b) == max(1, -(-value.bit_length() // 7))


@pytest.mark.parametrize(
    ("raw", "value"),
    [("00", 0), ("7f", 127), ("8001", 128), ("ff7f", 16383), ("ffffffff07", 2**31 - 1), ("ffffffff0f", -1)],
)
def test_golden_varints(raw: str, value: int):
    assert read_uvarint(memoryview(bytes.fromhex(raw)), 0) == (value, len(raw) // 2)


def test_a_varint_of_six_bytes_is_malformed():
    with pytest.raises(MalformedMessage):
        read_uvarint(memoryview(b"\xff\xff\xff\xff\xff\x01"), 0)


def test_a_string_is_at_most_32767_bytes():
    b = bytearray()
    write_string_length(b, 0x8000)
    assert read_string_length(memoryview(b), 0) == (0x8000, 3)
    with pytest.raises(ValueError, match="too long"):
        write_string_length(b, 0x8001)
    longer = bytearray()
    write_uvarint(longer, 0x8001)
    with pytest.raises(MalformedMessage):
        read_string_length(memoryview(longer), 0)


@given(st.dictionaries(st.integers(0, 2**31 - 1), st.binary(max_size=200), max_size=5))
def test_tagged_fields_read_back(fields: dict[int, bytes]):
    b = bytearray()
    write_tagged_fields(b, {}, fields)
    assert read_tagged_fields(memoryview(b), 0) == (fields or None, len(b))


def test_tagged_fields_are_written_in_order_of_their_tags():
    b = bytearray()
    write_tagged_fields(b, {3: b"c"}, {7: b"g", 1: b"a"})
    assert b == bytes.fromhex("03 01 01 61 03 01 63 07 01 67")


def test_a_tag_cannot_be_both_known_and_raw():
    with pytest.raises(ValueError, match="both"):
        write_tagged_fields(bytearray(), {1: b""}, {1: b""})


@pytest.mark.parametrize("raw", ["01", "0105", "010503aa", "0105ffffffff0f"])
def test_broken_tagged_fields_do_not_read(raw: str):
    with pytest.raises((MalformedMessage, IndexError)):
        read_tagged_fields(memoryview(bytes.fromhex(raw)), 0)


def test_the_uuid_of_known_bytes():
    assert to_uuid(bytes(range(16))) == UUID("00010203-0405-0607-0809-0a0b0c0d0e0f")
