"""The raw load: requests encoded once and sent again and again, to measure the broker and not a client.

Knows sockets and bytes; knows nothing of which broker is at the other end.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.fetch_response import FetchResponse
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.produce_response import ProduceResponse
from odradek.records.batch import read_header
from odradek.records.builder import build_batch
from odradek.records.record import Record

PRODUCE_KEY, PRODUCE_VERSION = 0, 9
FETCH_KEY, FETCH_VERSION = 1, 12
RESPONSE_HEADER_BYTES = 5
"""Correlation id and an empty tag section: response header version 1."""


RECORD_OVERHEAD_BYTES = 12
"""At most, in a batch of up to 10,000 records without key and headers: lengths and deltas are varints."""


@dataclass(slots=True)
class Figures:
    """What one load did: wall seconds, payload bytes, requests, records, each round trip in seconds."""

    seconds: float
    payload_bytes: int
    requests: int
    records: int
    round_trips: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ProduceLoad:
    """Produce `total_bytes` of records of `record_bytes` each, in batches of about `batch_bytes`.

    `connections` run side by side, each with `in_flight` requests on the way; `acks` is -1 or 1.
    """

    record_bytes: int
    batch_bytes: int
    total_bytes: int
    connections: int = 1
    in_flight: int = 1
    acks: int = -1

    @property
    def records_per_batch(self) -> int:
        return max(1, self.batch_bytes // (self.record_bytes + RECORD_OVERHEAD_BYTES))


def frame(api_key: int, version: int, body: bytes) -> bytes:
    """Size, request header version 2 (correlation id 1, client id "bench"), body."""
    header = struct.pack(">hhih5sb", api_key, version, 1, 5, b"bench", 0)
    return struct.pack(">i", len(header) + len(body)) + header + body


def connect(address: tuple[str, int]) -> socket.socket:
    """A blocking connection without Nagle's delay, which gives up after a minute of silence."""
    sock = socket.create_connection(address, timeout=60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_frame(sock: socket.socket, buffer: bytearray) -> memoryview:
    """The next response without its size, in `buffer`, which grows as needed."""
    view = memoryview(buffer)
    _read_exactly(sock, view[:4])
    (size,) = struct.unpack_from(">i", buffer)
    if size > len(buffer):
        view.release()
        buffer.extend(bytes(size - len(buffer)))
        view = memoryview(buffer)
    _read_exactly(sock, view[:size])
    return view[:size]


def _read_exactly(sock: socket.socket, view: memoryview) -> None:
    while view:
        received = sock.recv_into(view)
        if received == 0:
            raise ConnectionError("the broker closed the connection")
        view = view[received:]


def produce(address: tuple[str, int], topic: str, load: ProduceLoad) -> Figures:
    """Run a produce load on partition 0 of `topic`; RuntimeError when an answer carries an error."""
    payload = bytes(range(256)) * (load.record_bytes // 256 + 1)
    now_ms = time.time_ns() // 1_000_000
    count = load.records_per_batch
    batch = build_batch(
        [
            Record(offset=i, timestamp=now_ms, key=None, value=payload[: load.record_bytes], headers=())
            for i in range(count)
        ]
    )
    request = ProduceRequest(
        acks=load.acks,
        timeout_ms=30_000,
        topic_data=[
            TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=0, records=batch)])
        ],
    )
    message = frame(PRODUCE_KEY, PRODUCE_VERSION, request.to_bytes(PRODUCE_VERSION))
    requests = max(1, load.total_bytes // (count * load.record_bytes * load.connections))

    def one_connection(round_trips: list[float]) -> None:
        with connect(address) as sock:
            _pump(sock, message, requests, load.in_flight, round_trips, _check_produced)

    seconds, round_trips = _side_by_side(load.connections, one_connection)
    total = requests * load.connections
    return Figures(seconds, total * count * load.record_bytes, total, total * count, round_trips)


def _side_by_side(connections: int, work: Callable[[list[float]], None]) -> tuple[float, list[float]]:
    """Run `work` once a connection, each in a thread; wall seconds of the whole and all round trips."""
    trips: list[list[float]] = [[] for _ in range(connections)]
    failures: list[BaseException] = []

    def guarded(own: list[float]) -> None:
        try:
            work(own)
        except Exception as failure:  # noqa: BLE001 - carried to the caller's thread, which raises it
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(own,)) for own in trips]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - began, [trip for own in trips for trip in own]


def _pump(
    sock: socket.socket,
    message: bytes,
    requests: int,
    in_flight: int,
    round_trips: list[float],
    check: Callable[[memoryview], None],
) -> None:
    buffer = bytearray(1 << 16)
    sent_at: deque[float] = deque()
    sent = 0
    for answered in range(requests):
        while sent < requests and sent - answered < in_flight:
            sent_at.append(time.perf_counter())
            sock.sendall(message)
            sent += 1
        answer = read_frame(sock, buffer)
        round_trips.append(time.perf_counter() - sent_at.popleft())
        if answered % 1000 == 0:
            check(answer)


def _check_produced(answer: memoryview) -> None:
    response = ProduceResponse.decode(PRODUCE_VERSION, answer, RESPONSE_HEADER_BYTES)
    code = response.responses[0].partition_responses[0].error_code
    if code:
        raise RuntimeError(f"produce answered error code {code}")


def fetch(address: tuple[str, int], topic: str, *, total_bytes: int, max_bytes: int = 1 << 20) -> Figures:
    """Read partition 0 of `topic` from offset 0 on, `max_bytes` a request, until `total_bytes` came."""
    buffer = bytearray(max_bytes + (1 << 16))
    offset, received, requests = 0, 0, 0
    round_trips: list[float] = []
    began = time.perf_counter()
    with connect(address) as sock:
        while received < total_bytes:
            request = FetchRequest(
                max_wait_ms=500,
                min_bytes=1,
                max_bytes=50 << 20,
                topics=[
                    FetchTopic(
                        topic=topic,
                        partitions=[
                            FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=max_bytes)
                        ],
                    )
                ],
            )
            sent_at = time.perf_counter()
            sock.sendall(frame(FETCH_KEY, FETCH_VERSION, request.to_bytes(FETCH_VERSION)))
            answer = read_frame(sock, buffer)
            round_trips.append(time.perf_counter() - sent_at)
            response = FetchResponse.decode(FETCH_VERSION, answer, RESPONSE_HEADER_BYTES)
            records = memoryview(response.responses[0].partitions[0].records)  # type: ignore[arg-type]
            taken, offset = _whole_batches(records, offset)
            if not taken:
                raise RuntimeError(
                    f"nothing at offset {offset}: error {response.responses[0].partitions[0].error_code}"
                )
            received += taken
            requests += 1
    return Figures(time.perf_counter() - began, received, requests, offset, round_trips)


def _whole_batches(records: memoryview, offset: int) -> tuple[int, int]:
    """Bytes of whole batches in an answer, and the offset after the last of them: a tail may be cut."""
    position = 0
    while position + 12 <= len(records):
        (size,) = struct.unpack_from(">i", records, position + 8)
        if position + 12 + size > len(records):
            break
        offset = read_header(records, position).next_offset
        position += 12 + size
    return position, offset
