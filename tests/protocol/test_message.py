"""The rules that every generated message follows, shown on a few of them."""

from __future__ import annotations

import pytest

from odradek.errors import MalformedMessage
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.fetch_request import FetchRequest, ReplicaState
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.primitives import UnsupportedVersion


def produce(records: object) -> ProduceRequest:
    partition = PartitionProduceData(index=1, records=records)  # type: ignore[arg-type]
    return ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=[partition])])


def test_defaults_are_those_of_kafka():
    request = FetchRequest()
    assert (request.replica_id, request.max_bytes, request.session_epoch) == (-1, 0x7FFFFFFF, -1)
    assert request.cluster_id is None
    assert request.replica_state == ReplicaState(replica_id=-1, replica_epoch=-1)


def test_mutable_defaults_are_not_shared():
    FetchRequest().topics.append(None)  # type: ignore[arg-type]
    assert FetchRequest().topics == []


def test_null_differs_from_the_empty_array():
    assert MetadataRequest(topics=None).to_bytes(1) == b"\xff\xff\xff\xff"
    assert MetadataRequest(topics=[]).to_bytes(1) == b"\x00\x00\x00\x00"


def test_an_ignorable_field_is_dropped_where_the_version_lacks_it():
    with_rack = FetchRequest(max_wait_ms=1, rack_id="a")
    assert with_rack.to_bytes(10) == FetchRequest(max_wait_ms=1).to_bytes(10)


def test_another_field_with_a_value_is_refused_where_the_version_lacks_it():
    with pytest.raises(UnsupportedVersion, match="GroupInstanceId"):
        HeartbeatRequest(group_instance_id="i").to_bytes(2)


def test_null_is_refused_where_the_version_has_no_null():
    with pytest.raises(UnsupportedVersion, match="Topics"):
        MetadataRequest(topics=None).to_bytes(0)


def test_tagged_fields_are_refused_where_the_version_has_none():
    with pytest.raises(UnsupportedVersion, match="tagged fields"):
        HeartbeatRequest(tagged={1: b""}).to_bytes(3)


def test_a_version_that_never_was_is_refused():
    with pytest.raises(UnsupportedVersion):
        HeartbeatRequest().to_bytes(5)
    with pytest.raises(UnsupportedVersion):
        HeartbeatRequest.decode(5, memoryview(b""))


def test_records_are_a_slice_of_the_frame():
    frame = memoryview(bytearray(produce(b"abc").to_bytes(9)))
    records = ProduceRequest.decode(9, frame).topic_data[0].partition_data[0].records
    assert isinstance(records, memoryview)
    assert records.tobytes() == b"abc"
    records[0:1] = b"X"
    assert b"Xbc" in frame.tobytes()


def test_null_records_stay_null():
    frame = memoryview(produce(None).to_bytes(9))
    assert ProduceRequest.decode(9, frame).topic_data[0].partition_data[0].records is None


def test_bytes_behind_a_message_are_ignored_as_kafka_does():
    frame = memoryview(HeartbeatRequest("g").to_bytes(3) + b"more")
    assert HeartbeatRequest.decode(3, frame) == HeartbeatRequest("g")
    assert HeartbeatRequest.decode_from(3, frame) == (HeartbeatRequest("g"), len(frame) - 4)


def test_malformed_utf8_is_replaced_as_java_does():
    frame = memoryview(HeartbeatRequest("?").to_bytes(0).replace(b"?", b"\xff"))
    assert HeartbeatRequest.decode(0, frame).group_id == "\ufffd"


def test_a_string_that_may_not_be_null_is_malformed_when_it_is():
    with pytest.raises(MalformedMessage):
        HeartbeatRequest.decode(0, memoryview(bytes.fromhex("ffff 00000001 0000")))


@pytest.mark.parametrize(
    ("version", "raw"), [(3, "ffff ffff 00000000 ffffffff"), (9, "00 ffff 00000000 00 00")]
)
def test_an_array_that_may_not_be_null_is_malformed_when_it_is(version: int, raw: str):
    with pytest.raises(MalformedMessage, match="TopicData"):
        ProduceRequest.decode(version, memoryview(bytes.fromhex(raw)))


@pytest.mark.parametrize(("version", "raw"), [(3, "7fffffff"), (9, "ffffffff07")])
def test_a_count_that_cannot_fit_is_malformed_before_any_element_is_read(version: int, raw: str):
    nullable_id = "ffff" if version == 3 else "00"
    with pytest.raises(MalformedMessage, match="TopicData has count"):
        ProduceRequest.decode(version, memoryview(bytes.fromhex(f"{nullable_id} ffff 00000000 {raw} 0001")))


def test_a_known_tagged_field_with_its_default_is_not_written():
    assert FetchRequest(cluster_id=None).to_bytes(12)[-1] == 0
    assert FetchRequest.decode(12, memoryview(FetchRequest(cluster_id="c").to_bytes(12))).cluster_id == "c"


def test_a_tag_that_only_other_versions_know_is_refused_as_kafka_does():
    body = FetchRequest().to_bytes(12)[:-1] + bytes.fromhex("01 01 00")
    with pytest.raises(MalformedMessage, match="tag 1"):
        FetchRequest.decode(12, memoryview(body))


def test_equality_and_representation_go_by_the_fields():
    assert MetadataRequestTopic(name="a") == MetadataRequestTopic(name="a")
    assert MetadataRequestTopic(name="a") != MetadataRequestTopic(name="b")
    assert CreatableTopic(name="a") != MetadataRequestTopic(name="a")
    assert repr(CreateTopicsRequest(validate_only=True)) == (
        "CreateTopicsRequest(topics=[], timeout_ms=60000, validate_only=True)"
    )


def test_a_misspelt_field_is_an_error():
    with pytest.raises(AttributeError):
        HeartbeatRequest().group = "g"  # type: ignore[attr-defined]
