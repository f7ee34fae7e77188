"""Messages of magic 0 and 1: wrappers that break the rules, and those that clients break them with."""

import pytest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import PREFIX, read_header
from odradek.records.compression import Compression, TakesLong, compress
from odradek.records.legacy import Message, read_messages, write_message_set

MESSAGES = [Message(offset, offset, b"k", b"v") for offset in (5, 6, 8)]


def wrapped(offset: int, *, magic: int = 1) -> bytearray:
    """A compressed set whose wrapper claims `offset`."""
    wrapper = write_message_set(MESSAGES, magic=magic, compression=Compression.GZIP)
    PREFIX.pack_into(wrapper, 0, offset, len(wrapper) - PREFIX.size)
    return wrapper


def wrapper_of(value: bytes | bytearray | None) -> bytearray:
    """A wrapper at offset 3 around anything."""
    content = None if value is None else compress(Compression.SNAPPY, value)
    entry = write_message_set([Message(3, 0, None, content)], magic=1)
    entry[17] = Compression.SNAPPY
    return entry


def read(entry: bytearray) -> list[int]:
    return [message.offset for message in read_messages(entry, read_header(entry))]


def test_inner_offsets_count_from_the_wrappers_last():
    assert read(wrapped(8)) == [5, 6, 8]
    assert read(wrapped(108)) == [105, 106, 108]


def test_old_librdkafka_wrappers_have_offset_0():
    assert read(wrapped(0)) == [0, 1, 3]


def test_wrappers_of_magic_0_hold_absolute_offsets():
    assert read(wrapped(108, magic=0)) == [5, 6, 8]


def test_a_wrapper_before_its_messages_is_refused():
    with pytest.raises(KafkaError, match="wrapper offset '2' is less than") as refused:
        read(wrapped(2))
    assert refused.value.code == ErrorCode.INVALID_RECORD


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "Found invalid compressed record set with null value"),
        (write_message_set(MESSAGES, magic=0), "Compressed message magic 0 does not match wrapper magic 1"),
        (wrapped(8), "Inner messages must not be compressed"),
        (b"", "Found invalid compressed record set with no inner records"),
    ],
)
def test_what_a_wrapper_may_not_hold(value, reason):
    with pytest.raises(KafkaError, match=reason) as refused:
        read(wrapper_of(value))
    assert refused.value.code == ErrorCode.INVALID_RECORD


def test_inner_checksums_are_checked():
    inner = write_message_set(MESSAGES, magic=1)
    inner[-1] ^= 1
    with pytest.raises(KafkaError, match="Record is corrupt") as refused:
        read(wrapper_of(inner))
    assert refused.value.code == ErrorCode.CORRUPT_MESSAGE


def test_a_wrapper_of_too_many_messages_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr("odradek.records.legacy.MAX_RECORDS", 2)
    three = write_message_set([Message(offset, 0, None, b"") for offset in range(3)], magic=1)
    assert len(read(wrapper_of(three[: len(three) * 2 // 3]))) == 2
    with pytest.raises(TakesLong):
        read(wrapper_of(three))
