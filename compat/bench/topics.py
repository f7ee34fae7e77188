"""Topics for the loads, made and removed over the same raw connection as the loads."""

from __future__ import annotations

import time

from compat.bench.load import connect, frame, read_frame
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.create_topics_response import CreateTopicsResponse
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.metadata_response import MetadataResponse

CREATE_KEY, CREATE_VERSION = 19, 5
DELETE_KEY, DELETE_VERSION = 20, 6
METADATA_KEY, METADATA_VERSION = 3, 9
HEADER_BYTES = 5
LEADER_TIMEOUT_S = 30


def create_topic(address: tuple[str, int], name: str, partitions: int = 1) -> None:
    """Create and wait until every partition has a leader; raises RuntimeError with Kafka's error code."""
    request = CreateTopicsRequest(
        topics=[CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)], timeout_ms=30_000
    )
    answer = _ask(address, CREATE_KEY, CREATE_VERSION, request.to_bytes(CREATE_VERSION))
    code = CreateTopicsResponse.decode(CREATE_VERSION, answer, HEADER_BYTES).topics[0].error_code
    if code:
        raise RuntimeError(f"creating {name} answered error code {code}")
    metadata = MetadataRequest(topics=[MetadataRequestTopic(name=name)])
    deadline = time.monotonic() + LEADER_TIMEOUT_S
    while True:
        answer = _ask(address, METADATA_KEY, METADATA_VERSION, metadata.to_bytes(METADATA_VERSION))
        topic = MetadataResponse.decode(METADATA_VERSION, answer, HEADER_BYTES).topics[0]
        if len(topic.partitions) == partitions and not any(p.error_code for p in topic.partitions):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} has no leader")


def delete_topic(address: tuple[str, int], name: str) -> None:
    """Delete; the files go later, as the broker's file.delete.delay.ms says."""
    request = DeleteTopicsRequest(topics=[DeleteTopicState(name=name)], timeout_ms=30_000)
    _ask(address, DELETE_KEY, DELETE_VERSION, request.to_bytes(DELETE_VERSION))


def _ask(address: tuple[str, int], key: int, version: int, body: bytes) -> memoryview:
    with connect(address) as sock:
        sock.sendall(frame(key, version, body))
        return read_frame(sock, bytearray(1 << 16))
