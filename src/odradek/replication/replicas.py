"""Replicas: all partitions that this broker holds, and what the controller tells it to do with them.

Kafka: ReplicaManager, without its purgatories: who waits, waits in its own task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import NamedTuple, Protocol
from uuid import UUID

import trio

from odradek.clock import Clock, SystemClock
from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.log.log import Log
from odradek.log.log_directory import LogDirectory
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
)
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaPartitionState, StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaPartitionError, StopReplicaResponse
from odradek.replication.control_messages import (
    leader_and_isr_response,
    partition_states,
    refused_leader_and_isr,
    stop_states,
)
from odradek.replication.fetch_state import FetchState
from odradek.replication.high_watermarks import HighWatermarkFiles, HighWatermarks
from odradek.replication.partition import NO_EPOCH, Partition
from odradek.replication.partition_state import IsrProposal
from odradek.replication.relocations import FutureLogs, Relocations
from odradek.replication.replication_quota import ReplicationQuota
from odradek.telemetry import get_logger
from odradek.value_object import value_object

EPOCH_DURING_DELETE = -2
"""The leader epoch in a StopReplica for a topic that is being deleted; overrides every other."""


_log = get_logger(__name__)


class LogStore(HighWatermarkFiles, FutureLogs, Protocol):
    """What Replicas needs of the broker's logs; `odradek.log.logs.Logs`."""

    def get(self, topic_partition: TopicPartition) -> Log | None:
        """The log of a partition, None if there is none."""

    def create(
        self, topic_partition: TopicPartition, topic_id: UUID | None, config: LogConfig, *, is_new: bool
    ) -> Log:
        """The log, made if there is none, with that topic id.

        Raises StorageError, KafkaError(INCONSISTENT_TOPIC_ID).
        """

    async def delete(self, topic_partition: TopicPartition) -> None:
        """Takes a log away; its files go later. Raises StorageError."""

    async def checkpoint_recovery_points(self, directory: LogDirectory) -> None:
        """Replaces recovery-point-offset-checkpoint of a directory."""


class Followers(Protocol):
    """Those who follow other brokers' leaders; `odradek.replication.following.Following`."""

    def follow(self, states: Mapping[TopicPartition, tuple[int, FetchState]]) -> None:
        """Has partitions followed: each by its leader's id, from a state on."""

    def forget(self, names: Iterable[TopicPartition]) -> None:
        """Has partitions followed no longer."""

    def identify(self, name: TopicPartition, topic_id: UUID) -> None:
        """A partition that may be followed has another topic id now, or none."""

    def stop_idle(self) -> None:
        """Lets go of leaders that lead nothing of ours any more."""

    def propose_isr(self, partition: Partition, proposal: IsrProposal) -> None:
        """Asks the controller for an ISR."""


class _Changes(NamedTuple):
    """What one LeaderAndIsr made of this broker's partitions."""

    elected: list[Partition]
    resigned: list[Partition]
    followed: dict[TopicPartition, tuple[int, FetchState]]


@value_object
class ReplicaSettings:
    """The configs of these names, with their defaults."""

    high_watermark_checkpoint_interval_ms: int = 5000
    """replica.high.watermark.checkpoint.interval.ms"""
    lag_time_max_ms: int = 30_000
    """replica.lag.time.max.ms"""
    selects_by_rack: bool = False
    """replica.selector.class is the rack-aware one"""


