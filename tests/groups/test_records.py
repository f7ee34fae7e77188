"""The bytes are Kafka's: read from the __consumer_offsets of a 3.9.2 and a 4.3.0 broker."""

import pytest

from odradek.errors import MalformedMessage
from odradek.groups import records
from odradek.groups.records import GroupKey, OffsetKey
from odradek.groups.stored import CommittedOffset, StoredGroup, StoredMember
from odradek.metadata.topic_partition import TopicPartition
from tests.groups.driver import subscription

OFFSET_KEY = b"\x00\x01\x00\x06golden\x00\x01t\x00\x00\x00\x01"
GROUP_KEY = b"\x00\x02\x00\x06golden"

OFFSET_3 = b"\x00\x03\x00\x00\x00\x00\x00\x00\x00*\x00\x00\x00\x03\x00\x04meta\x00\x00\x01\xa2\x04\x0cGx"
OFFSET_1 = (
    b"\x00\x01\x00\x00\x00\x00\x00\x00\x00*\x00\x04meta"
    b"\x00\x00\x01\xa2\x04\x0cG\x99\x00\x00\x01\xa2\x04\x0cK\x81"
)
OFFSET_4 = (
    b"\x00\x04\x00\x00\x00\x00\x00\x00\x00*\x00\x00\x00\x03\x05meta"
    b"\x00\x00\x01\xa2\x04\x0cZ\xd3\x01\x00\x10G\xe7@\xeb\x01\x03F\x05\xaa7\x1b\xa1Pz\xbbf"
)
MEMBER_ID = "one-27f52389-42bc-4f94-8ec0-62f71238c89c"
GROUP_3 = (
    b"\x00\x03\x00\x08consumer\x00\x00\x00\x01\x00\x05range\x00(one-27f52389-42bc-4f94-8ec0-62f71238c89c"
    b"\x00\x00\x01\xa2\x04\x0cG\xa6\x00\x00\x00\x01\x00(one-27f52389-42bc-4f94-8ec0-62f71238c89c"
    b"\x00\x03one\x00\x06client\x00\n/127.0.0.1\x00\x00u0\x00\x00u0"
    b"\x00\x00\x00\r\x00\x00\x00\x00\x00\x01\x00\x01t\xff\xff\xff\xff\x00\x00\x00\x03all"
)
EMPTY_GROUP_3 = (
    b"\x00\x03\x00\x08consumer\x00\x00\x00\x02\xff\xff\xff\xff\x00\x00\x01\xa2\x04\x0cG\xbb\x00\x00\x00\x00"
)

COMMIT_MS = 0x01A2040C4778
GROUP = StoredGroup(
    "consumer",
    1,
    "range",
    MEMBER_ID,
    0x01A2040C47A6,
    (StoredMember(MEMBER_ID, "one", "client", "/127.0.0.1", 30_000, 30_000, subscription("t"), b"all"),),
)
EMPTY_GROUP = StoredGroup("consumer", 2, None, None, 0x01A2040C47BB, ())


def test_keys():
    partition = TopicPartition("t", 1)
    assert records.read_key(OFFSET_KEY) == OffsetKey("golden", partition)
    assert records.read_key(b"\0\0" + OFFSET_KEY[2:]) == OffsetKey("golden", partition)
    assert records.read_key(GROUP_KEY) == GroupKey("golden")
    assert records.offset_tombstone("golden", partition) == (OFFSET_KEY, None)
    assert records.group_tombstone("golden") == (GROUP_KEY, None)


def test_keys_of_newer_kinds_of_group_are_not_ours():
    assert records.read_key(b"\x00\x03\x00\x06golden") is None


def test_a_key_without_a_kind_is_malformed():
    with pytest.raises(MalformedMessage):
        records.read_key(b"\x00")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (OFFSET_3, CommittedOffset(42, 3, "meta", COMMIT_MS)),
        (OFFSET_1, CommittedOffset(42, -1, "meta", 0x01A2040C4799, 0x01A2040C4B81)),
    ],
)
def test_commits_as_3_9_writes_them(value: bytes, expected: CommittedOffset):
    assert records.read_offset(value, -1) == expected
    assert records.offset_record("golden", TopicPartition("t", 1), expected) == (OFFSET_KEY, value)


def test_a_commit_as_4_3_writes_it():
    assert records.read_offset(OFFSET_4, 7) == CommittedOffset(42, 3, "meta", 0x01A2040C5AD3, batch_offset=7)


@pytest.mark.parametrize(("value", "expected"), [(GROUP_3, GROUP), (EMPTY_GROUP_3, EMPTY_GROUP)])
def test_generations_as_3_9_writes_them(value: bytes, expected: StoredGroup):
    assert records.read_group(value) == expected
    assert records.group_record("golden", expected) == (GROUP_KEY, value)


def test_tombstones():
    assert records.read_offset(None, 0) is None
    assert records.read_group(None) is None
