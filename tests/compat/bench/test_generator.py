"""The load generator against a peer of its own: every request is answered once, in bits, as many as asked."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from compat.bench.connection import frame
from compat.bench.fetch_load import FetchLane
from compat.bench.generator import run
from compat.bench.produce_load import batch_of
from odradek.protocol.generated.fetch_request import FetchRequest
from odradek.protocol.generated.fetch_response import (
    FetchableTopicResponse,
    FetchResponse,
    PartitionData,
)
from odradek.records.batch import iter_headers


class Counting:
    """A lane of `count` requests."""

    def __init__(self, count, size=10):
        self.left = count
        self.request = frame(0, 0, bytes(size))
        self.answers = []

    def next_request(self):
        self.left -= 1
        return self.request if self.left >= 0 else None

    def answered(self, answer):
        self.answers.append(bytes(answer))


@contextmanager
def peer(answer):
    """Serves each connection in a thread: `answer(socket, request number)` after each whole request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(connection):
            with connection, connection.makefile("rb") as stream:
                number = 0
                while size := stream.read(4):
                    stream.read(struct.unpack(">i", size)[0])
                    answer(connection, number)
                    number += 1

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()


def whole(connection, number):
    connection.sendall(struct.pack(">ii", 4, number))


def test_every_request_is_answered_once_on_every_connection():
    lanes = [Counting(20), Counting(0), Counting(7)]
    with peer(whole) as address:
        traffic = run(address, lanes, in_flight=3)
    assert traffic.requests == 27
    assert [len(lane.answers) for lane in lanes] == [20, 0, 7]
    assert lanes[2].answers == [struct.pack(">i", number) for number in range(7)]
    assert 0 < traffic.generator_busy <= 1


def test_answers_come_in_bits_and_many_at_once():
    def bits(connection, number):
        raw = struct.pack(">ii", 4, number)
        connection.sendall(raw[:3])
        connection.sendall(raw[3:])

    lane = Counting(50)
    with peer(bits) as address:
        run(address, [lane], in_flight=50)
    assert lane.answers == [struct.pack(">i", number) for number in range(50)]


def test_an_answer_larger_than_the_buffer_and_a_request_larger_than_the_socket():
    size = 1 << 20
    lane = Counting(3, size=4 << 20)
    with peer(lambda connection, _: connection.sendall(struct.pack(">i", size) + bytes(size))) as address:
        run(address, [lane])
    assert [len(answer) for answer in lane.answers] == [size] * 3


def test_a_peer_that_closes_is_an_error():
    with peer(lambda connection, _: connection.shutdown(socket.SHUT_RDWR)) as address:
        with pytest.raises(ConnectionError):
            run(address, [Counting(1)])


def test_a_batch_has_the_records_that_fit():
    batch = batch_of(1000, 16_000)
    [(_, header)] = iter_headers(batch.raw)
    assert header.record_count == batch.records == 15
    assert 15_000 < len(batch.raw) <= 16_100
    assert batch_of(200, 200).records == 1


def test_a_fetch_moves_on_by_whole_batches():
    batch = batch_of(100, 1000)
    lane = FetchLane("t", batch, batches=3)
    assert _offset(lane.next_request()) == 0
    lane.answered(_answer(bytes(batch.raw) * 2 + bytes(batch.raw)[:50]))
    assert _offset(lane.next_request()) == 2 * batch.records
    lane.answered(_answer(bytes(batch.raw)))
    assert lane.next_request() is None


def test_a_fetch_that_is_refused_ends_the_load():
    lane = FetchLane("t", batch_of(100, 1000), batches=3)
    with pytest.raises(RuntimeError, match="error code 6"):
        lane.answered(_answer(b"", error_code=6))


def _offset(message):
    header = 4 + 2 + 2 + 4 + 2 + len(b"bench") + 1
    return FetchRequest.decode(12, memoryview(message), header).topics[0].partitions[0].fetch_offset


def _answer(records, error_code=0):
    partition = PartitionData(partition_index=0, error_code=error_code, high_watermark=0, records=records)
    response = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[partition])])
    return memoryview(bytes(5) + response.to_bytes(12))
