"""What a hostile client does with connections costs the others nothing: one broker process, many abuses."""

import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from compat.odradek import Odradek
from compat.oracle.ports import wait_until
from compat.wire import Request, Wire
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.metadata_request import MetadataRequest
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.records.builder import build_batch
from odradek.records.record import Record

pytestmark = pytest.mark.integration

TOPIC = "attacked"
SOON_S = 5
"""Within which another client is answered, whatever goes on: far more than it takes."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Odradek]:
    with Odradek() as running:
        with Wire(running.bootstrap) as wire:
            create(wire, TOPIC)
            for _ in range(20):
                produce(wire, TOPIC)
        yield running


def create(wire: Wire, topic: str) -> None:
    topics = [CreatableTopic(name=topic, num_partitions=1, replication_factor=1)]
    [created] = wire.send(CreateTopicsRequest(topics=topics, timeout_ms=10_000), version=5).topics
    assert created.error_code == 0


def produce(wire: Wire, topic: str) -> int:
    records = build_batch([Record(number, 0, None, bytes(1000), ()) for number in range(900)])
    data = PartitionProduceData(index=0, records=bytes(records))
    topics = [TopicProduceData(name=topic, partition_data=[data])]
    request = ProduceRequest(acks=-1, timeout_ms=5000, topic_data=topics)
    [answer] = wire.send(request, version=9).responses[0].partition_responses
    return int(answer.error_code)


def fetch(topic: str, offset: int, *, max_wait_ms: int = 0) -> FetchRequest:
    asked = FetchPartition(
        fetch_offset=offset, current_leader_epoch=-1, last_fetched_epoch=-1, partition_max_bytes=50 << 20
    )
    topics = [FetchTopic(topic=topic, partitions=[asked])]
    return FetchRequest(
        replica_id=-1,
        max_wait_ms=max_wait_ms,
        min_bytes=1,
        max_bytes=50 << 20,
        session_epoch=-1,
        topics=topics,
    )


def connect(broker: Odradek) -> socket.socket:
    host, _, port = broker.bootstrap.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=SOON_S)


def framed(request: Request, version: int) -> bytes:
    body = struct.pack(">hhih", request.API_KEY, version, 7, -1) + request.to_bytes(version)
    return struct.pack(">i", len(body)) + body


def assert_serves(broker: Odradek) -> None:
    with Wire(broker.bootstrap, timeout_s=SOON_S) as wire:
        assert wire.send(MetadataRequest(topics=None), version=4).controller_id == 0


def resident_bytes(broker: Odradek) -> int:
    return int(psutil.Process(broker.pid).memory_info().rss)


def test_a_promise_of_bytes_takes_no_memory(broker: Odradek):
    before = resident_bytes(broker)
    with ExitStack() as connections:
        for _ in range(50):
            liar = connections.enter_context(connect(broker))
            liar.sendall(struct.pack(">i", 100 << 20) + b"x")
        assert_serves(broker)
        assert resident_bytes(broker) - before < 32 << 20


def test_a_request_may_come_byte_by_byte(broker: Odradek):
    with connect(broker) as slow:
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(MetadataRequest(topics=[]), 4):
            slow.sendall(bytes([byte]))
        assert_serves(broker)
        assert len(slow.recv(4)) == 4


def test_whoever_does_not_read_gets_no_memory_for_it(broker: Odradek):
    before = resident_bytes(broker)
    with ExitStack() as connections:
        for _ in range(50):
            deaf = connections.enter_context(connect(broker))
            deaf.sendall(framed(fetch(TOPIC, 0), 11))
        pipelining = connections.enter_context(connect(broker))
        pipelining.settimeout(0.5)
        with pytest.raises(TimeoutError):
            pipelining.sendall(framed(MetadataRequest(topics=None), 4) * 500_000)
        assert_serves(broker)
        assert resident_bytes(broker) - before < 32 << 20


def test_an_answer_cut_short_by_a_reset_costs_nobody_else(broker: Odradek):
    for _ in range(20):
        with connect(broker) as rude:
            rude.sendall(framed(fetch(TOPIC, 0), 11))
            rude.recv(1000)
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert_serves(broker)


def test_idle_connections_take_little(broker: Odradek):
    before = resident_bytes(broker)
    with ExitStack() as connections:
        for _ in range(800):
            connections.enter_context(connect(broker))
        assert_serves(broker)
        assert resident_bytes(broker) - before < 40 << 20


def test_who_leaves_a_long_poll_leaves_nothing_behind(broker: Odradek):
    process = psutil.Process(broker.pid)
    before = process.num_fds()
    for _ in range(50):
        with connect(broker) as leaving:
            leaving.sendall(framed(fetch(TOPIC, 20 * 900, max_wait_ms=2**31 - 1), 11))
    assert wait_until(lambda: process.num_fds() <= before, timeout_s=SOON_S)


def test_nothing_of_it_was_unexpected(broker: Odradek):
    assert_serves(broker)
    assert "Unexpected error" not in broker.log_text()
    assert "Traceback" not in broker.log_text()


def test_sigterm_ends_it_in_time_whatever_its_clients_do():
    with Odradek() as busy, ExitStack() as connections:
        wire = connections.enter_context(Wire(busy.bootstrap))
        create(wire, TOPIC)
        for _ in range(5):
            assert produce(wire, TOPIC) == 0
        for number in range(20):
            offset, wait_ms = (0, 0) if number % 2 else (5 * 900, 2**31 - 1)
            client = connections.enter_context(connect(busy))
            client.sendall(framed(fetch(TOPIC, offset, max_wait_ms=wait_ms), 11))
        assert_serves(busy)
        started = time.monotonic()
        os.kill(busy.pid, signal.SIGTERM)
        assert wait_until(lambda: busy.returncode is not None, timeout_s=2 + SOON_S)
        assert busy.returncode == 0
        assert time.monotonic() - started < 2
