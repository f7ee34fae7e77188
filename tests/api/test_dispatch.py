"""Frames become calls, answers become frames; what is no request, or not enabled, is told apart."""

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from odradek import telemetry
from odradek.api import dispatch
from odradek.api.api import Api, ConnectionEnded, Versions
from odradek.api.context import Peer, RequestContext, Services
from odradek.api.dispatch import Call, Dispatcher
from odradek.api.registry import load
from odradek.config.release import Release
from odradek.coordination.store import StoreUnavailable
from odradek.errors import KafkaError, MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.api_versions_response import ApiVersionsResponse
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.heartbeat_response import HeartbeatResponse
from odradek.protocol.headers import RequestHeader, decode_response_header, encode_request_frame
from odradek.protocol.message import Chunk, Message

Behaviour = Callable[[HeartbeatRequest, RequestContext], Any]


@pytest.fixture
def heartbeat(monkeypatch: pytest.MonkeyPatch) -> Api[HeartbeatRequest]:
    """Heartbeat's declaration, with a handler of this test's own in its place."""
    api = Api(key=ApiKey.HEARTBEAT, versions=Versions(0, 4), request=HeartbeatRequest)
    monkeypatch.setattr(dispatch, "load", lambda key: api if key is ApiKey.HEARTBEAT else load(key))
    return api


def dispatcher(release: str = "3.9") -> Dispatcher:
    return Dispatcher(cast(Services, SimpleNamespace(release=Release.parse(release))))


def receive(frame: bytes, release: str = "3.9") -> Call:
    peer = Peer("c", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 1)
    return dispatcher(release).receive(memoryview(frame), peer)


def request(version: int, body: Message | None = None, client_id: str = "client") -> bytes:
    """A whole request without its size prefix."""
    header = RequestHeader(ApiKey.HEARTBEAT, version, 77, client_id)
    chunks = encode_request_frame(header, body or HeartbeatRequest(group_id="g"))
    return b"".join(cast("list[bytes]", chunks))[4:]


async def answered(frame: bytes) -> list[Chunk] | None:
    call = receive(frame)
    return await call.finish(call.start())


def read(chunks: list[Chunk] | None, version: int) -> HeartbeatResponse:
    frame = b"".join(cast("list[bytes]", chunks))
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    correlation_id, at = decode_response_header(memoryview(frame)[4:], ApiKey.HEARTBEAT, version)
    assert correlation_id == 77
    return HeartbeatResponse.decode(version, memoryview(frame)[4:], at)


