"""Fetch (key 1): batches from partitions on this broker, at once or as soon as there are enough.

0-1   messages of magic 0; 1 throttle time      2-3   magic 1; 3 max_bytes, at least one batch however large
4     batches of magic 2, isolation_level       5     log_start_offset
6     KAFKA_STORAGE_ERROR                        7     fetch sessions (`fetch_sessions`)
9     current_leader_epoch                       10    zstd      11 rack_id, preferred_read_replica
12    flexible, last_fetched_epoch               13    topics by id
15    replica_state                              16    current_leader and node_endpoints (KIP-951)

Batches are never copied here: an answer holds slices of the log, which the connection sends and releases. A
fetch that finds too little waits in its own task for the partitions to grow. Kafka:
KafkaApis.handleFetchRequest, ReplicaManager.fetchMessages, DelayedFetch.
"""

from __future__ import annotations

from collections.abc import Awaitable
from itertools import groupby
from typing import cast
from uuid import UUID

import trio

from odradek.api.api import Answer, Api, Versions
from odradek.api.context import RequestContext
from odradek.api.current_leader import add_endpoint, current_leader
from odradek.api.fetch_sessions import (
    FIRST_VERSION_WITH_TOPIC_IDS,
    Answers,
    FetchContext,
    FetchedPartition,
)
from odradek.errors import KafkaError
from odradek.log.leisure import at_leisure, decompress_zstd
from odradek.log.slice import EMPTY_SLICE, LogSlice
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_request import FetchRequest
from odradek.protocol.generated.fetch_response import (
    AbortedTransaction,
    EpochEndOffset,
    FetchableTopicResponse,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    SnapshotId,
)
from odradek.protocol.message import Chunk
from odradek.records.compression import TakesLong
from odradek.records.conversion import down_convert, down_convert_at_leisure
from odradek.replication.data_waiter import DataWaiter
from odradek.replication.fetch_isolation import CONSUMER_REPLICA_ID, READ_UNCOMMITTED, FetchIsolation
from odradek.replication.partition import Partition
from odradek.replication.read_result import ReadResult
from odradek.replication.replica_selector import preferred_read_replica
from odradek.replication.replication_quota import ReplicationQuota

NO_DIVERGING_EPOCH = EpochEndOffset()
NO_LEADER = LeaderIdAndEpoch()
NO_SNAPSHOT = SnapshotId()
"""Shared by all answers that carry none; never changed."""

_NOTHING_ABORTED: list[AbortedTransaction] = []
"""Kafka's answer for a partition that it did not look at; one it could not read has null."""

_NO_TIMEOUT_S = 2**31 / 1000

_SIZE_PREFIX_BYTES = 4

api = Api(key=ApiKey.FETCH, versions=Versions(0, 18), request=FetchRequest, only_waits=True)


@api.handler
def fetch(request: FetchRequest, ctx: RequestContext) -> Answer | Awaitable[Answer]:
    """Measured path: what is there is answered without a task switch."""
    services = ctx.services
    replica_id = request.replica_id if ctx.api_version < 15 else request.replica_state.replica_id
    context = services.fetch_sessions.context(
        request,
        version=ctx.api_version,
        is_follower=replica_id >= 0,
        now_ms=services.clock.now_ms(),
        topic_name=services.metadata.topic_name,
    )
    reading = _Reading(request, ctx, context, replica_id)
    answers = reading.read()
    if reading.is_enough(request):
        response = reading.respond(answers)
        return reading.convert_long(response) if reading.long else response
    return reading.wait(answers, request.max_wait_ms)


@api.refusal
def refuse(request: FetchRequest, ctx: RequestContext, code: int) -> Answer:
    """The error for the fetch and, as long as topics have names, for each partition."""
    response = FetchResponse(0, code, request.session_id, [], [])
    records = None if ctx.services.release.zookeeper else b""
    if ctx.api_version < FIRST_VERSION_WITH_TOPIC_IDS:
        for topic in request.topics:
            answers = [
                PartitionData(asked.partition, code, -1, records=records) for asked in topic.partitions
            ]
            response.responses.append(FetchableTopicResponse(topic.topic, NO_TOPIC_ID, answers))
    return response


