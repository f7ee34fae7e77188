import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.protocol_facts import protocol_facts
from odradek.errors import MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.api_versions_request import ApiVersionsRequest
from odradek.protocol.generated.api_versions_response import ApiVersionsResponse
from odradek.protocol.generated.controlled_shutdown_request import ControlledShutdownRequest
from odradek.protocol.generated.fetch_response import FetchableTopicResponse, FetchResponse, PartitionData
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.heartbeat_response import HeartbeatResponse
from odradek.protocol.generated.index import APIS
from odradek.protocol.headers import (
    RequestHeader,
    decode_request_header,
    decode_response_header,
    encode_request_frame,
    encode_response_frame,
    request_header_version,
    response_header_version,
)
from odradek.protocol.message import Chunk, Message


def joined(frame: list[Chunk]) -> memoryview:
    return memoryview(b"".join(bytes(chunk) for chunk in frame))  # type: ignore[arg-type]


def test_a_request_header_without_tagged_fields():
    frame = memoryview(bytes.fromhex("000c 0003 00000007 0003 636c69 ff"))
    assert decode_request_header(frame) == (RequestHeader(ApiKey.HEARTBEAT, 3, 7, "cli"), 13)


def test_a_request_header_with_tagged_fields_keeps_them():
    frame = memoryview(bytes.fromhex("000c 0004 00000007 0003 636c69 01 05 02 abcd ff"))
    header, body = decode_request_header(frame)
    assert header.tagged == {5: b"\xab\xcd"}
    assert body == len(frame) - 1


def test_a_null_client_id_is_empty():
    header, body = decode_request_header(memoryview(bytes.fromhex("000c 0003 00000007 ffff")))
    assert header.client_id == ""
    assert body == 10


def test_controlled_shutdown_0_has_no_client_id():
    header = RequestHeader(ApiKey.CONTROLLED_SHUTDOWN, 0, 7, "")
    frame = joined(encode_request_frame(header, ControlledShutdownRequest(broker_id=1)))
    assert bytes(frame) == bytes.fromhex("0000000c 0007 0000 00000007 00000001")
    assert decode_request_header(frame[4:]) == (header, 8)


def test_the_header_of_a_future_api_versions_request_can_be_read():
    frame = memoryview(bytes.fromhex("0012 7fff 00000001 0001 61 00"))
    header, _ = decode_request_header(frame)
    assert header == RequestHeader(ApiKey.API_VERSIONS, 0x7FFF, 1, "a")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "000c",
        "000c 0003 00000007",
        "000c 0003 00000007 0003 6363",
        "000c 0004 00000007 0001 63",
        "000c 0004 00000007 0001 63 01 05 7f",
        "7fff 0000 00000007 0000",
        "ffff 0000 00000007 0000",
    ],
)
def test_a_broken_header_is_malformed(frame: str):
    with pytest.raises(MalformedMessage):
        decode_request_header(memoryview(bytes.fromhex(frame)))


@given(
    st.sampled_from([(ApiKey.HEARTBEAT, v, HeartbeatRequest()) for v in (0, 3, 4)])
    | st.sampled_from([(ApiKey.API_VERSIONS, v, ApiVersionsRequest()) for v in (0, 3, 4)]),
    st.integers(-(2**31), 2**31 - 1),
    st.text(st.characters(codec="utf-8"), max_size=50),
)
def test_a_request_frame_reads_back(api: tuple[ApiKey, int, Message], correlation_id: int, client_id: str):
    key, version, body = api
    header = RequestHeader(key, version, correlation_id, client_id)
    frame = joined(encode_request_frame(header, body))
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    found, at = decode_request_header(frame[4:])
    assert found == header
    assert type(body).decode(version, frame[4:], at) == body


def test_a_response_frame():
    frame = joined(encode_response_frame(ApiKey.HEARTBEAT, 4, 7, HeartbeatResponse(error_code=16)))
    assert bytes(frame) == bytes.fromhex("0000000c 00000007 00 00000000 0010 00")
    assert decode_response_header(frame[4:], ApiKey.HEARTBEAT, 4) == (7, 5)


def test_a_frame_without_records_is_one_chunk():
    assert len(encode_response_frame(ApiKey.HEARTBEAT, 4, 7, HeartbeatResponse())) == 1
    assert len(encode_request_frame(RequestHeader(ApiKey.HEARTBEAT, 4, 7, ""), HeartbeatRequest("g"))) == 1


def test_an_api_versions_response_never_has_tagged_fields_in_its_header():
    frame = joined(encode_response_frame(ApiKey.API_VERSIONS, 3, 7, ApiVersionsResponse(error_code=35)))
    assert bytes(frame[4:10]) == bytes.fromhex("00000007 0023")
    assert decode_response_header(frame[4:], ApiKey.API_VERSIONS, 3) == (7, 4)


@pytest.mark.parametrize("frame", ["", "000000", "00000007"])
def test_a_broken_response_header_is_malformed(frame: str):
    with pytest.raises(MalformedMessage):
        decode_response_header(memoryview(bytes.fromhex(frame)), ApiKey.HEARTBEAT, 4)


class Region:
    """Bytes in a file, as far as an encoder can tell."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes

    def __len__(self) -> int:
        return self._size_bytes


def test_records_travel_as_their_own_chunk_and_count():
    region = Region(1_000_000)
    partition = PartitionData(partition_index=0, records=region)
    body = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[partition])])
    frame = encode_response_frame(ApiKey.FETCH, 12, 1, body)
    assert any(chunk is region for chunk in frame)
    head = frame[0]
    assert isinstance(head, bytearray)
    assert int.from_bytes(head[:4], "big") == sum(map(len, frame)) - 4


@pytest.mark.oracle
@pytest.mark.parametrize("release", ["3.9.2", "4.3.0"])
def test_header_versions_are_those_of_kafka(release: str):
    for key, version, request, response in protocol_facts(release)["header"]:
        assert request_header_version(int(key), int(version)) == int(request)
        assert response_header_version(int(key), int(version)) == int(response)


def test_every_api_has_header_versions():
    for key, entry in APIS.items():
        for version in range(entry.min_version, entry.max_version + 1):
            assert request_header_version(key, version) in (0, 1, 2)
