"""Partition: one replica of a partition on this broker, what it may accept and what it may show.

Owns leadership, leader epoch, ISR and high watermark; the log beneath knows of none of them. Appending and
reading are synchronous, each one critical section; only waiting for replication is awaited. Owned by the trio
thread, changed by produce and fetch requests and by `Replicas`.

Kafka: kafka.cluster.Partition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import trio

from odradek.errors import KafkaError
from odradek.log.slice import EMPTY_SLICE, LogSlice
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import Buffer
from odradek.records.validation import AppendOrigin
from odradek.replication.data_waiter import DataWaiter
from odradek.replication.fetch_isolation import FetchIsolation
from odradek.replication.partition_state import Assignment, InSyncReplicas

if TYPE_CHECKING:
    from odradek.log.append_info import LogAppendInfo
    from odradek.log.log import Log
    from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrPartitionState

NO_LEADER = -1
NO_EPOCH = -1
ACKS_ALL = -1

HIGH_WATERMARK_OFFSET = -1
"""In DeleteRecords: everything below the high watermark."""


class ReadResult(NamedTuple):
    """What a read saw, all of one moment; offsets as in a Fetch response. `records` is to be released."""

    records: LogSlice
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int


class EpochEnd(NamedTuple):
    """Where a leader epoch ends: the epoch, and the offset after its last record; -1 both where unknown."""

    leader_epoch: int
    end_offset: int


UNKNOWN_EPOCH_END = EpochEnd(-1, -1)


class Partition:
    """A replica on this broker. `log` is None before the controller's first word and after its last."""

    __slots__ = (
        "_appended",
        "_follower_end_offsets",
        "_node_id",
        "_watchers",
        "assignment",
        "controller_epoch",
        "high_watermark",
        "in_sync",
        "leader_epoch",
        "leader_epoch_start_offset",
        "leader_id",
        "log",
        "partition_epoch",
        "topic_partition",
    )

    def __init__(self, topic_partition: TopicPartition, node_id: int) -> None:
        self.topic_partition = topic_partition
        self.log: Log | None = None
        self.leader_id = NO_LEADER
        self.leader_epoch = NO_EPOCH
        self.leader_epoch_start_offset: int | None = None
        """Log end when this broker became leader; None on followers."""
        self.partition_epoch = NO_EPOCH
        self.controller_epoch = NO_EPOCH
        self.assignment = Assignment()
        self.in_sync = InSyncReplicas()
        self.high_watermark = 0
        self._node_id = node_id
        self._follower_end_offsets: dict[int, int] = {}
        self._watchers: set[DataWaiter] = set()
        self._appended = trio.lowlevel.ParkingLot()

    # What it is

    @property
    def topic_id(self) -> UUID:
        """NO_TOPIC_ID while the partition has none."""
        return NO_TOPIC_ID if self.log is None else self.log.topic_id or NO_TOPIC_ID

    @property
    def is_offline(self) -> bool:
        """Its log directory failed; clients are told KAFKA_STORAGE_ERROR."""
        return self.log is not None and self.log.directory.failure is not None

    @property
    def is_leader(self) -> bool:
        return self.leader_id == self._node_id

    @property
    def isr(self) -> frozenset[int]:
        return self.in_sync.isr

    @property
    def min_isr(self) -> int:
        """min.insync.replicas, but never more than there are replicas."""
        log = self.local_log()
        return min(log.config.min_insync_replicas, max(1, len(self.assignment.replicas)))

    @property
    def log_start_offset(self) -> int:
        """-1 where this broker does not lead."""
        return -1 if self.log is None or not self.is_leader else self.log.log_start_offset

    @property
    def last_stable_offset(self) -> int:
        """Below it every transaction is decided."""
        if self.log is None:
            return self.high_watermark
        first_unstable = self.log.first_unstable_offset
        if first_unstable is None or first_unstable > self.high_watermark:
            return self.high_watermark
        return first_unstable

    def local_log(self, current_leader_epoch: int = NO_EPOCH, *, only_leader: bool = True) -> Log:
        """The log, for a request that believes in `current_leader_epoch` (-1: in none).

        Raises KafkaError: FENCED_LEADER_EPOCH and UNKNOWN_LEADER_EPOCH for a request that is behind or ahead
        of us, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
        """
        if self.is_offline:
            raise KafkaError(
                ErrorCode.KAFKA_STORAGE_ERROR,
                f"Partition {self.topic_partition} is in an offline log directory",
            )
        if current_leader_epoch not in (NO_EPOCH, self.leader_epoch):
            is_behind = current_leader_epoch < self.leader_epoch
            raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH if is_behind else ErrorCode.UNKNOWN_LEADER_EPOCH)
        log = self.log
        if log is None or (only_leader and self.leader_id != self._node_id):
            raise KafkaError(
                ErrorCode.NOT_LEADER_OR_FOLLOWER,
                f"Leader not local for partition {self.topic_partition} on broker {self._node_id}",
            )
        return log

    # Appending

    def append(
        self, records: Buffer, *, required_acks: int, origin: AppendOrigin, now_ms: int
    ) -> LogAppendInfo:
        """Appends one batch as leader; with no other replica in sync it is replicated at once.

        Raises KafkaError: NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS (acks all below min.insync.replicas),
        and whatever the log refuses.
        """
        log = self.log
        if log is None or self.leader_id != self._node_id:
            log = self.local_log()
        if (
            required_acks == ACKS_ALL
            and len(self.in_sync.isr) < log.config.min_insync_replicas
            and len(self.in_sync.isr) < self.min_isr
        ):
            raise KafkaError(
                ErrorCode.NOT_ENOUGH_REPLICAS,
                f"The size of the current ISR {sorted(self.isr)} is insufficient to satisfy the min.isr "
                f"requirement of {self.min_isr} for partition {self.topic_partition}",
            )
        info = log.append_as_leader(records, leader_epoch=self.leader_epoch, now_ms=now_ms, origin=origin)
        self._advance_high_watermark(log, info.size_bytes)
        return info

    async def wait_replicated(self, offset: int) -> None:
        """Returns once everything below `offset` is replicated to the whole ISR.

        Raises KafkaError: NOT_LEADER_OR_FOLLOWER when leadership went away meanwhile,
        NOT_ENOUGH_REPLICAS_AFTER_APPEND when the ISR shrank below min.insync.replicas. Has no deadline.
        """
        while self.high_watermark < offset:
            self.local_log()
            await self._appended.park()
        if len(self.in_sync.isr) < self.min_isr:
            raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)

    def _advance_high_watermark(self, log: Log, added_bytes: int) -> None:
        """The high watermark is the least log end of the (maximal) ISR, and never goes back."""
        end_offset = log.log_end_offset
        if len(self.in_sync.maximal) > 1:
            end_offset = min([end_offset, *self._end_offsets_in_sync()])
        if end_offset > self.high_watermark:
            self.high_watermark = end_offset
            log.on_high_watermark(end_offset)
            if self._appended:
                self._appended.unpark_all()
        if self._watchers:
            for watcher in tuple(self._watchers):
                watcher.add_bytes(added_bytes)

    def _end_offsets_in_sync(self) -> list[int]:
        """Log ends of the followers in the maximal ISR; 0 for one that has not fetched yet."""
        return [
            self._follower_end_offsets.get(replica, 0)
            for replica in self.in_sync.maximal
            if replica != self._node_id
        ]

    # Reading

    def read(
        self,
        offset: int,
        *,
        max_bytes: int,
        isolation: FetchIsolation = FetchIsolation.HIGH_WATERMARK,
        min_one_batch: bool = True,
        current_leader_epoch: int = NO_EPOCH,
        only_leader: bool = True,
    ) -> ReadResult:
        """Whole batches from the one that holds `offset` on, as far as `isolation` lets the reader see.

        Raises KafkaError: OFFSET_OUT_OF_RANGE below the log's start or past its end, and as `local_log`.
        """
        log = self.local_log(current_leader_epoch, only_leader=only_leader)
        high_watermark = self.high_watermark
        stable = self.last_stable_offset
        if isolation is FetchIsolation.HIGH_WATERMARK:
            end_offset = high_watermark
        else:
            end_offset = stable if isolation is FetchIsolation.TXN_COMMITTED else log.log_end_offset
        if offset == end_offset:
            records = EMPTY_SLICE
        else:
            records = log.read(
                offset, max_bytes=max_bytes, end_offset=end_offset, min_one_batch=min_one_batch
            )
        return ReadResult(records, high_watermark, stable, log.log_start_offset)

    def offsets(self) -> ReadResult:
        """What a read would say beside the records, of which there are none."""
        start_offset = 0 if self.log is None else self.log.log_start_offset
        return ReadResult(EMPTY_SLICE, self.high_watermark, self.last_stable_offset, start_offset)

    def check_follower(self, replica_id: int, current_leader_epoch: int) -> None:
        """Raises KafkaError for a fetch by a broker that is not one of the replicas."""
        if replica_id not in self.assignment.replicas or replica_id == self._node_id:
            has_epoch = current_leader_epoch != NO_EPOCH
            raise KafkaError(
                ErrorCode.UNKNOWN_LEADER_EPOCH if has_epoch else ErrorCode.NOT_LEADER_OR_FOLLOWER
            )

    def record_follower_fetch(self, replica_id: int, fetch_offset: int) -> None:
        """A follower asks for `fetch_offset`, so it holds everything before."""
        self._follower_end_offsets[replica_id] = fetch_offset
        if self.log is not None and self.is_leader:
            self._advance_high_watermark(self.log, 0)

    def diverging_epoch(self, fetch_offset: int, last_fetched_epoch: int) -> EpochEnd | None:
        """Where a reader's log, its last batch of `last_fetched_epoch`, leaves ours; None if it does not.

        Raises KafkaError(OFFSET_OUT_OF_RANGE) when our log no longer knows (KIP-595).
        """
        log = self.local_log(only_leader=False)
        end = self.end_of_epoch(last_fetched_epoch, only_leader=False)
        if end == UNKNOWN_EPOCH_END or fetch_offset < log.log_start_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if end.leader_epoch < last_fetched_epoch or end.end_offset < fetch_offset:
            return end
        return None

    def end_of_epoch(
        self, leader_epoch: int, *, current_leader_epoch: int = NO_EPOCH, only_leader: bool = True
    ) -> EpochEnd:
        """The end of the largest epoch not above `leader_epoch` (OffsetForLeaderEpoch, KIP-101).

        Raises KafkaError as `local_log`.
        """
        log = self.local_log(current_leader_epoch, only_leader=only_leader)
        return EpochEnd(*log.end_offset_for_epoch(leader_epoch))

    def watch(self, waiter: DataWaiter) -> None:
        """Tell `waiter` of data from now on."""
        self._watchers.add(waiter)

    def unwatch(self, waiter: DataWaiter) -> None:
        self._watchers.discard(waiter)

    def wake_all(self) -> None:
        """Everyone who waits looks again: for a leader that resigned, a log that is gone."""
        self._appended.unpark_all()
        for watcher in tuple(self._watchers):
            watcher.wake()

    # Deleting

    def delete_records(self, offset: int) -> int:
        """Moves the log's start to `offset` (-1: the high watermark); returns the low watermark.

        Frees nothing yet: that is left to the next search for segments to delete, as in Kafka.
        Raises KafkaError: POLICY_VIOLATION for a topic that is only compacted, OFFSET_OUT_OF_RANGE above the
        high watermark, and as `local_log`.
        """
        log = self.local_log()
        if not log.config.delete:
            raise KafkaError(
                ErrorCode.POLICY_VIOLATION,
                f"Records of partition {self.topic_partition} can not be deleted due to the configured "
                "policy",
            )
        if offset == HIGH_WATERMARK_OFFSET:
            offset = self.high_watermark
        if not 0 <= offset <= self.high_watermark:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"The offset {offset} for partition {self.topic_partition} is not valid",
            )
        log.advance_log_start_offset(offset)
        return log.log_start_offset

    # What the controller says

    def become_leader(self, state: LeaderAndIsrPartitionState, log: Log) -> bool:
        """Takes over a LeaderAndIsr that makes this broker the leader; True if it was not before."""
        is_new_leader = not self.is_leader
        self._take_over(state, log)
        self.in_sync = InSyncReplicas.committed(frozenset(state.isr))
        if state.leader_epoch > self.leader_epoch:
            start_offset = log.log_end_offset
            log.assign_leader_epoch(state.leader_epoch, start_offset)
            self.leader_epoch = state.leader_epoch
            self.leader_epoch_start_offset = start_offset
            self._follower_end_offsets.clear()
        self.leader_id = self._node_id
        self._advance_high_watermark(log, 0)
        self.wake_all()
        return is_new_leader

    def become_follower(self, state: LeaderAndIsrPartitionState, log: Log) -> bool:
        """Takes over a LeaderAndIsr that names another leader; True if the leader epoch is new."""
        is_new_epoch = state.leader_epoch > self.leader_epoch
        self._take_over(state, log)
        self.in_sync = InSyncReplicas()
        self.leader_id = state.leader
        self.leader_epoch = state.leader_epoch
        self.leader_epoch_start_offset = None
        self._follower_end_offsets.clear()
        self.wake_all()
        return is_new_epoch

    def _take_over(self, state: LeaderAndIsrPartitionState, log: Log) -> None:
        self.log = log
        self.controller_epoch = state.controller_epoch
        self.partition_epoch = state.partition_epoch
        self.assignment = Assignment(
            tuple(state.replicas), tuple(state.adding_replicas), tuple(state.removing_replicas)
        )

    def resign(self) -> None:
        """The partition leaves this broker; its log is no longer ours."""
        self.log = None
        self.leader_id = NO_LEADER
        self.leader_epoch_start_offset = None
        self.wake_all()
