"""What two real Kafka 3.9.2 brokers in ZooKeeper mode said to each other, read and written again.

`between_brokers.json` holds frames without their sizes, heard by a proxy of `compat.cluster` while a cluster
made, changed and deleted topics, lost and regained brokers, elected and reassigned.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from odradek.protocol.api_keys import ApiKey
from odradek.protocol.headers import (
    decode_request_header,
    decode_response_header,
    encode_request_frame,
    encode_response_frame,
)
from odradek.protocol.messages import request_class, response_class

HEARD = json.loads(Path(__file__).with_name("between_brokers.json").read_text())
SPOKEN = {
    ApiKey.FETCH: 17,
    ApiKey.LEADER_AND_ISR: 7,
    ApiKey.STOP_REPLICA: 4,
    ApiKey.UPDATE_METADATA: 8,
    ApiKey.CONTROLLED_SHUTDOWN: 3,
    ApiKey.API_VERSIONS: 4,
    ApiKey.ALTER_PARTITION: 3,
    ApiKey.ALLOCATE_PRODUCER_IDS: 0,
}
"""The version of each API that 3.9.2 speaks to another 3.9.2."""


def joined(chunks: list[Any]) -> bytes:
    """A frame without its size."""
    return b"".join(chunks)[4:]


@pytest.mark.parametrize("exchange", HEARD, ids=[exchange["api"] for exchange in HEARD])
def test_a_frame_is_written_as_it_was_read(exchange):
    frame = memoryview(bytes.fromhex(exchange["request"]))
    header, at = decode_request_header(frame)
    request = request_class(header.api_key).decode(header.api_version, frame, at)
    assert joined(encode_request_frame(header, request)) == frame
    answer = memoryview(bytes.fromhex(exchange["response"]))
    correlation_id, at = decode_response_header(answer, header.api_key, header.api_version)
    assert correlation_id == header.correlation_id
    response = response_class(header.api_key).decode(header.api_version, answer, at)
    again = encode_response_frame(header.api_key, header.api_version, correlation_id, response)
    assert joined(again) == answer


def test_brokers_speak_these_versions():
    headers = [decode_request_header(memoryview(bytes.fromhex(each["request"])))[0] for each in HEARD]
    assert {header.api_key: header.api_version for header in headers} == SPOKEN
