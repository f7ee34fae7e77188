"""Frames and headers: what stands before every request and every response.

    request    0  int32   size of what follows
               4  int16   api key
               6  int16   api version
               8  int32   correlation id
              12  string  client id, nullable, int16 length in every version   (header versions 1 and 2)
               .  tagged fields                                                (header version 2)
    response   0  int32   size of what follows
               4  int32   correlation id
               8  tagged fields                                                (header version 1)

The header's version follows from the API and its version: flexible ones have tagged fields. Two
exceptions: ControlledShutdown 0 has no client id, and an ApiVersions response never has tagged fields,
because a client must read it before it knows what the broker speaks.

Source: KIP-482, KIP-511; Kafka's RequestHeader, ApiMessageType.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

from odradek.errors import MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.index import APIS
from odradek.protocol.message import Chunk, Message
from odradek.protocol.primitives import TaggedFields, bad_length, read_tagged_fields, write_tagged_fields

_FIXED = Struct(">hhi")
_REQUEST = Struct(">hhih")
_SIZE_AND_CORRELATION = Struct(">ii")
_FLEXIBLE_FROM = {key: api.flexible_from for key, api in APIS.items()}
# Plain numbers: reading a member of an enum takes longer than comparing with it.
_CONTROLLED_SHUTDOWN = int(ApiKey.CONTROLLED_SHUTDOWN)
_API_VERSIONS = int(ApiKey.API_VERSIONS)


class RequestHeader(NamedTuple):
    """What a request says about itself. A null client id is the empty string, as in Kafka."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str
    tagged: TaggedFields | None = None


def request_header_version(api_key: int, api_version: int) -> int:
    """0, 1 or 2. Raises KeyError for an unknown API; versions it never had count by the rule of the rest."""
    if api_key == _CONTROLLED_SHUTDOWN and api_version == 0:
        return 0
    return 2 if api_version >= _FLEXIBLE_FROM[api_key] else 1


def response_header_version(api_key: int, api_version: int) -> int:
    """0 or 1. Raises KeyError for an unknown API."""
    if api_key == _API_VERSIONS:
        return 0
    return 1 if api_version >= _FLEXIBLE_FROM[api_key] else 0


def decode_request_header(frame: memoryview) -> tuple[RequestHeader, int]:
    """Read the header of a frame without its size prefix; also returns where the body begins.

    Raises MalformedMessage when the API is unknown or the header does not fit.
    """
    try:
        api_key, api_version, correlation_id, length = _REQUEST.unpack_from(frame)
    except struct_error:
        return _decode_shortest(frame)
    flexible_from = _FLEXIBLE_FROM.get(api_key)
    if flexible_from is None:
        raise MalformedMessage(f"unknown API key {api_key}")
    if api_version == 0 and api_key == _CONTROLLED_SHUTDOWN:
        return _decode_shortest(frame)
    at = _REQUEST.size
    client_id = ""
    if length > 0:
        at += length
        if at > len(frame):
            raise bad_length("ClientId", length, len(frame) - _REQUEST.size)
        client_id = frame[_REQUEST.size : at].tobytes().decode("utf-8", "java")
    if api_version < flexible_from:
        return RequestHeader(api_key, api_version, correlation_id, client_id), at
    try:
        if frame[at] == 0:
            return RequestHeader(api_key, api_version, correlation_id, client_id), at + 1
        tagged, at = read_tagged_fields(frame, at)
    except IndexError:
        raise MalformedMessage("request ends in its header") from None
    return RequestHeader(api_key, api_version, correlation_id, client_id, tagged), at


def _decode_shortest(frame: memoryview) -> tuple[RequestHeader, int]:
    """Read the header without a client id that ControlledShutdown 0 has; anything else is too short."""
    try:
        api_key, api_version, correlation_id = _FIXED.unpack_from(frame)
    except struct_error:
        raise MalformedMessage("request ends in its header") from None
    if (api_key, api_version) != (_CONTROLLED_SHUTDOWN, 0):
        raise MalformedMessage("request ends in its header")
    return RequestHeader(api_key, api_version, correlation_id, ""), _FIXED.size


def encode_request_frame(header: RequestHeader, body: Message) -> list[Chunk]:
    """A whole frame, size prefix included, as chunks to send in order; `header` decides the version."""
    version = request_header_version(header.api_key, header.api_version)
    head = bytearray(4)
    head += _FIXED.pack(header.api_key, header.api_version, header.correlation_id)
    if version >= 1:
        client_id = header.client_id.encode()
        head += len(client_id).to_bytes(2, "big")
        head += client_id
    if version >= 2:
        write_tagged_fields(head, {}, header.tagged)
    frame = _join(head, body, header.api_version)
    head[:4] = (sum(map(len, frame)) - 4).to_bytes(4, "big")
    return frame


def encode_response_frame(
    api_key: int, api_version: int, correlation_id: int, body: Message, *, header_version: int | None = None
) -> list[Chunk]:
    """A whole frame, size prefix included, as chunks to send in order.

    `api_version` is the version of the body. Chunks of records are those of the body, untouched; only
    their sizes are counted. `header_version` overrides what `response_header_version` says.
    """
    version = response_header_version(api_key, api_version) if header_version is None else header_version
    head = bytearray(8)
    if version:
        head.append(0)
    frame = _join(head, body, api_version)
    _SIZE_AND_CORRELATION.pack_into(head, 0, sum(map(len, frame)) - 4, correlation_id)
    return frame


def _join(head: bytearray, body: Message, api_version: int) -> list[Chunk]:
    """The chunks of the body behind the head, which takes in the first: one chunk where no records are."""
    frame: list[Chunk] = []
    body.encode_into(api_version, frame)
    if frame and isinstance(frame[0], bytearray):
        head += frame[0]
        frame[0] = head
    else:
        frame.insert(0, head)
    return frame


def decode_response_header(frame: memoryview, api_key: int, api_version: int) -> tuple[int, int]:
    """Read the header of a frame without its size prefix: the correlation id, and where the body begins.

    Raises MalformedMessage when the header does not fit.
    """
    try:
        correlation_id = int.from_bytes(frame[:4], "big", signed=True)
        at = 4
        if response_header_version(api_key, api_version):
            _, at = read_tagged_fields(frame, at)
        elif len(frame) < at:
            raise IndexError
        return correlation_id, at
    except IndexError:
        raise MalformedMessage("response ends in its header") from None