@pytest.mark.parametrize("version", range(5))
@pytest.mark.parametrize("client_id", ["", "client", "ünïcode"])
async def test_a_request_reaches_its_handler_and_the_answer_its_frame(
    heartbeat: Api[HeartbeatRequest], version: int, client_id: str
) -> None:
    seen: list[tuple[str, int, int, str]] = []

    @heartbeat.handler
    async def handle(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse:
        seen.append((request.group_id, ctx.api_version, ctx.correlation_id, ctx.client_id))
        return HeartbeatResponse(error_code=25)

    frame = request(version, HeartbeatRequest(group_id="g"), client_id)
    assert read(await answered(frame), version).error_code == 25
    assert seen == [("g", version, 77, client_id)]


async def test_a_handler_need_not_be_async_and_need_not_answer(heartbeat: Api[HeartbeatRequest]) -> None:
    heartbeat.handler(lambda request, ctx: HeartbeatResponse(error_code=3))
    assert read(await answered(request(4)), 4).error_code == 3
    heartbeat.handler(lambda request, ctx: None)
    assert await answered(request(4)) is None


async def test_a_null_client_id_is_empty_whatever_its_length_says() -> None:
    for length in (-1, -2, -32768):
        frame = struct.pack(">hhih", ApiKey.HEARTBEAT, 0, 1, length) + HeartbeatRequest().to_bytes(0)
        assert receive(frame).ctx.client_id == ""


def test_tagged_fields_of_a_header_are_passed_over() -> None:
    head = struct.pack(">hhihc", ApiKey.HEARTBEAT, 4, 1, 1, b"c")
    tagged = b"\x02" + b"\x00\x01x" + b"\x85\x01\x03abc"
    call = receive(head + tagged + HeartbeatRequest(group_id="g").to_bytes(4))
    assert call.request == HeartbeatRequest(group_id="g")


def test_bytes_behind_a_request_are_ignored() -> None:
    assert receive(request(4) + b"junk").request == HeartbeatRequest(group_id="g")


@pytest.mark.parametrize("size", range(len(request(4))))
def test_a_request_cut_short_is_none(size: int) -> None:
    with pytest.raises(MalformedMessage):
        receive(request(4)[:size])


@pytest.mark.parametrize(
    ("release", "key", "version", "named"),
    [
        ("3.9", 999, 0, "999"),
        ("3.9", -1, 0, "-1"),
        ("3.9", ApiKey.METADATA, 13, "METADATA"),
        ("3.9", ApiKey.METADATA, -1, "METADATA"),
        ("3.9", ApiKey.DESCRIBE_TOPIC_PARTITIONS, 0, "75"),
        ("4.3", ApiKey.PRODUCE, 2, "PRODUCE"),
        ("2.8", ApiKey.FETCH, 13, "FETCH"),
    ],
)
def test_what_the_release_does_not_have_is_refused(release: str, key: int, version: int, named: str) -> None:
    with pytest.raises(MalformedMessage) as refused:
        receive(struct.pack(">hhih", key, version, 1, 0) + bytes(100), release)
    assert (
        str(refused.value) == f"Received request api key {named} with version {version} which is not enabled"
    )


@pytest.mark.parametrize("version", [-1, 5, 99])
async def test_api_versions_is_answered_at_version_0_whatever_its_version(version: int) -> None:
    # The bytes that 3.9.2 and 4.3.0 sent back.
    frame = struct.pack(">hhih", ApiKey.API_VERSIONS, version, 7, 0) + b"\0"
    expected = bytes.fromhex("00000010 00000007 0023 00000001 0012 0000 0004".replace(" ", ""))
    assert b"".join(cast("list[bytes]", await answered(frame))) == expected


async def test_an_api_versions_response_has_no_tagged_fields_in_its_header() -> None:
    body = b"\x02a\x021\x00"
    frame = struct.pack(">hhih", ApiKey.API_VERSIONS, 3, 7, 0) + b"\0" + body
    answer = b"".join(cast("list[bytes]", await answered(frame)))
    assert ApiVersionsResponse.decode(3, memoryview(answer), 8).error_code == ErrorCode.NONE


async def test_a_handlers_bug_is_answered_and_logged(
    heartbeat: Api[HeartbeatRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[tuple[Any, ...]] = []
    monkeypatch.setattr(telemetry.loggers, "output", lambda *line: lines.append(line))

    @heartbeat.handler
    async def handle(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse:
        raise ZeroDivisionError("a bug")

    assert read(await answered(request(1)), 1).error_code == ErrorCode.UNKNOWN_SERVER_ERROR
    ((level, _, event, fields),) = lines
    assert (level.name, event) == ("ERROR", "Unexpected error handling a request")
    assert (fields["api"], fields["api_version"], fields["client_id"]) == ("HEARTBEAT", 1, "client")
    assert isinstance(fields["exc_info"], ZeroDivisionError)


async def test_a_kafka_error_that_comes_out_of_a_handler_is_its_answer(
    heartbeat: Api[HeartbeatRequest],
) -> None:
    @heartbeat.handler
    def handle(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse:
        raise KafkaError(ErrorCode.NOT_COORDINATOR)

    assert read(await answered(request(1)), 1).error_code == ErrorCode.NOT_COORDINATOR


async def test_a_store_that_cannot_write_is_a_storage_error(heartbeat: Api[HeartbeatRequest]) -> None:
    @heartbeat.handler
    async def handle(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse:
        raise StoreUnavailable("/brokers")

    assert read(await answered(request(1)), 1).error_code == ErrorCode.KAFKA_STORAGE_ERROR


async def test_an_answer_that_cannot_be_written_is_a_bug_too(heartbeat: Api[HeartbeatRequest]) -> None:
    heartbeat.handler(lambda request, ctx: HeartbeatResponse(error_code=cast(int, "no number")))
    assert read(await answered(request(1)), 1).error_code == ErrorCode.UNKNOWN_SERVER_ERROR


async def test_what_cannot_be_answered_ends_the_connection(heartbeat: Api[HeartbeatRequest]) -> None:
    @heartbeat.handler
    async def handle(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse:
        raise ZeroDivisionError("a bug")

    heartbeat.refusal(lambda request, ctx, code: None)
    with pytest.raises(ConnectionEnded):
        await answered(request(1))


async def test_a_handler_can_end_the_connection(heartbeat: Api[HeartbeatRequest]) -> None:
    @heartbeat.handler
    def handle(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse:
        raise ConnectionEnded("told to")

    with pytest.raises(ConnectionEnded, match="told to"):
        receive(request(1)).start()
