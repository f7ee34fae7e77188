"""Produce (key 0): appends batches to partitions that this broker leads.

0-2   messages of magic 0 and 1; 1 throttle time; 2 log append time
3     batches of magic 2, exactly one a partition; transactional_id
5     log_start_offset   7 zstd   8 record_errors and error_message (KIP-467)
9     flexible   10 current_leader and node_endpoints (KIP-951)   12 implicit AddPartitionsToTxn (KIP-890)
13    topics by id

Appending is synchronous; what is left to await (replication, a flush) is awaited by the answer alone, so that
the connection's next request is appended meanwhile. Only where so many records must be looked at that it
would hold everybody up, that is awaited first, and the connection's next request waits too.

Kafka: KafkaApis.handleProduceRequest, ReplicaManager.appendRecords.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import trio

from odradek.api import row_order
from odradek.api.api import Answer, Api, ConnectionEnded, InTurn, NeverAnswered, Versions
from odradek.api.context import RequestContext
from odradek.api.current_leader import add_endpoint, current_leader
from odradek.api.row_order import Row
from odradek.errors import KafkaError
from odradek.metadata.topic_names import INTERNAL_TOPICS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.produce_response import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceResponse,
    ProduceResponse,
    TopicProduceResponse,
)
from odradek.records.batch import (
    ATTRIBUTES_OFFSET,
    LEGACY_OVERHEAD_BYTES,
    MAGIC_OFFSET,
    PREFIX,
    PREFIX_SIZE_BYTES,
    TRANSACTIONAL_FLAG,
    iter_headers,
)
from odradek.records.compression import TakesLong
from odradek.records.validation import AppendOrigin, InvalidRecords, ValidBatch, check_produced
from odradek.replication.partition import ACKS_ALL, Partition

if TYPE_CHECKING:
    from odradek.metadata.cache import TopicMetadata

ADMIN_CLIENT_ID = "__admin_client"
"""The one client that may write to internal topics."""

NO_LEADER = LeaderIdAndEpoch()
"""Shared by all answers that name none; never changed."""

_LEAST_BATCH_LENGTH = 39
"""Up to its producer's id. Kafka looks for that in each batch of a request before it appends any, and fails
where a batch ends before it."""
_MAX_BATCH_LENGTH = 2**31 - 1 - PREFIX_SIZE_BYTES

_UNKNOWN = (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID)

_HIDES_LOG_START_OFFSET = frozenset(
    {
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_ID,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.KAFKA_STORAGE_ERROR,
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        ErrorCode.INVALID_REQUIRED_ACKS,
    }
)
"""Errors that Kafka answers without looking at the log."""

api = Api(key=ApiKey.PRODUCE, versions=Versions(0, 13), request=ProduceRequest, overlaps=True)


@dataclass(slots=True)
class _Pending:
    """An append whose answer has to wait."""

    answer: PartitionProduceResponse
    partition: Partition
    next_offset: int
    needs_flush: bool
    resignations: int
    """Of the partition, when it was appended."""


@dataclass(slots=True)
class _Long:
    """Records that take long to look at, for which there is an answer to fill in."""

    records: memoryview
    answer: PartitionProduceResponse
    partition: Partition
    topic: TopicMetadata


@api.handler
def produce(request: ProduceRequest, ctx: RequestContext) -> Answer | Awaitable[Answer]:
    """Measured path: one record takes some tens of microseconds in all of the broker."""
    appends = _Appends(request, ctx)
    try:
        has_transactional_records = _has_transactional_records(request, appends)
    except KafkaError as error:
        return _refuse_all(request, ctx, error.code, error.message)
    if has_transactional_records and request.transactional_id is None:
        return _refuse_all(request, ctx, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, None)
    if len(request.topic_data) == 1 and len(request.topic_data[0].partition_data) == 1:
        topic = request.topic_data[0]
        answer = appends.append(topic.partition_data[0], appends.metadata(topic))
        appends.response.responses.append(TopicProduceResponse(topic.name, topic.topic_id, [answer]))
    else:
        appends.append_several()
    if appends.long:
        return InTurn(appends.append_long)
    return appends.wait() if appends.pending else appends.answered()


@api.refusal
def refuse(request: ProduceRequest, ctx: RequestContext, code: int) -> Answer:
    """The same error for every partition; with acks=0 there is no answer to put it in."""
    return None if request.acks == 0 else _refuse_all(request, ctx, code, None)


def _refuse_all(request: ProduceRequest, ctx: RequestContext, code: int, message: str | None) -> Answer:
    """Raises ConnectionEnded with acks=0."""
    if request.acks == 0:
        raise ConnectionEnded(f"error during produce request with acks=0: {ErrorCode(code).name}")
    response = ProduceResponse()
    asked = {
        Row(topic.name, data.index, topic.topic_id): topic
        for topic in request.topic_data
        for data in topic.partition_data
    }
    for row in row_order.refused(asked, with_ids=not ctx.services.release.zookeeper):
        answer = PartitionProduceResponse(row.partition, code, -1, -1, -1, [], message, NO_LEADER)
        _put(response, asked[row], answer)
    return response


def _put(response: ProduceResponse, asked: TopicProduceData, answer: PartitionProduceResponse) -> None:
    for topic in response.responses:
        if topic.name == asked.name and topic.topic_id == asked.topic_id:
            topic.partition_responses.append(answer)
            return
    response.responses.append(TopicProduceResponse(asked.name, asked.topic_id, [answer]))


class _Appends:
    """The appends of one request, and the answer that they add up to."""

    __slots__ = ("_ctx", "_request", "long", "pending", "response")

    def __init__(self, request: ProduceRequest, ctx: RequestContext) -> None:
        self.response = ProduceResponse([], 0, [])
        self.pending: list[_Pending] = []
        self.long: list[_Long] = []
        self._request = request
        self._ctx = ctx

    def metadata(self, topic: TopicProduceData) -> TopicMetadata | None:
        """What is known of a topic by its name or, since version 13, by its id."""
        snapshot = self._ctx.services.metadata.snapshot
        if self._ctx.api_version >= 13:
            return snapshot.topics_by_id.get(topic.topic_id)
        return snapshot.topics.get(topic.name)

    def append_several(self) -> None:
        """Appends to many partitions, of each the last records only, and answers in Kafka's order."""
        with_ids = not self._ctx.services.release.zookeeper
        taken: dict[Row, tuple[PartitionProduceData, TopicMetadata | None]] = {}
        unknown: dict[Row, PartitionProduceResponse] = {}
        invalid: dict[Row, PartitionProduceResponse] = {}
        asked: dict[Row, TopicProduceData] = {}
        for topic in self._request.topic_data:
            metadata = self.metadata(topic)
            name = topic.name if metadata is None else metadata.name
            topic_id = topic.topic_id if metadata is None else metadata.topic_id
            for data in topic.partition_data:
                row = Row(name, data.index, topic_id if with_ids else None)
                asked[row] = topic
                try:
                    self._existing(data, metadata)
                    check_produced(cast("memoryview", data.records), self._ctx.api_version)
                except KafkaError as error:
                    answer = PartitionProduceResponse(data.index, 0, -1, -1, -1, [], None, NO_LEADER)
                    self._refuse(answer, error, None, metadata)
                    (unknown if error.code in _UNKNOWN else invalid)[row] = answer
                else:
                    taken[row] = data, metadata
        answers = {row: self.append(*records) for row, records in taken.items()} | unknown | invalid
        for row in row_order.produced(taken, unknown, invalid, with_ids=with_ids):
            _put(self.response, asked[row], answers[row])

    def _existing(self, data: PartitionProduceData, topic: TopicMetadata | None) -> TopicMetadata:
        """Raises KafkaError for a partition that does not exist, NeverAnswered for null as records."""
        if topic is None or data.index not in topic.partitions:
            is_unknown_id = topic is None and self._ctx.api_version >= 13
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_ID if is_unknown_id else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            )
        if data.records is None:
            raise NeverAnswered("a produce request without records")
        return topic

    def append(self, data: PartitionProduceData, topic: TopicMetadata | None) -> PartitionProduceResponse:
        """Appends one partition's records; one that is not final goes into `pending` or `long` too."""
        index = data.index
        ctx = self._ctx
        services = ctx.services
        acks = self._request.acks
        answer = PartitionProduceResponse(index, 0, -1, -1, -1, [], None, NO_LEADER)
        partition: Partition | None = None
        try:
            topic = self._existing(data, topic)
            records = cast("memoryview", data.records)
            holds_batch = check_produced(records, ctx.api_version)
            if not -1 <= acks <= 1:
                raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
            if topic.name in INTERNAL_TOPICS and ctx.client_id != ADMIN_CLIENT_ID:
                raise KafkaError(
                    ErrorCode.INVALID_TOPIC_EXCEPTION, f"Cannot append to internal topic {topic.name}"
                )
            partition = services.replicas.hosted(topic.name, index)
            if not holds_batch:
                # Only before version 3: Kafka takes nothing, and says that it went well.
                answer.log_start_offset = partition.local_log().log_start_offset
                return answer
            self._append_to(partition, records, answer)
        except KafkaError as error:
            self._refuse(answer, error, partition, topic)
        except TakesLong:
            assert partition is not None
            assert topic is not None
            self.long.append(_Long(records, answer, partition, topic))
        return answer

    def _append_to(
        self, partition: Partition, records: memoryview | ValidBatch, answer: PartitionProduceResponse
    ) -> None:
        acks = self._request.acks
        info = partition.append(
            records,
            required_acks=acks,
            origin=AppendOrigin.CLIENT,
            now_ms=self._ctx.services.clock.now_ms(),
        )
        answer.base_offset = info.first_offset
        answer.log_append_time_ms = info.log_append_time_ms
        answer.log_start_offset = info.log_start_offset
        next_offset = info.last_offset + 1
        needs_flush = partition.log is not None and partition.log.is_flush_due
        if needs_flush or (acks == ACKS_ALL and partition.high_watermark < next_offset):
            self.pending.append(_Pending(answer, partition, next_offset, needs_flush, partition.resignations))

    async def append_long(self) -> Answer:
        """Appends what takes long to look at, once that is done, to whoever leads the partition then."""
        for long in self.long:
            try:
                log = long.partition.local_log()
                valid = await log.validate_at_leisure(long.records, self._ctx.services.clock.now_ms())
                self._append_to(long.partition, valid, long.answer)
            except KafkaError as error:
                self._refuse(long.answer, error, long.partition, long.topic)
        return await self.wait()

    def _refuse(
        self,
        answer: PartitionProduceResponse,
        error: KafkaError,
        partition: Partition | None,
        topic: TopicMetadata | None,
    ) -> None:
        answer.error_code = error.code
        if partition is not None and error.code not in _HIDES_LOG_START_OFFSET:
            answer.log_start_offset = partition.log_start_offset
        if isinstance(error, InvalidRecords):
            answer.error_message = error.message
            answer.record_errors = [
                BatchIndexAndErrorMessage(record.batch_index, record.message)
                for record in error.record_errors
            ]
        if error.code == ErrorCode.NOT_LEADER_OR_FOLLOWER and self._ctx.api_version >= 10 and topic:
            leader = current_leader(self._ctx, topic.name, answer.index)
            answer.current_leader = LeaderIdAndEpoch(leader.leader_id, leader.leader_epoch)
            if leader.node is not None:
                add_endpoint(self.response.node_endpoints, NodeEndpoint(*leader.node))

    async def wait(self) -> Answer:
        """Waits for flushes however long they take, and for replication up to the request's timeout_ms."""
        for append in self.pending:
            if append.needs_flush and append.partition.log is not None:
                try:
                    await append.partition.log.flush(append.next_offset)
                except KafkaError as error:
                    append.answer.error_code = error.code
        if self._request.acks == ACKS_ALL:
            await self._wait_replicated()
        return self.answered()

    async def _wait_replicated(self) -> None:
        """Each is settled when it happens: later, another leader's records may be in their place."""
        pending = [append for append in self.pending if append.answer.error_code == 0]
        for append in pending:
            append.answer.error_code = ErrorCode.REQUEST_TIMED_OUT
        with trio.move_on_after(max(0, self._request.timeout_ms) / 1000):
            if len(pending) == 1:
                await _settle(pending[0])
                return
            async with trio.open_nursery() as nursery:
                for append in pending:
                    nursery.start_soon(_settle, append)

    def answered(self) -> Answer:
        """With acks=0 no answer is expected: only a closed connection tells the producer of an error."""
        if self._request.acks != 0:
            return self.response
        errors = [
            f"partition {answer.index}: {ErrorCode(answer.error_code).name}"
            for topic in self.response.responses
            for answer in topic.partition_responses
            if answer.error_code
        ]
        if errors:
            raise ConnectionEnded("error during produce request with acks=0: " + ", ".join(errors))
        return None


