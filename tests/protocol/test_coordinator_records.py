import pytest

from odradek.errors import MalformedMessage
from odradek.protocol.coordinator_records import (
    decode_key,
    decode_versioned,
    encode_key,
    encode_versioned,
)
from odradek.protocol.generated.group_metadata_key import GroupMetadataKey
from odradek.protocol.generated.offset_commit_key import OffsetCommitKey
from odradek.protocol.generated.offset_commit_value import OffsetCommitValue
from odradek.protocol.generated.producer_snapshot import ProducerEntry, ProducerSnapshot


def test_a_key_stands_behind_its_type():
    raw = encode_key(OffsetCommitKey(group="g", topic="t", partition=3))
    assert raw == bytes.fromhex("0001 0001 67 0001 74 00000003")
    assert decode_key(OffsetCommitKey, memoryview(raw)) == OffsetCommitKey("g", "t", 3)


def test_a_value_stands_behind_its_version():
    value = OffsetCommitValue(offset=5, leader_epoch=2, metadata="m", commit_timestamp=9)
    raw = encode_versioned(value, 3)
    assert raw[:2] == b"\x00\x03"
    assert decode_versioned(OffsetCommitValue, memoryview(raw)) == value


def test_group_metadata_has_type_2():
    assert encode_key(GroupMetadataKey(group="g")) == bytes.fromhex("0002 0001 67")


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x7f\xff\x00"])
def test_a_value_of_unknown_version_is_malformed(raw: bytes):
    with pytest.raises(MalformedMessage):
        decode_versioned(OffsetCommitValue, memoryview(raw))


def test_a_producer_snapshot_has_its_version_in_front():
    entry = ProducerEntry(producer_id=1, epoch=2, last_sequence=3)
    snapshot = ProducerSnapshot(crc=7, producer_entries=[entry])
    raw = encode_versioned(snapshot, 1)
    assert raw[:6] == bytes.fromhex("0001 00000007")
    assert decode_versioned(ProducerSnapshot, memoryview(raw)) == snapshot
