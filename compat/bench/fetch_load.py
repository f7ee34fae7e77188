"""Fetch, replayed: one request, encoded once, whose offset moves on.

Every batch of a topic that `produce_load` has filled is the same, so that the generator need not parse what
it reads: bytes divided by the batch's size are batches.
"""

from __future__ import annotations

import struct

from compat.bench.connection import RESPONSE_HEADER_BYTES, frame
from compat.bench.generator import Traffic, run
from compat.bench.produce_load import Batch
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.fetch_response import FetchResponse

FETCH_KEY, VERSION = 1, 12
MAX_WAIT_MS = 500
_MARK = 0x0DD2ADEC0FF5E700
"""Stands where the offset goes, to find the place."""


def fetch(
    address: tuple[str, int],
    topic: str,
    batch: Batch,
    *,
    batches: int,
    connections: int = 1,
    max_bytes: int = 1 << 20,
) -> Traffic:
    """Read the first `batches` of partition 0, as `connections` consumers side by side that each read all.

    With `max_bytes` below a batch's size each answer holds one batch: Kafka never answers with less.
    """
    lanes = [FetchLane(topic, batch, batches=batches, max_bytes=max_bytes) for _ in range(connections)]
    return run(address, lanes)


class FetchLane:
    """One consumer's connection, which reads a partition from its beginning."""

    def __init__(
        self, topic: str, batch: Batch, *, batches: int, partition: int = 0, max_bytes: int = 1 << 20
    ) -> None:
        request = FetchRequest(
            max_wait_ms=MAX_WAIT_MS,
            min_bytes=1,
            max_bytes=50 << 20,
            topics=[
                FetchTopic(
                    topic=topic,
                    partitions=[
                        FetchPartition(partition=partition, fetch_offset=_MARK, partition_max_bytes=max_bytes)
                    ],
                )
            ],
        )
        self._message = bytearray(frame(FETCH_KEY, VERSION, request.to_bytes(VERSION)))
        self._offset_at = self._message.index(struct.pack(">q", _MARK))
        self._batch = batch
        self._end = batches * batch.records
        self.offset = 0

    def next_request(self) -> bytearray | None:
        if self.offset >= self._end:
            return None
        struct.pack_into(">q", self._message, self._offset_at, self.offset)
        return self._message

    def answered(self, answer: memoryview) -> None:
        """Move on by whole batches: the last one of an answer may be cut."""
        self.offset += whole_batches(answer, self._batch) * self._batch.records


def whole_batches(answer: memoryview, batch: Batch) -> int:
    """How many batches an answer of one partition holds; raises RuntimeError when it holds an error."""
    found = FetchResponse.decode(VERSION, answer, RESPONSE_HEADER_BYTES).responses[0].partitions[0]
    if found.error_code:
        raise RuntimeError(f"fetch answered error code {found.error_code}")
    return len(found.records or b"") // len(batch.raw)
