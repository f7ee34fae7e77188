"""Produce, replayed: one batch, encoded once, sent again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

from compat.bench.connection import RESPONSE_HEADER_BYTES, frame
from compat.bench.generator import Traffic, run
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.produce_response import ProduceResponse
from odradek.records.builder import build_batch
from odradek.records.record import Record

PRODUCE_KEY, VERSION = 0, 9
RECORD_OVERHEAD_BYTES = 12
"""At most, in a batch of up to 10,000 records without key and headers: lengths and deltas are varints."""
_CHECK_EVERY = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """An encoded record batch, how many records it has, and their values' bytes."""

    raw: bytearray
    records: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class ProduceLoad:
    """`requests` in all, of one batch each, from `connections` with `in_flight` each; `acks` is -1 or 1."""

    batch: Batch
    requests: int
    connections: int = 1
    in_flight: int = 1
    acks: int = -1
    partitions: int = 1


def batch_of(record_bytes: int, batch_bytes: int) -> Batch:
    """Records of `record_bytes` each without keys, as many as fit in `batch_bytes`, and at least one."""
    count = max(1, batch_bytes // (record_bytes + RECORD_OVERHEAD_BYTES))
    value = (bytes(range(256)) * (record_bytes // 256 + 1))[:record_bytes]
    now_ms = time.time_ns() // 1_000_000
    records = [Record(offset=i, timestamp=now_ms, key=None, value=value, headers=()) for i in range(count)]
    return Batch(build_batch(records), count, count * record_bytes)


def produce_message(topic: str, batch: Batch, *, partition: int = 0, acks: int = -1) -> bytes:
    """A whole Produce request."""
    request = ProduceRequest(
        acks=acks,
        timeout_ms=30_000,
        topic_data=[
            TopicProduceData(
                name=topic, partition_data=[PartitionProduceData(index=partition, records=batch.raw)]
            )
        ],
    )
    return frame(PRODUCE_KEY, VERSION, request.to_bytes(VERSION))


def produce(address: tuple[str, int], topic: str, load: ProduceLoad) -> Traffic:
    """Run the load on the topic's partitions in turn; RuntimeError when an answer carries an error."""
    messages = [
        produce_message(topic, load.batch, partition=partition, acks=load.acks)
        for partition in range(load.partitions)
    ]
    share = max(1, load.requests // load.connections)
    lanes = [ProduceLane(islice(cycle(messages), start, start + share)) for start in range(load.connections)]
    return run(address, lanes, in_flight=load.in_flight)


class ProduceLane:
    """One producer's connection."""

    def __init__(self, messages: Iterator[bytes]) -> None:
        self._messages = messages
        self._answers = 0

    def next_request(self) -> bytes | None:
        return next(self._messages, None)

    def answered(self, answer: memoryview) -> None:
        """Decode one answer in a hundred, the first included: the generator must stay ahead of the broker."""
        if self._answers % _CHECK_EVERY == 0:
            check_produced(answer)
        self._answers += 1


def check_produced(answer: memoryview) -> int:
    """The base offset that the broker assigned; raises RuntimeError when it refused."""
    found = ProduceResponse.decode(VERSION, answer, RESPONSE_HEADER_BYTES).responses[0].partition_responses[0]
    if found.error_code:
        raise RuntimeError(f"produce answered error code {found.error_code}")
    return found.base_offset