class _Reading:
    """One fetch's reads, repeated while it waits."""

    __slots__ = (
        "_context",
        "_ctx",
        "_errors",
        "_has_converted",
        "_interesting",
        "_is_final",
        "_is_first_read",
        "_isolation",
        "_max_bytes",
        "_min_bytes",
        "_nearby_rack",
        "_only_leader",
        "_replica_epoch",
        "_replica_id",
        "_size_bytes",
        "long",
    )

    def __init__(
        self, request: FetchRequest, ctx: RequestContext, context: FetchContext, replica_id: int
    ) -> None:
        self._ctx = ctx
        self._context = context
        self._replica_id = replica_id
        self._replica_epoch = request.replica_state.replica_epoch
        self._is_first_read = True
        # Kafka lets only readers that could be sent elsewhere (they name their rack) read from followers.
        self._only_leader = replica_id >= 0 or (replica_id == CONSUMER_REPLICA_ID and ctx.api_version < 11)
        # Readers since version 11 can be told to read elsewhere.
        is_sendable = replica_id < 0 and ctx.api_version >= 11 and ctx.services.replicas.selects_by_rack
        self._nearby_rack = request.rack_id if is_sendable else ""
        self._max_bytes = min(request.max_bytes, ctx.services.config.int("fetch.max.bytes"))
        self._min_bytes = min(request.min_bytes, self._max_bytes)
        self.long: Answers = []
        """Answers whose records take long to convert."""
        self._has_converted = False
        self._size_bytes = 0
        self._is_final = False
        self._interesting: list[FetchedPartition] = []
        self._errors: Answers = []
        topics = ctx.services.metadata.snapshot.topics
        for asked in context.partitions:
            if asked.topic is None:
                self._errors.append((asked, _unread(asked, ErrorCode.UNKNOWN_TOPIC_ID)))
                continue
            topic = topics.get(asked.topic)
            if topic is None or asked.partition not in topic.partitions:
                self._errors.append((asked, _unread(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)))
            else:
                self._interesting.append(asked)
        # A level that nobody has is refused where it would matter.
        isolation_level = request.isolation_level if self._interesting else READ_UNCOMMITTED
        self._isolation = FetchIsolation.of(replica_id, isolation_level)

    def is_enough(self, request: FetchRequest) -> bool:
        """Whether to answer now: there is enough, or waiting is not wanted or would not help."""
        return (
            self._size_bytes >= self._min_bytes
            or self._is_final
            or request.max_wait_ms <= 0
            or not self._interesting
        )

    def read(self) -> Answers:
        """Reads every partition once; the answers hold slices, to be sent or released."""
        self._size_bytes = 0
        self._is_final = False
        left_bytes = self._max_bytes
        takes_cut_batch = self._ctx.api_version <= 2
        min_one_batch = not takes_cut_batch
        answers: Answers = []
        for asked in self._interesting:
            answer = self._read_partition(asked, min(asked.max_bytes, left_bytes), min_one_batch)
            size_bytes = len(answer.records or b"")
            if size_bytes:
                min_one_batch = False
                left_bytes = max(0, left_bytes - size_bytes)
                self._size_bytes += size_bytes
            answers.append((asked, answer))
        self._is_first_read = False
        return answers

    def _read_partition(self, asked: FetchedPartition, max_bytes: int, min_one_batch: bool) -> PartitionData:
        try:
            partition = self._ctx.services.replicas.hosted(asked.topic or "", asked.partition)
            if asked.topic_id != NO_TOPIC_ID and partition.topic_id not in (asked.topic_id, NO_TOPIC_ID):
                raise KafkaError(ErrorCode.INCONSISTENT_TOPIC_ID)
            if self._replica_id >= 0:
                partition.local_log(asked.current_leader_epoch)
                partition.check_follower(self._replica_id, asked.current_leader_epoch, self._replica_epoch)
            if self._nearby_rack:
                elsewhere = self._elsewhere(asked, partition)
                if elsewhere is not None:
                    return elsewhere
            if asked.last_fetched_epoch >= 0:
                partition.local_log(asked.current_leader_epoch, only_leader=self._only_leader)
                diverging = partition.diverging_epoch(asked.fetch_offset, asked.last_fetched_epoch)
                if diverging is not None:
                    self._is_final = True
                    answer = self._answer(asked, partition, partition.offsets())
                    answer.diverging_epoch = EpochEndOffset(diverging.leader_epoch, diverging.end_offset)
                    return answer
            if max_bytes < 0 and asked.fetch_offset < partition.high_watermark:
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"Invalid max length {max_bytes}")
            result = partition.read(
                asked.fetch_offset,
                max_bytes=max_bytes,
                isolation=self._isolation,
                min_one_batch=min_one_batch,
                current_leader_epoch=asked.current_leader_epoch,
                only_leader=self._only_leader,
            )
        except KafkaError as error:
            self._is_final = True
            return _unread(asked, ErrorCode(error.code), aborted_transactions=None)
        if self._replica_id >= 0:
            result = self._for_follower(asked, partition, result)
        return self._answer(asked, partition, result)

    def _for_follower(self, asked: FetchedPartition, partition: Partition, result: ReadResult) -> ReadResult:
        """Notes how far a follower is; one that is behind and throttled gets nothing beyond the rate."""
        if self._is_first_read:
            partition.record_follower_fetch(
                self._replica_id,
                asked.fetch_offset,
                log_start_offset=asked.follower_log_start_offset,
                broker_epoch=self._replica_epoch,
            )
        quota = self._ctx.services.replicas.leader_quota
        is_throttled = (
            quota is not None
            and self._replica_id not in partition.isr
            and self._is_throttled(quota, partition.topic_partition)
            and quota.is_exceeded()
        )
        if not is_throttled:
            return result
        result.records.release()
        return result._replace(records=EMPTY_SLICE)

    def _record_sent(self, response: FetchResponse) -> None:
        """Whatever throttled replicas are sent counts, in sync or not: the size of a response with nothing
        else in it, even with nothing at all, as in KafkaApis.sizeOfThrottledPartitions.
        """
        quota = self._ctx.services.replicas.leader_quota
        if quota is None:
            return
        throttled = []
        for topic in response.responses:
            partitions = [
                each
                for each in topic.partitions
                if self._is_throttled(quota, TopicPartition(topic.topic, each.partition_index))
            ]
            if partitions:
                throttled.append(FetchableTopicResponse(topic.topic, topic.topic_id, partitions))
        chunks: list[Chunk] = []
        FetchResponse(responses=throttled).encode_into(self._ctx.api_version, chunks)
        quota.record(_SIZE_PREFIX_BYTES + sum(map(len, chunks)))

    def _is_throttled(self, quota: ReplicationQuota, topic_partition: TopicPartition) -> bool:
        """By the topic's config, whether or not there is a replica here."""
        services = self._ctx.services
        partition = services.replicas.find(*topic_partition)
        log = partition.log if partition is not None else None
        config = log.config if log is not None else services.configs.log_config(topic_partition.topic)
        return quota.is_throttled(topic_partition, config.leader_replication_throttled_replicas)

    def _elsewhere(self, asked: FetchedPartition, partition: Partition) -> PartitionData | None:
        """The answer that sends a consumer to the replica in its rack, if it is not to stay here."""
        brokers = self._ctx.services.metadata.snapshot.brokers
        listener_name = self._ctx.listener_name

        def rack_of(node_id: int) -> str | None:
            broker = brokers.get(node_id)
            return broker.rack if broker is not None and listener_name in broker.endpoints else None

        now_ms = self._ctx.services.clock.now_ms()
        preferred = preferred_read_replica(partition, self._nearby_rack, asked.fetch_offset, rack_of, now_ms)
        if preferred is None:
            return None
        partition.local_log(asked.current_leader_epoch, only_leader=False)
        self._is_final = True
        answer = self._answer(asked, partition, partition.offsets())
        answer.preferred_read_replica = preferred
        return answer

    def _answer(self, asked: FetchedPartition, partition: Partition, result: ReadResult) -> PartitionData:
        records = result.records
        size_bytes = len(records)
        if size_bytes and self._ctx.api_version > 2 and records.is_first_batch_cut:
            # Readers since version 3 make progress without it and would not understand half a batch.
            records.release()
            size_bytes = 0
        aborted: list[AbortedTransaction] | None = None
        if self._isolation is FetchIsolation.TXN_COMMITTED:
            aborted = _aborted_transactions(asked, partition, records) if size_bytes else []
        return PartitionData(
            asked.partition,
            0,
            result.high_watermark,
            result.last_stable_offset,
            result.log_start_offset,
            NO_DIVERGING_EPOCH,
            NO_LEADER,
            NO_SNAPSHOT,
            aborted,
            -1,
            records if size_bytes else b"",
        )

    async def wait(self, answers: Answers, max_wait_ms: int) -> Answer:
        """Reads again whenever enough may be there, until there is or the time is up."""
        deadline = trio.current_time() + min(max_wait_ms / 1000, _NO_TIMEOUT_S)
        replicas = self._ctx.services.replicas
        # Since the first look others have had their turns, and nobody watched.
        _release(answers)
        answers = self.read()
        while not self._is_final and self._size_bytes < self._min_bytes:
            waiter = DataWaiter(self._min_bytes - self._size_bytes, sees_log_end=self._replica_id >= 0)
            watched = [
                partition
                for asked in self._interesting
                if (partition := replicas.find(asked.topic or "", asked.partition)) is not None
            ]
            _release(answers)
            for partition in watched:
                partition.watch(waiter)
            try:
                with trio.move_on_at(deadline) as waiting:
                    await waiter.wait()
            finally:
                for partition in watched:
                    partition.unwatch(waiter)
            answers = self.read()
            if waiting.cancelled_caught:
                break
        response = self.respond(answers)
        return await self.convert_long(response) if self.long else response

    def respond(self, answers: Answers) -> FetchResponse:
        """The answer as the session wants it and the version can read it."""
        ctx = self._ctx
        context = self._context
        selected = context.select(answers + self._errors, ctx.services.clock.now_ms())
        if len(selected) != len(answers) + len(self._errors):
            chosen = {id(answer) for _, answer in selected}
            _release([pair for pair in answers if id(pair[1]) not in chosen])
        response = FetchResponse(0, context.error, context.session_id, [], [])
        if ctx.api_version < 10:
            selected = [(asked, self._for_old_reader(asked, answer)) for asked, answer in selected]
        elif ctx.api_version >= 16 and (self._is_final or self._errors):
            self._name_leaders(response, selected)
        for (topic, topic_id), group in groupby(selected, key=_topic_of):
            response.responses.append(
                FetchableTopicResponse(topic or "", topic_id, [answer for _, answer in group])
            )
        if self._replica_id >= 0:
            self._record_sent(response)
        return response

    def _for_old_reader(self, asked: FetchedPartition, answer: PartitionData) -> PartitionData:
        """What versions below 10 must not see is converted or becomes an error."""
        version = self._ctx.api_version
        if answer.error_code == ErrorCode.KAFKA_STORAGE_ERROR and version <= 5:
            answer.error_code = ErrorCode.NOT_LEADER_OR_FOLLOWER
        partition = self._ctx.services.replicas.find(asked.topic or "", asked.partition)
        if partition is None or partition.log is None:
            return answer
        config = partition.log.config
        code = ErrorCode.NONE
        if config.compression_type == "zstd" and self._ctx.services.release.zookeeper:
            # Releases since 4.0 no longer look at the topic's configuration.
            code = ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        elif version <= 3 and self._replica_id < 0 and not config.message_downconversion_enable:
            code = ErrorCode.UNSUPPORTED_VERSION
        elif version <= 3 and isinstance(answer.records, LogSlice):
            try:
                if self._has_converted:
                    # As many as there are partitions would hold everybody up.
                    raise TakesLong
                self._has_converted = True
                code = _convert(answer, 0 if version <= 1 else 1, asked.fetch_offset)
            except TakesLong:
                self.long.append((asked, answer))
        if code is ErrorCode.NONE:
            return answer
        _release([(asked, answer)])
        refused = _unread(asked, code)
        refused.records = None
        return refused

    async def convert_long(self, response: FetchResponse) -> FetchResponse:
        """Converts what takes long for the old reader; others have turns meanwhile."""
        magic = 0 if self._ctx.api_version <= 1 else 1
        try:
            for asked, answer in self.long:
                slice_ = cast("LogSlice", answer.records)
                try:
                    converted = await at_leisure(
                        down_convert_at_leisure(
                            slice_.view(),
                            to_magic=magic,
                            first_offset=asked.fetch_offset,
                            zstd=decompress_zstd,
                        )
                    )
                except KafkaError as error:
                    answer.error_code = error.code
                    answer.high_watermark = answer.last_stable_offset = answer.log_start_offset = -1
                    answer.aborted_transactions = _NOTHING_ABORTED
                    converted = None
                slice_.release()
                answer.records = converted
        finally:
            _release(self.long)
        return response

    def _name_leaders(self, response: FetchResponse, answers: Answers) -> None:
        # Releases since 4.0 tell followers who leads, but not where it is.
        names_nodes = self._replica_id < 0 or self._ctx.services.release.zookeeper
        for asked, answer in answers:
            if asked.topic is None or answer.error_code not in (
                ErrorCode.NOT_LEADER_OR_FOLLOWER,
                ErrorCode.FENCED_LEADER_EPOCH,
            ):
                continue
            leader = current_leader(self._ctx, asked.topic, asked.partition)
            answer.current_leader = LeaderIdAndEpoch(leader.leader_id, leader.leader_epoch)
            if names_nodes and leader.node is not None:
                add_endpoint(response.node_endpoints, NodeEndpoint(*leader.node))