class Replicas:
    """This broker's partitions; owned by the trio thread. `log_config` gives a topic's configuration."""

    def __init__(
        self,
        node_id: int,
        logs: LogStore,
        metadata: MetadataCache,
        log_config: Callable[[str], LogConfig],
        *,
        clock: Clock | None = None,
        settings: ReplicaSettings | None = None,
    ) -> None:
        self.node_id = node_id
        self.controller_epoch = 0
        """Of the newest controller that spoke; older ones are refused."""
        self._logs = logs
        self._metadata = metadata
        self._log_config = log_config
        self._clock = clock or SystemClock()
        self._settings = settings or ReplicaSettings()
        self.leader_quota: ReplicationQuota | None = None
        """What followers that are behind may fetch of us; None: anything."""
        self._followers: Followers | None = None
        self._relocations: Relocations | None = None
        self._high_watermarks = HighWatermarks(logs, self._current_high_watermarks)
        self._partitions: dict[str, dict[int, Partition]] = {}
        self._on_elected: list[Callable[[TopicPartition, int], None]] = []
        self._on_resigned: list[Callable[[TopicPartition], None]] = []
        self._alive: Set[int] = frozenset()
        metadata.subscribe(self._on_metadata)

    def follow_with(self, followers: Followers) -> None:
        """Has other brokers' leaders followed; without this, a broker is alone with its replicas."""
        self._followers = followers

    def relocate_with(self, relocations: Relocations) -> None:
        """Has moves between log directories go on with the controller's word, and while `run` does."""
        self._relocations = relocations

    # What partitions must know

    @property
    def selects_by_rack(self) -> bool:
        """Whether consumers are sent to the replica in their rack."""
        return self._settings.selects_by_rack

    @property
    def replica_lag_time_max_ms(self) -> int:
        return self._settings.lag_time_max_ms

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def is_alive(self, node_id: int) -> bool:
        return node_id in self._metadata.snapshot.brokers

    def _on_metadata(self) -> None:
        alive = self._metadata.snapshot.brokers.keys()
        is_any_gone = not self._alive <= alive
        self._alive = alive
        if is_any_gone:
            for partitions in self._partitions.values():
                for partition in partitions.values():
                    partition.wait_for_fewer()

    def propose_isr(self, partition: Partition, proposal: IsrProposal) -> None:
        if self._followers is not None:
            self._followers.propose_isr(partition, proposal)

    async def settle_truncation(self, log: Log, *, is_below_recovery_point: bool) -> None:
        """Has it on disk that a log was cut, before anything is written there: after a crash nothing is back,
        and what came is checked.
        """
        await log.flush_end()
        if is_below_recovery_point:
            await self._logs.checkpoint_recovery_points(log.directory)

    # Lookups

    def __iter__(self) -> Iterator[Partition]:
        for partitions in self._partitions.values():
            yield from partitions.values()

    def partition(self, topic_partition: TopicPartition) -> Partition | None:
        """The replica on this broker, leader or not; None if there is none."""
        return self.find(topic_partition.topic, topic_partition.partition)

    def find(self, topic: str, partition: int) -> Partition | None:
        """As `partition`, for requests, which name partitions by two fields."""
        partitions = self._partitions.get(topic)
        return None if partitions is None else partitions.get(partition)

    def has_log(self, topic_partition: TopicPartition) -> bool:
        """Whether there is a log here, led or followed or of before the start."""
        return self._logs.get(topic_partition) is not None

    def hosted(self, topic: str, partition: int) -> Partition:
        """The replica on this broker, for a request that needs one.

        Raises KafkaError: KAFKA_STORAGE_ERROR if its log directory failed, NOT_LEADER_OR_FOLLOWER if it is
        elsewhere, UNKNOWN_TOPIC_OR_PARTITION if it is nowhere.
        """
        found = self.find(topic, partition)
        if found is None:
            name = TopicPartition(topic, partition)
            is_elsewhere = self._metadata.snapshot.partition(name) is not None
            raise KafkaError(
                ErrorCode.NOT_LEADER_OR_FOLLOWER if is_elsewhere else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                f"Error while fetching partition state for {name}",
            )
        if found.is_offline:
            raise KafkaError(
                ErrorCode.KAFKA_STORAGE_ERROR,
                f"Partition {found.topic_partition} is in an offline log directory",
            )
        return found

    def leader(self, topic_partition: TopicPartition, current_leader_epoch: int = NO_EPOCH) -> Partition:
        """The replica, if this broker leads it in that epoch (-1: in any).

        Raises KafkaError as `hosted` and `Partition.local_log`.
        """
        partition = self.hosted(topic_partition.topic, topic_partition.partition)
        partition.local_log(current_leader_epoch)
        return partition

    # Who wants to know

    def subscribe(
        self, on_elected: Callable[[TopicPartition, int], None], on_resigned: Callable[[TopicPartition], None]
    ) -> None:
        """Has `on_elected(partition, leader_epoch)` called when this broker becomes a partition's leader, and
        `on_resigned(partition)` when another one does or the partition goes; they must not raise.
        """
        self._on_elected.append(on_elected)
        self._on_resigned.append(on_resigned)

    def apply_topic_config(self, topic: str, config: LogConfig) -> None:
        """A topic's configuration changed: it holds from the next append on."""
        for partition in self._partitions.get(topic, {}).values():
            for log in partition.logs:
                log.config = config

    # The controller's requests

    def heed_controller(self, controller_id: int, controller_epoch: int) -> bool:
        """Whether a controller is to be obeyed: none newer has spoken. Remembers the newest."""
        if controller_epoch < self.controller_epoch:
            _log.warn("stale controller ignored", controller=controller_id, epoch=controller_epoch)
            return False
        self.controller_epoch = controller_epoch
        return True

    def apply_leader_and_isr(self, request: LeaderAndIsrRequest, version: int = 7) -> LeaderAndIsrResponse:
        """Makes this broker leader or follower of the partitions named; `version` shapes the response."""
        if not self.heed_controller(request.controller_id, request.controller_epoch):
            return refused_leader_and_isr(request, ErrorCode.STALE_CONTROLLER_EPOCH, version)
        topic_ids = {topic.topic_name: topic.topic_id for topic in request.topic_states}
        errors: dict[TopicPartition, ErrorCode] = {}
        changes = _Changes([], [], {})
        is_kraft = request.is_kraft_controller
        for topic, state in partition_states(request):
            name = TopicPartition(topic, state.partition_index)
            topic_id = topic_ids.get(topic, NO_TOPIC_ID)
            try:
                self._apply_state(self._host(name), state, topic_id, changes, is_kraft=is_kraft)
                errors[name] = ErrorCode.NONE
            except KafkaError as error:
                errors[name] = ErrorCode(error.code)
                # A controller elected anew says again what holds: no news, however many partitions there are.
                is_known = error.code == ErrorCode.STALE_CONTROLLER_EPOCH
                say = _log.debug if is_known else _log.warn
                say("partition state refused", partition=str(name), error=str(error))
        if self._followers is not None:
            self._followers.follow(changes.followed)
            self._followers.stop_idle()
        for partition in changes.elected:
            for on_elected in self._on_elected:
                on_elected(partition.topic_partition, partition.leader_epoch)
        for partition in changes.resigned:
            self._tell_resigned(partition.topic_partition)
        return leader_and_isr_response(ErrorCode.NONE, errors, topic_ids, version)

    def _host(self, name: TopicPartition) -> Partition:
        partitions = self._partitions.setdefault(name.topic, {})
        partition = partitions.get(name.partition)
        if partition is None:
            partition = partitions[name.partition] = Partition(name, self)
        return partition

    def _apply_state(
        self,
        partition: Partition,
        state: LeaderAndIsrPartitionState,
        topic_id: UUID,
        changes: _Changes,
        *,
        is_kraft: bool,
    ) -> None:
        """Kafka: becomeLeaderOrFollower for one partition. Raises KafkaError with the code to answer."""
        if partition.is_offline:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        known_id = partition.topic_id
        if NO_TOPIC_ID not in (topic_id, known_id) and topic_id != known_id:
            raise KafkaError(ErrorCode.INCONSISTENT_TOPIC_ID, f"topic id {topic_id}, in memory {known_id}")
        if state.leader_epoch < partition.leader_epoch:
            raise KafkaError(ErrorCode.STALE_CONTROLLER_EPOCH, "the leader epoch is older than ours")
        if state.leader_epoch == partition.leader_epoch and not is_kraft:
            self._apply_topic_id(partition, state, topic_id)
            return
        if self.node_id not in state.replicas:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "this broker is not among the replicas")
        if state.leader == self.node_id:
            self._lead(partition, state, topic_id, changes)
        else:
            self._follow(partition, state, topic_id, changes)

    def _apply_topic_id(
        self, partition: Partition, state: LeaderAndIsrPartitionState, topic_id: UUID
    ) -> None:
        """In the leader epoch that we have, only the topic id may be news."""
        known_id = partition.topic_id
        is_given = partition.log is not None and known_id == NO_TOPIC_ID != topic_id
        is_taken = topic_id == NO_TOPIC_ID != known_id and state.leader != self.node_id
        if not is_given and not is_taken:
            raise KafkaError(ErrorCode.STALE_CONTROLLER_EPOCH, "the leader epoch is the one we have")
        if is_given:
            for log in partition.logs:
                log.assign_topic_id(topic_id)
        if state.leader != self.node_id and self._followers is not None:
            self._followers.identify(partition.topic_partition, topic_id)

    def _lead(
        self, partition: Partition, state: LeaderAndIsrPartitionState, topic_id: UUID, changes: _Changes
    ) -> None:
        """Raises StorageError, KafkaError(INCONSISTENT_TOPIC_ID)."""
        if self._followers is not None:
            self._followers.forget([partition.topic_partition])
        if state.partition_epoch < partition.partition_epoch:
            return
        log = partition.log or self._open_log(partition, topic_id, is_new=state.is_new)
        if partition.become_leader(state, log):
            changes.elected.append(partition)

    def _follow(
        self, partition: Partition, state: LeaderAndIsrPartitionState, topic_id: UUID, changes: _Changes
    ) -> None:
        """Raises StorageError, KafkaError(INCONSISTENT_TOPIC_ID)."""
        name = partition.topic_partition
        if not self.is_alive(state.leader):
            # Without a leader nothing changes, but that the high watermark goes into the checkpoint.
            _log.debug("no leader to follow", partition=str(name), leader=state.leader)
            if partition.log is None:
                partition.log = self._open_log(partition, topic_id, is_new=state.is_new)
            return
        if state.partition_epoch < partition.partition_epoch:
            return
        log = partition.log or self._open_log(partition, topic_id, is_new=state.is_new)
        was_leader = partition.is_leader
        if not partition.become_follower(state, log):
            return
        if was_leader:
            changes.resigned.append(partition)
        if self._followers is not None:
            self._followers.forget([name])
        changes.followed[name] = (
            state.leader,
            FetchState.initial(
                log_end_offset=log.log_end_offset,
                high_watermark=partition.high_watermark,
                latest_epoch=log.latest_epoch,
                leader_epoch=partition.leader_epoch,
                topic_id=partition.topic_id,
            ),
        )

    def _open_log(self, partition: Partition, topic_id: UUID, *, is_new: bool) -> Log:
        """The partition's log, found or created, and its high watermark of before the restart.

        Raises StorageError, KafkaError(INCONSISTENT_TOPIC_ID).
        """
        name = partition.topic_partition
        config = self._log_config(name.topic)
        log = self._logs.create(name, None if topic_id == NO_TOPIC_ID else topic_id, config, is_new=is_new)
        log.config = config
        written = self._high_watermarks.of(name)
        partition.high_watermark = min(max(written, log.log_start_offset), log.log_end_offset)
        log.on_high_watermark(partition.high_watermark)
        if self._relocations is not None:
            self._relocations.resume(partition, log)
        return log

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        """Lets go of the partitions named, and deletes the logs of those that are to be deleted."""
        if not self.heed_controller(request.controller_id, request.controller_epoch):
            return StopReplicaResponse(error_code=ErrorCode.STALE_CONTROLLER_EPOCH)
        codes: dict[TopicPartition, ErrorCode] = {}
        doomed: list[TopicPartition] = []
        for topic, state in stop_states(request):
            name = TopicPartition(topic, state.partition_index)
            codes[name] = ErrorCode.NONE
            try:
                self._let_go(name, state)
            except KafkaError as error:
                codes[name] = _stop_failed(name, error)
            else:
                if state.delete_partition:
                    doomed.append(name)
        await self._high_watermarks.forget(doomed)
        for name in doomed:
            try:
                await self._logs.delete(name)
            except KafkaError as error:
                codes[name] = _stop_failed(name, error)
                # Asked again, it is not gone either: the directory may work after a restart.
                self._host(name).log = self._logs.get(name)
        if self._followers is not None:
            self._followers.stop_idle()
        return StopReplicaResponse(
            partition_errors=[
                StopReplicaPartitionError(name.topic, name.partition, code) for name, code in codes.items()
            ]
        )

    def _let_go(self, name: TopicPartition, state: StopReplicaPartitionState) -> None:
        """Raises KafkaError: KAFKA_STORAGE_ERROR, FENCED_LEADER_EPOCH."""
        partition = self.partition(name)
        if partition is not None:
            if partition.is_offline:
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
            if (
                state.leader_epoch not in (EPOCH_DURING_DELETE, NO_EPOCH)
                and state.leader_epoch < partition.leader_epoch
            ):
                raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
        if self._followers is not None:
            self._followers.forget([name])
        if not state.delete_partition:
            # It only follows no longer: a leader leads until the controller names another.
            return
        if partition is not None:
            del self._partitions[name.topic][name.partition]
            if not self._partitions[name.topic]:
                del self._partitions[name.topic]
            was_leader = partition.is_leader
            partition.resign()
            if was_leader:
                self._tell_resigned(name)

    def _tell_resigned(self, name: TopicPartition) -> None:
        for on_resigned in self._on_resigned:
            on_resigned(name)

    # From time to time

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Checkpoints the high watermarks and shrinks ISRs from time to time, and moves logs; runs until
        cancelled.
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._checkpoint_often)
                nursery.start_soon(self._shrink_isrs_often)
                if self._relocations is not None:
                    self._relocations.work_in(nursery)
                task_status.started()
        finally:
            if self._relocations is not None:
                self._relocations.work_in(None)

    async def _checkpoint_often(self) -> None:
        interval_ms = self._settings.high_watermark_checkpoint_interval_ms
        # Without an interval Kafka writes them as it starts, which says nothing, and as it stops.
        while interval_ms > 0:
            await trio.sleep(interval_ms / 1000)
            await self.checkpoint_high_watermarks()

    async def _shrink_isrs_often(self) -> None:
        interval_ms = self._settings.lag_time_max_ms // 2
        while interval_ms > 0:
            await trio.sleep(interval_ms / 1000)
            for partition in list(self):
                partition.shrink_isr()

    async def checkpoint_high_watermarks(self) -> None:
        """Writes them now; the broker's orderly stop does before it closes the logs."""
        await self._high_watermarks.write()

    def _current_high_watermarks(self) -> dict[TopicPartition, int]:
        return {
            partition.topic_partition: partition.high_watermark
            for partition in self
            if partition.log is not None
        }


def _stop_failed(name: TopicPartition, error: KafkaError) -> ErrorCode:
    _log.warn("stop of replica failed", partition=str(name), error=str(error))
    return ErrorCode(error.code)