async def _settle(append: _Pending) -> None:
    try:
        await append.partition.wait_replicated(append.next_offset, append.resignations)
    except KafkaError as error:
        append.answer.error_code = error.code
    else:
        append.answer.error_code = ErrorCode.NONE


def _has_transactional_records(request: ProduceRequest, appends: _Appends) -> bool:
    """Whether some partition's batch says that it is part of a transaction.

    Raises KafkaError(CORRUPT_MESSAGE, UNKNOWN_SERVER_ERROR) for bytes that cannot be a batch, which Kafka
    notices here first.
    """
    is_transactional = False
    for topic in request.topic_data:
        for data in topic.partition_data:
            records = cast("memoryview | None", data.records)
            if records is None:
                continue
            if len(records) <= ATTRIBUTES_OFFSET + 1 or records[MAGIC_OFFSET] != 2:
                _look_for_batch(records, data.index, appends.metadata(topic))
                continue
            if records[8] or not (records[9] or records[10] or records[11] >= _LEAST_BATCH_LENGTH):
                _look_for_batch(records, data.index, appends.metadata(topic))
            if records[ATTRIBUTES_OFFSET + 1] & TRANSACTIONAL_FLAG:
                is_transactional = True
    return is_transactional


def _look_for_batch(records: memoryview, index: int, topic: TopicMetadata | None) -> None:
    """Raises KafkaError for a length that no batch has: too small, or so large that Java's sum overflows.

    One that is too small is noticed in a partition that exists only.
    """
    if len(records) > MAGIC_OFFSET and records[MAGIC_OFFSET] == 2:
        length: int = PREFIX.unpack_from(records)[1]
        if LEGACY_OVERHEAD_BYTES[0] <= length < _LEAST_BATCH_LENGTH:
            is_alone = len(records) == PREFIX_SIZE_BYTES + length
            if is_alone and topic is not None and index in topic.partitions:
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
            return  # behind it is what Kafka stumbles over first: `check_produced` finds that
    if len(records) > MAGIC_OFFSET and PREFIX.unpack_from(records)[1] > _MAX_BATCH_LENGTH:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "a batch length that overflows")
    next(iter_headers(records), None)