def _unread(
    asked: FetchedPartition,
    code: ErrorCode,
    aborted_transactions: list[AbortedTransaction] | None = _NOTHING_ABORTED,
) -> PartitionData:
    return PartitionData(
        asked.partition,
        code,
        -1,
        -1,
        -1,
        NO_DIVERGING_EPOCH,
        NO_LEADER,
        NO_SNAPSHOT,
        aborted_transactions,
        -1,
        b"",
    )


def _convert(answer: PartitionData, magic: int, first_offset: int) -> ErrorCode:
    """Puts messages of magic 0 or 1 in the place of the batches; the code if that cannot be done."""
    records = cast("LogSlice", answer.records)
    try:
        converted = down_convert(records.view(), to_magic=magic, first_offset=first_offset)
    except KafkaError as error:
        return ErrorCode(error.code)
    records.release()
    answer.records = converted
    return ErrorCode.NONE


def _aborted_transactions(
    asked: FetchedPartition, partition: Partition, records: LogSlice
) -> list[AbortedTransaction]:
    log = partition.log
    if log is None:
        return []
    return [
        AbortedTransaction(aborted.producer_id, aborted.first_offset)
        for aborted in log.aborted_transactions(asked.fetch_offset, log.upper_bound_offset(records))
    ]


def _release(answers: Answers) -> None:
    for _, answer in answers:
        if isinstance(answer.records, LogSlice):
            answer.records.release()


def _topic_of(pair: tuple[FetchedPartition, PartitionData]) -> tuple[str | None, UUID]:
    return pair[0].topic, pair[0].topic_id
