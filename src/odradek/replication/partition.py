"""Partition: one replica of a partition on this broker, what it may accept and what it may show.

Owns leadership, leader epoch, ISR and high watermark; the log beneath knows of none of them. Appending and
reading are synchronous, each one critical section; only waiting for replication is awaited. Owned by the trio
thread, changed by produce and fetch requests, by `Replicas`, by the fetcher that follows its leader, and by
`IsrChanges` with the controller's answers.

Longer than a file should be: leadership, ISR and high watermark must keep the same few fields true together.

Kafka: kafka.cluster.Partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

import trio

from odradek.errors import KafkaError
from odradek.log.slice import EMPTY_SLICE
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import Buffer
from odradek.records.validation import AppendOrigin, ValidBatch
from odradek.replication.data_waiter import DataWaiter, DataWaiters
from odradek.replication.epoch_end import UNKNOWN_EPOCH_END, EpochEnd
from odradek.replication.fetch_isolation import FetchIsolation
from odradek.replication.follower import Follower
from odradek.replication.followers import Followers
from odradek.replication.future_replica import FutureReplica, append_copied
from odradek.replication.partition_host import PartitionHost
from odradek.replication.partition_state import Assignment, InSyncReplicas, IsrProposal
from odradek.replication.read_result import ReadResult
from odradek.telemetry import get_logger

if TYPE_CHECKING:
    from odradek.log.append_info import LogAppendInfo
    from odradek.log.log import Log
    from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrPartitionState

NO_LEADER = -1
NO_EPOCH = -1
ACKS_ALL = -1

HIGH_WATERMARK_OFFSET = -1
"""In DeleteRecords: everything below the high watermark."""

_log = get_logger(__name__)

_AWAIT_CONTROLLER = frozenset(
    {
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_ID,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.INVALID_UPDATE_VERSION,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.NEW_LEADER_ELECTED,
    }
)
"""Refusals of an ISR which say that ours is not the newest word."""


class Partition:
    """A replica on this broker. `log` is None before the controller's first word and after its last."""

    __slots__ = (
        "_data_waiters",
        "_host",
        "_node_id",
        "_progressed",
        "assignment",
        "controller_epoch",
        "followers",
        "future",
        "high_watermark",
        "in_sync",
        "leader_epoch",
        "leader_epoch_start_offset",
        "leader_id",
        "log",
        "partition_epoch",
        "resignations",
        "topic_partition",
    )

    def __init__(self, topic_partition: TopicPartition, host: PartitionHost) -> None:
        self.topic_partition = topic_partition
        self.log: Log | None = None
        self.future: FutureReplica | None = None
        """While the log is being moved to another directory."""
        self.leader_id = NO_LEADER
        self.leader_epoch = NO_EPOCH
        self.leader_epoch_start_offset: int | None = None
        """Log end when this broker became leader; None on followers."""
        self.partition_epoch = NO_EPOCH
        self.controller_epoch = NO_EPOCH
        self.assignment = Assignment()
        self.in_sync = InSyncReplicas()
        self.high_watermark = 0
        self.resignations = 0
        """How often leadership ended: what was appended before need not be in the log any more."""
        self._host = host
        self._node_id = host.node_id
        self.followers = Followers(host)
        self._data_waiters = DataWaiters()
        self._progressed = trio.lowlevel.ParkingLot()

    # What it is

    @property
    def topic_id(self) -> UUID:
        """NO_TOPIC_ID while the partition has none."""
        return NO_TOPIC_ID if self.log is None else self.log.topic_id or NO_TOPIC_ID

    @property
    def logs(self) -> tuple[Log, ...]:
        """Its log, and the one that is to take that one's place."""
        if self.log is None:
            return ()
        return (self.log,) if self.future is None else (self.log, self.future.log)

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
        """min.insync.replicas, but never more than there are replicas, those that come and go among them."""
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
        self, records: Buffer | ValidBatch, *, required_acks: int, origin: AppendOrigin, now_ms: int
    ) -> LogAppendInfo:
        """Appends one batch as leader; with no other replica in sync it is replicated at once.

        Raises KafkaError: NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS (acks all below min.insync.replicas),
        and whatever the log refuses. Raises TakesLong as the log.
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

    async def wait_replicated(self, offset: int, resignations: int | None = None) -> None:
        """Returns once everything below `offset` is replicated to the whole ISR.

        `resignations` is what it was when the records were appended (default: now). Raises KafkaError:
        NOT_LEADER_OR_FOLLOWER when leadership ended since, even if it came back,
        NOT_ENOUGH_REPLICAS_AFTER_APPEND when the ISR is below min.insync.replicas. Has no deadline.
        """
        if resignations is None:
            resignations = self.resignations
        while self.resignations == resignations and self.high_watermark < offset:
            self.local_log()
            await self._progressed.park()
        if self.resignations != resignations:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        if len(self.in_sync.maximal) < self.min_isr:
            raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)

    def _advance_high_watermark(self, log: Log, added_bytes: int) -> None:
        """To where everybody is whom it has to wait for, and never back. Measured path without followers."""
        end_offset = log.log_end_offset
        if self.followers.by_id:
            end_offset = self._replicated_offset(log, end_offset)
        if log.is_flush_due:
            # With flush.messages nobody sees what is lost with the power: `_on_flushed` goes on from here.
            log.flush_soon()
            end_offset = min(end_offset, log.recovery_point)
        is_advanced = end_offset > self.high_watermark
        if is_advanced:
            self.high_watermark = end_offset
            log.on_high_watermark(end_offset)
            if self._progressed:
                self._progressed.unpark_all()
        if self._data_waiters.waiting:
            self._data_waiters.on_progress(
                added_bytes, is_high_watermark_advanced=is_advanced, is_replicated=bool(self.followers.by_id)
            )

    def _on_flushed(self) -> None:
        log = self.log
        if log is not None and self.is_leader:
            self._advance_high_watermark(log, 0)

    def _replicated_offset(self, log: Log, end_offset: int) -> int:
        """Where the high watermark may go; it stands still below min.insync.replicas."""
        if len(self.in_sync.isr) < min(log.config.min_insync_replicas, len(self.assignment.replicas)):
            return self.high_watermark
        return self.followers.replicated_offset(end_offset, self.in_sync.maximal)

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

    def check_follower(self, replica_id: int, current_leader_epoch: int, broker_epoch: int = -1) -> None:
        """Raises KafkaError for a fetch by a broker that is not one of the replicas, or by one that has
        registered anew since: what it held then it need not hold now. (In ZooKeeper mode Kafka, which knows
        no other broker's epoch there, takes the latter.)
        """
        if replica_id not in self.assignment.replicas or replica_id == self._node_id:
            has_epoch = current_leader_epoch != NO_EPOCH
            raise KafkaError(
                ErrorCode.UNKNOWN_LEADER_EPOCH if has_epoch else ErrorCode.NOT_LEADER_OR_FOLLOWER
            )
        follower = self.followers.get(replica_id)
        if follower is not None and follower.broker_epoch > broker_epoch != -1:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    def record_follower_fetch(
        self, replica_id: int, fetch_offset: int, *, log_start_offset: int = 0, broker_epoch: int = -1
    ) -> None:
        """A follower asks for `fetch_offset`, so it holds everything before; it may be in sync now."""
        log = self.log
        follower = self.followers.get(replica_id)
        if follower is None or log is None or not self.is_leader:
            return
        known_end_offset, known_start_offset = follower.log_end_offset, follower.log_start_offset
        follower.record_fetch(
            fetch_offset=fetch_offset,
            log_start_offset=log_start_offset,
            leader_end_offset=log.log_end_offset,
            broker_epoch=broker_epoch,
            now_ms=self._host.now_ms(),
        )
        self._expand_isr(follower)
        if follower.log_end_offset != known_end_offset:
            self._advance_high_watermark(log, 0)
        if follower.log_start_offset != known_start_offset:
            self._progressed.unpark_all()

    def diverging_epoch(self, fetch_offset: int, last_fetched_epoch: int) -> EpochEnd | None:
        """Where a reader's log, its last batch of `last_fetched_epoch`, leaves ours; None if it does not.

        Raises KafkaError(OFFSET_OUT_OF_RANGE) when our log no longer knows (KIP-595).
        """
        log = self.local_log(only_leader=False)
        end = self.end_of_epoch(last_fetched_epoch, only_leader=False)
        if end == UNKNOWN_EPOCH_END or fetch_offset < log.log_start_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        return end if end.is_before(fetch_offset, last_fetched_epoch) else None

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
        self._data_waiters.waiting[waiter] = None

    def unwatch(self, waiter: DataWaiter) -> None:
        self._data_waiters.waiting.pop(waiter, None)

    def wake_all(self) -> None:
        """Everyone who waits looks again: for a leader that resigned, a log that is gone."""
        self._progressed.unpark_all()
        self._data_waiters.wake_all()

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
        self._progressed.unpark_all()
        return self.low_watermark

    @property
    def low_watermark(self) -> int:
        """Where the log starts on every living replica at the latest; -1 while one has not said.

        Raises KafkaError as `local_log`.
        """
        low_watermark = self.followers.low_watermark(self.local_log().log_start_offset)
        return low_watermark if self.future is None else min(low_watermark, self.future.log.log_start_offset)

    async def wait_low_watermark(self, offset: int) -> int:
        """Returns the low watermark once it is at `offset`. Raises KafkaError as `local_log`. No deadline."""
        while (low_watermark := self.low_watermark) < offset:
            await self._progressed.park()
        return low_watermark

    # Following

    def append_as_follower(
        self, records: Buffer, *, leader_high_watermark: int, leader_log_start_offset: int
    ) -> LogAppendInfo:
        """Writes what the leader sent, and takes over its high watermark as far as our log goes.

        A high watermark may go back here: the leader's word counts. Raises KafkaError, StorageError,
        UnexpectedAppendOffset as the log.
        """
        log = self.local_log(only_leader=False)
        info = append_copied(log, records, self.truncate_fully_and_start_at)
        is_advanced = self._follow_high_watermark(log, leader_high_watermark)
        if leader_log_start_offset > log.log_start_offset:
            if leader_log_start_offset > self.high_watermark:
                raise KafkaError(
                    ErrorCode.OFFSET_OUT_OF_RANGE,
                    f"Cannot increment the log start offset to {leader_log_start_offset} of partition "
                    f"{self.topic_partition} since it is larger than the high watermark "
                    f"{self.high_watermark}",
                )
            log.advance_log_start_offset(leader_log_start_offset)
        if is_advanced:
            self._data_waiters.wake_all()
        return info

    def _follow_high_watermark(self, log: Log, offset: int) -> bool:
        offset = min(max(offset, log.log_start_offset), log.log_end_offset)
        if offset == self.high_watermark:
            return False
        self.high_watermark = offset
        log.on_high_watermark(offset)
        return True

    def truncate_to(self, offset: int) -> bool:
        """Drops everything from `offset` on; False where there is nothing. Raises StorageError."""
        log = self.local_log(only_leader=False)
        is_truncated = log.truncate_to(offset)
        if self.future is not None:
            self.future.truncate_to(offset)
        if is_truncated and offset < self.high_watermark:
            _log.warn(
                "truncating below the high watermark",
                partition=str(self.topic_partition),
                offset=offset,
                high_watermark=self.high_watermark,
            )
        self._follow_high_watermark(log, self.high_watermark)
        # The log has read anew what its producers did, and of none of it that it is replicated.
        log.on_high_watermark(self.high_watermark)
        return is_truncated

    def truncate_fully_and_start_at(self, offset: int) -> None:
        """Drops everything; the next record gets `offset`. Raises StorageError."""
        log = self.local_log(only_leader=False)
        log.truncate_fully_and_start_at(offset)
        if self.future is not None:
            self.future.truncate_fully_and_start_at(offset)
        self._follow_high_watermark(log, offset)

    # Moving to another directory

    def append_to_future(self, records: Buffer) -> None:
        """Takes the next batches of the log over into the future one. Raises KafkaError, StorageError."""
        log, future = self.log, self.future
        if log is not None and future is not None:
            start_offset = future.log.log_start_offset
            future.append(records, log, self.high_watermark)
            if future.log.log_start_offset != start_offset:
                self._progressed.unpark_all()

    def adopt_future(self) -> None:
        """The future log, which holds what the log does, is the log now."""
        log, future = self.log, self.future
        if log is not None and future is not None:
            log.on_flushed = None
            self.future = None
            self.log = future.log
            future.take_over(log, self.high_watermark)
            self.log.on_flushed = self._on_flushed
            self._progressed.unpark_all()

    def abandon_future(self) -> None:
        """The log stays where it is."""
        self.future = None
        self._progressed.unpark_all()

    # What the controller says

    def become_leader(self, state: LeaderAndIsrPartitionState, log: Log) -> bool:
        """Takes over a LeaderAndIsr that makes this broker the leader; True if it was not before."""
        is_new_leader = not self.is_leader
        self._take_over(state, log)
        self.in_sync = InSyncReplicas.committed(state.isr)
        self.followers.assign(state.replicas)
        if state.leader_epoch > self.leader_epoch:
            start_offset = log.log_end_offset
            log.assign_leader_epoch(state.leader_epoch, start_offset)
            self.leader_epoch = state.leader_epoch
            self.leader_epoch_start_offset = start_offset
            self.followers.begin_epoch(self.in_sync.isr, start_offset, is_new_leader=is_new_leader)
        self.leader_id = self._node_id
        self._advance_high_watermark(log, 0)
        self.wake_all()
        return is_new_leader

    def become_follower(self, state: LeaderAndIsrPartitionState, log: Log) -> bool:
        """Takes over a LeaderAndIsr that names another leader; True if the leader epoch is new."""
        is_new_epoch = state.leader_epoch > self.leader_epoch
        self._take_over(state, log)
        self._lose_leadership()
        self.leader_id = state.leader
        self.leader_epoch = state.leader_epoch
        self.wake_all()
        return is_new_epoch

    def _take_over(self, state: LeaderAndIsrPartitionState, log: Log) -> None:
        self.log = log
        log.on_flushed = self._on_flushed
        self.controller_epoch = state.controller_epoch
        self.partition_epoch = state.partition_epoch
        self.assignment = Assignment(
            tuple(state.replicas), tuple(state.adding_replicas), tuple(state.removing_replicas)
        )

    def _lose_leadership(self) -> None:
        if self.is_leader:
            self.resignations += 1
        self.leader_id = NO_LEADER
        self.leader_epoch_start_offset = None
        self.in_sync = InSyncReplicas()
        self.followers.clear()

    def resign(self) -> None:
        """The partition leaves this broker; its log is no longer ours."""
        self.log = None
        self.future = None
        self._lose_leadership()
        self.wake_all()

    # The ISR

    def shrink_isr(self) -> None:
        """Proposes that those leave who have not caught up for replica.lag.time.max.ms."""
        log = self.log
        if log is None or not self.is_leader or self.in_sync.proposal is not None:
            return
        end_offset = log.log_end_offset
        lagging = self.followers.lagging(self.in_sync.isr, end_offset)
        if lagging:
            _log.info(
                "Shrinking ISR",
                partition=str(self.topic_partition),
                isr=sorted(self.in_sync.isr),
                out_of_sync=lagging,
                high_watermark=self.high_watermark,
                end_offset=end_offset,
            )
            self._propose(self.in_sync.shrink(frozenset(lagging), self.leader_epoch, self.partition_epoch))

    def _expand_isr(self, follower: Follower) -> None:
        """Proposes that a follower joins, once it has all that was committed, in this epoch or before."""
        in_sync = self.in_sync
        start_offset = self.leader_epoch_start_offset
        if (
            follower.node_id not in in_sync.isr
            and in_sync.proposal is None
            and start_offset is not None
            and follower.log_end_offset >= max(self.high_watermark, start_offset)
            and self._host.is_alive(follower.node_id)
        ):
            self._propose(in_sync.expand(follower.node_id, self.leader_epoch, self.partition_epoch))

    def _propose(self, in_sync: InSyncReplicas) -> None:
        self.in_sync = in_sync
        if in_sync.proposal is not None:
            self._host.propose_isr(self, in_sync.proposal)

    def isr_changed(
        self, proposal: IsrProposal, isr: Iterable[int], leader_epoch: int, partition_epoch: int
    ) -> None:
        """The controller wrote an ISR for our proposal; no news if it told us of something newer since."""
        log = self.log
        if (
            self.in_sync.proposal is not proposal
            or log is None
            or leader_epoch != self.leader_epoch
            or partition_epoch < self.partition_epoch
        ):
            return
        self.in_sync = InSyncReplicas.committed(isr)
        self.partition_epoch = partition_epoch
        _log.info("ISR updated", partition=str(self.topic_partition), isr=sorted(self.in_sync.isr))
        self._advance_high_watermark(log, 0)

    def wait_for_fewer(self) -> None:
        """Advances the high watermark, if it waited for one that does not join the ISR after all: its broker
        is gone, say. Perhaps nobody appends or fetches any more who would have it looked at.
        """
        if self.log is not None and self.is_leader:
            self._advance_high_watermark(self.log, 0)

    def isr_refused(self, proposal: IsrProposal, code: int) -> None:
        """The controller refused our proposal.

        Only these two codes say that it was not applied and that our partition epoch is right. With others it
        stays pending, and the high watermark safe, until the controller speaks again.
        """
        if self.in_sync.proposal is not proposal:
            return
        if code in (ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.INELIGIBLE_REPLICA):
            self.in_sync = InSyncReplicas.committed(self.in_sync.listed)
            self.wait_for_fewer()
        elif code not in _AWAIT_CONTROLLER:
            _log.warn("ISR update failed, retrying", partition=str(self.topic_partition), code=code)
            self._host.propose_isr(self, proposal)
