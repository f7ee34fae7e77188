"""A producer that writes down what it sent and what became of it."""

from collections.abc import Sequence
from zlib import crc32

import trio

from compat.history.history import History
from compat.history.operations import NEVER, Outcome, Partition, Write
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.init_producer_id_response import InitProducerIdResponse
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.produce_response import PartitionProduceResponse, ProduceResponse
from odradek.records.builder import build_batch
from odradek.records.record import Record
from odradek.testing.skewed_clock import EPOCH_MS
from tests.simulation.client import Client, Lost
from tests.simulation.findings import Findings

PRODUCE_VERSION = 9
INIT_PRODUCER_ID_VERSION = 4

_REFUSED = (ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
"""Nothing was appended; after any other error something may have been."""

_BROKEN_SEQUENCE = (
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ErrorCode.UNKNOWN_PRODUCER_ID,
    ErrorCode.INVALID_PRODUCER_EPOCH,
)
"""With one batch in flight and each repeated until it is answered: the broker has forgotten something."""

_MAX_BATCH = 3
_LARGE_ONE_IN = 6
_LARGE_BYTES = 5_000


class Producer:
    """acks=all, one batch in flight; idempotent, or plain and then giving up sometimes."""

    def __init__(
        self, client: Client, history: History, findings: Findings, partitions: Sequence[Partition]
    ) -> None:
        self._client = client
        self._history = history
        self._findings = findings
        self._partitions = partitions
        self._idempotent = client.random.random() < 0.6
        self._producer_id = -1
        self._producer_epoch = -1
        self._sequences = dict.fromkeys(partitions, 0)
        self._sent = 0
        self._writes: list[Write] = []
        self.name = client.name
        self.done = trio.Event()

    async def run(self, stop: trio.Event, interval_s: float) -> None:
        """Write until asked to stop, and finish the batch that is under way."""
        random = self._client.random
        while self._idempotent and self._producer_id < 0 and not stop.is_set():
            await self._init()
        while not stop.is_set():
            await self._write(random.choice(self._partitions))
            with trio.move_on_after(random.expovariate(1 / interval_s)):
                await stop.wait()
        self.done.set()

    def unfinished(self) -> None:
        """Write down what was under way when the simulation ended."""
        for write in self._writes:
            self._history.add(write)

    async def _init(self) -> None:
        try:
            answer: InitProducerIdResponse = await self._client.ask(
                self._client.any_broker(), InitProducerIdRequest(None), INIT_PRODUCER_ID_VERSION
            )
        except Lost:
            await self._client.back_off()
            return
        if answer.error_code != ErrorCode.NONE:
            await self._client.back_off()
            return
        self._producer_id, self._producer_epoch = answer.producer_id, answer.producer_epoch

    async def _write(self, partition: Partition) -> None:
        random = self._client.random
        now = trio.current_time()
        self._writes = []
        for _ in range(random.randint(1, _MAX_BATCH)):
            value = f"{self._client.name}:{self._sent}"
            self._writes.append(
                Write(
                    self._client.name, self._sent, partition, value, now, NEVER, idempotent=self._idempotent
                )
            )
            self._sent += 1
        outcome, base_offset = await self._deliver(partition, [write.value for write in self._writes])
        if outcome is Outcome.DONE and base_offset >= 0:
            self._findings.acknowledged(partition, base_offset + len(self._writes))
        for index, write in enumerate(self._writes):
            self._history.add(
                Write(
                    write.process,
                    write.number,
                    partition,
                    write.value,
                    now,
                    trio.current_time() if outcome is not Outcome.UNKNOWN else NEVER,
                    outcome,
                    base_offset + index if base_offset >= 0 else -1,
                    write.idempotent,
                )
            )
        if outcome is Outcome.DONE:
            self._sequences[partition] += len(self._writes)
        self._writes = []

    async def _deliver(self, partition: Partition, values: list[str]) -> tuple[Outcome, int]:
        """Repeat the batch until it is answered for good."""
        client = self._client
        may_be_there = False
        while True:
            host = await client.leader(partition.topic, partition.index)
            try:
                answered = await self._produce(host, partition, values)
            except Lost:
                may_be_there = True
                await client.doubt(partition.topic, partition.index)
            else:
                code = answered.error_code
                if code == ErrorCode.NONE:
                    return Outcome.DONE, answered.base_offset
                if code == ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
                    return Outcome.DONE, -1
                if code in _BROKEN_SEQUENCE:
                    self._findings.add(
                        f"{client.name} got {ErrorCode(code).name} from {host} for {partition} "
                        f"sequence {self._sequences[partition]}"
                    )
                    return Outcome.UNKNOWN, -1
                may_be_there = may_be_there or code not in _REFUSED
                await client.doubt(partition.topic, partition.index)
            if not self._idempotent and client.random.random() < 0.2:
                return (Outcome.UNKNOWN if may_be_there else Outcome.REFUSED), -1

    async def _produce(self, host: str, partition: Partition, values: list[str]) -> PartitionProduceResponse:
        # Of this time: a broker forgets producers whose records are older than producer.id.expiration.ms.
        now_ms = EPOCH_MS + round(trio.current_time() * 1000)
        records = [
            Record(index, now_ms, self._padding(value), value.encode()) for index, value in enumerate(values)
        ]
        batch = build_batch(
            records,
            producer_id=self._producer_id,
            producer_epoch=self._producer_epoch,
            base_sequence=self._sequences[partition] if self._idempotent else -1,
        )
        data = TopicProduceData(
            partition.topic, partition_data=[PartitionProduceData(partition.index, batch)]
        )
        request = ProduceRequest(None, -1, 2_000, [data])
        answer: ProduceResponse = await self._client.ask(host, request, PRODUCE_VERSION)
        return answer.responses[0].partition_responses[0]

    @staticmethod
    def _padding(value: str) -> bytes | None:
        """A key that makes some batches span pages; the same whenever a batch is repeated."""
        number = crc32(value.encode())
        return bytes(number % _LARGE_BYTES) if number % _LARGE_ONE_IN == 0 else None
