"""A consumer that writes down what it was given, and the latest offsets that it was told."""

from collections.abc import Sequence

import trio

from compat.history.history import FinalLog, History
from compat.history.operations import LatestOffset, Partition, Poll, Reposition, Seen
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.fetch_response import FetchResponse, PartitionData
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.generated.list_offsets_response import ListOffsetsPartitionResponse
from odradek.records.record import read_all_records
from tests.simulation.client import Client, Lost
from tests.simulation.findings import Findings

FETCH_VERSION = 12
LIST_OFFSETS_VERSION = 7
LATEST = -1
CONSUMER = -1
"""In place of a follower's node id, who would be told where the log ends."""


class Consumer:
    """Reads partitions from the beginning, all of them again now and then, and asks where they end."""

    def __init__(
        self, client: Client, history: History, findings: Findings, partitions: Sequence[Partition]
    ) -> None:
        self._client = client
        self._history = history
        self._findings = findings
        self._positions = dict.fromkeys(partitions, 0)

    async def run(self, stop: trio.Event, interval_s: float) -> None:
        random = self._client.random
        partitions = list(self._positions)
        while not stop.is_set():
            partition = random.choice(partitions)
            dice = random.random()
            if dice < 0.05:
                self._history.add(Reposition(self._client.name, trio.current_time(), frozenset({partition})))
                self._positions[partition] = 0
            if dice < 0.3:
                await self.latest_offset(partition)
            else:
                await self.poll(partition)
            with trio.move_on_after(random.expovariate(1 / interval_s)):
                await stop.wait()

    async def poll(self, partition: Partition, group: str | None = None) -> tuple[Seen, ...] | None:
        """What comes next, noted; None when the leader could not be asked."""
        started = trio.current_time()
        data = await self.fetch(partition, self._positions[partition], max_wait_ms=200)
        if data is None:
            return None
        seen = self._seen(partition, data)
        if seen:
            self._positions[partition] = seen[-1].offset + 1
            self._history.add(Poll(self._client.name, started, trio.current_time(), seen, group))
        return seen

    def _seen(self, partition: Partition, data: PartitionData) -> tuple[Seen, ...]:
        records = memoryview(data.records or b"")  # type: ignore[arg-type]
        position = self._positions[partition]
        return tuple(
            Seen(partition, record.offset, bytes(record.value or b"").decode())
            for record in read_all_records(records)
            if record.offset >= position
        )

    def seek(self, partition: Partition, offset: int) -> None:
        self._positions[partition] = offset

    async def fetch(self, partition: Partition, offset: int, *, max_wait_ms: int) -> PartitionData | None:
        """One partition's part of a response; None when there was none that can be used."""
        host = await self._client.leader(partition.topic, partition.index)
        wanted = FetchPartition(
            partition.index,
            self._client.leader_epoch(partition.topic, partition.index),
            offset,
            partition_max_bytes=16 * 1024,
        )
        topic = FetchTopic(partition.topic, partitions=[wanted])
        request = FetchRequest(max_wait_ms=max_wait_ms, min_bytes=1, max_bytes=1 << 20, topics=[topic])
        try:
            answer: FetchResponse = await self._client.ask(host, request, FETCH_VERSION)
        except Lost:
            await self._client.doubt(partition.topic, partition.index)
            return None
        data = answer.responses[0].partitions[0]
        if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
            self._findings.add(
                f"{self._client.name} is told by {host} that {partition} does not reach {offset}, "
                "up to where it was read before"
            )
        if data.error_code != ErrorCode.NONE:
            await self._client.doubt(partition.topic, partition.index)
            return None
        return data

    async def latest_offset(self, partition: Partition) -> int | None:
        """Where the partition ends, noted; None when nobody said so."""
        started = trio.current_time()
        host = await self._client.leader(partition.topic, partition.index)
        epoch = self._client.leader_epoch(partition.topic, partition.index)
        topic = ListOffsetsTopic(partition.topic, [ListOffsetsPartition(partition.index, epoch, LATEST)])
        try:
            answer = await self._client.ask(
                host, ListOffsetsRequest(CONSUMER, topics=[topic]), LIST_OFFSETS_VERSION
            )
        except Lost:
            await self._client.doubt(partition.topic, partition.index)
            return None
        told: ListOffsetsPartitionResponse = answer.topics[0].partitions[0]
        if told.error_code != ErrorCode.NONE:
            await self._client.doubt(partition.topic, partition.index)
            return None
        self._history.add(
            LatestOffset(self._client.name, partition, told.offset, started, trio.current_time())
        )
        return told.offset

    async def read_all(self, partition: Partition) -> FinalLog:
        """The whole partition, once it is quiet; tries until it is told."""
        self._history.add(Reposition(self._client.name, trio.current_time(), frozenset({partition})))
        self._positions[partition] = 0
        while (end_offset := await self.latest_offset(partition)) is None:
            pass
        records: list[Seen] = []
        while self._positions[partition] < end_offset:
            records.extend(await self.poll(partition) or ())
        return FinalLog(0, end_offset, tuple(records))
