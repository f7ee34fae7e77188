"""Replicas: all partitions that this broker holds, and what the controller tells it to do with them.

Kafka: ReplicaManager, without its purgatories: who waits, waits in its own task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol
from uuid import UUID

import trio

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.log.log import Log
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
)
from odradek.protocol.generated.leader_and_isr_response import (
    LeaderAndIsrPartitionError,
    LeaderAndIsrResponse,
    LeaderAndIsrTopicError,
)
from odradek.protocol.generated.stop_replica_request import StopReplicaPartitionState, StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaPartitionError, StopReplicaResponse
from odradek.replication.partition import NO_EPOCH, Partition
from odradek.telemetry import get_logger

EPOCH_DURING_DELETE = -2
"""The leader epoch in a StopReplica for a topic that is being deleted; overrides every other."""

DEFAULT_CHECKPOINT_INTERVAL_MS = 5000
"""replica.high.watermark.checkpoint.interval.ms"""

_log = get_logger(__name__)


class LogStore(Protocol):
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

    def read_high_watermarks(self) -> dict[TopicPartition, int]:
        """replication-offset-checkpoint of all directories."""

    async def write_high_watermarks(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Replaces replication-offset-checkpoint in each directory by the offsets of its partitions."""


class Replicas:
    """This broker's partitions; owned by the trio thread. `log_config` gives a topic's configuration."""

    def __init__(
        self,
        node_id: int,
        logs: LogStore,
        metadata: MetadataCache,
        log_config: Callable[[str], LogConfig],
        *,
        checkpoint_interval_ms: int = DEFAULT_CHECKPOINT_INTERVAL_MS,
    ) -> None:
        self.node_id = node_id
        self.controller_epoch = 0
        """Of the newest controller that spoke; older ones are refused."""
        self._logs = logs
        self._metadata = metadata
        self._log_config = log_config
        self._checkpoint_interval_ms = checkpoint_interval_ms
        self._checkpointed: Mapping[TopicPartition, int] | None = None
        self._partitions: dict[str, dict[int, Partition]] = {}
        self._on_elected: list[Callable[[TopicPartition, int], None]] = []
        self._on_resigned: list[Callable[[TopicPartition], None]] = []

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
            if partition.log is not None:
                partition.log.config = config

    # The controller's requests

    def apply_leader_and_isr(self, request: LeaderAndIsrRequest, version: int = 7) -> LeaderAndIsrResponse:
        """Makes this broker leader or follower of the partitions named; `version` shapes the response."""
        if request.controller_epoch < self.controller_epoch:
            _log.warn(
                "stale controller ignored", controller=request.controller_id, epoch=request.controller_epoch
            )
            return _leader_and_isr_response(ErrorCode.STALE_CONTROLLER_EPOCH, {}, {}, version)
        self.controller_epoch = request.controller_epoch
        topic_ids = {topic.topic_name: topic.topic_id for topic in request.topic_states}
        errors: dict[TopicPartition, ErrorCode] = {}
        elected: list[Partition] = []
        resigned: list[Partition] = []
        for topic, state in _partition_states(request):
            name = TopicPartition(topic, state.partition_index)
            try:
                self._apply_state(
                    self._host(name), state, topic_ids.get(topic, NO_TOPIC_ID), elected, resigned
                )
                errors[name] = ErrorCode.NONE
            except KafkaError as error:
                errors[name] = ErrorCode(error.code)
                # A controller elected anew says again what holds: no news, however many partitions there are.
                is_known = error.code == ErrorCode.STALE_CONTROLLER_EPOCH
                say = _log.debug if is_known else _log.warn
                say("partition state refused", partition=str(name), error=str(error))
        for partition in elected:
            for on_elected in self._on_elected:
                on_elected(partition.topic_partition, partition.leader_epoch)
        for partition in resigned:
            self._tell_resigned(partition.topic_partition)
        return _leader_and_isr_response(ErrorCode.NONE, errors, topic_ids, version)

    def _host(self, name: TopicPartition) -> Partition:
        partitions = self._partitions.setdefault(name.topic, {})
        partition = partitions.get(name.partition)
        if partition is None:
            partition = partitions[name.partition] = Partition(name, self.node_id)
        return partition

    def _apply_state(
        self,
        partition: Partition,
        state: LeaderAndIsrPartitionState,
        topic_id: UUID,
        elected: list[Partition],
        resigned: list[Partition],
    ) -> None:
        """Kafka: becomeLeaderOrFollower for one partition. Raises KafkaError with the code to answer."""
        if partition.is_offline:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        known_id = partition.topic_id
        if NO_TOPIC_ID not in (topic_id, known_id) and topic_id != known_id:
            raise KafkaError(ErrorCode.INCONSISTENT_TOPIC_ID, f"topic id {topic_id}, in memory {known_id}")
        if state.leader_epoch < partition.leader_epoch:
            raise KafkaError(ErrorCode.STALE_CONTROLLER_EPOCH, "the leader epoch is older than ours")
        if state.leader_epoch == partition.leader_epoch:
            if partition.log is not None and known_id == NO_TOPIC_ID != topic_id:
                partition.log.assign_topic_id(topic_id)
                return
            raise KafkaError(ErrorCode.STALE_CONTROLLER_EPOCH, "the leader epoch is the one we have")
        if self.node_id not in state.replicas:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "this broker is not among the replicas")
        if state.partition_epoch < partition.partition_epoch:
            return
        log = partition.log or self._open_log(partition, topic_id, is_new=state.is_new)
        was_leader = partition.is_leader
        if state.leader == self.node_id:
            if partition.become_leader(state, log):
                elected.append(partition)
        elif partition.become_follower(state, log) and was_leader:
            resigned.append(partition)

    def _open_log(self, partition: Partition, topic_id: UUID, *, is_new: bool) -> Log:
        """The partition's log, found or created, and its high watermark of before the restart.

        Raises StorageError, KafkaError(INCONSISTENT_TOPIC_ID).
        """
        name = partition.topic_partition
        config = self._log_config(name.topic)
        log = self._logs.create(name, None if topic_id == NO_TOPIC_ID else topic_id, config, is_new=is_new)
        log.config = config
        if self._checkpointed is None:
            self._checkpointed = self._logs.read_high_watermarks()
        checkpointed = self._checkpointed.get(name, 0)
        partition.high_watermark = min(max(checkpointed, log.log_start_offset), log.log_end_offset)
        log.on_high_watermark(partition.high_watermark)
        return log

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        """Lets go of the partitions named, and deletes the logs of those that are to be deleted."""
        if request.controller_epoch < self.controller_epoch:
            return StopReplicaResponse(error_code=ErrorCode.STALE_CONTROLLER_EPOCH)
        self.controller_epoch = request.controller_epoch
        errors: list[StopReplicaPartitionError] = []
        for topic, state in _stop_states(request):
            name = TopicPartition(topic, state.partition_index)
            try:
                await self._stop(name, state)
                code = ErrorCode.NONE
            except KafkaError as error:
                code = ErrorCode(error.code)
                _log.warn("stop of replica failed", partition=str(name), error=str(error))
            errors.append(StopReplicaPartitionError(name.topic, name.partition, code))
        return StopReplicaResponse(partition_errors=errors)

    async def _stop(self, name: TopicPartition, state: StopReplicaPartitionState) -> None:
        partition = self.partition(name)
        if partition is not None:
            if partition.is_offline:
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
            if (
                state.leader_epoch not in (EPOCH_DURING_DELETE, NO_EPOCH)
                and state.leader_epoch < partition.leader_epoch
            ):
                raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
            if state.delete_partition:
                del self._partitions[name.topic][name.partition]
                if not self._partitions[name.topic]:
                    del self._partitions[name.topic]
            was_leader = partition.is_leader
            partition.resign()
            if was_leader:
                self._tell_resigned(name)
        if state.delete_partition and self._logs.get(name) is not None:
            await self._logs.delete(name)

    def _tell_resigned(self, name: TopicPartition) -> None:
        for on_resigned in self._on_resigned:
            on_resigned(name)

    # The high watermarks' checkpoint

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Checkpoints the high watermarks from time to time; runs until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(self._checkpoint_interval_ms / 1000)
            await self.checkpoint_high_watermarks()

    async def checkpoint_high_watermarks(self) -> None:
        """Writes them now; the broker's orderly stop does before it closes the logs."""
        await self._logs.write_high_watermarks(
            {
                partition.topic_partition: partition.high_watermark
                for partition in self
                if partition.log is not None
            }
        )


def _partition_states(request: LeaderAndIsrRequest) -> Iterator[tuple[str, LeaderAndIsrPartitionState]]:
    """(topic, state); versions below 2 do not group by topic."""
    for state in request.ungrouped_partition_states:
        yield state.topic_name, state
    for topic in request.topic_states:
        for state in topic.partition_states:
            yield topic.topic_name, state


def _stop_states(request: StopReplicaRequest) -> Iterator[tuple[str, StopReplicaPartitionState]]:
    """(topic, state), whichever of its three shapes the request has."""
    for topic in request.topic_states:
        for state in topic.partition_states:
            yield topic.topic_name, state
    delete = request.delete_partitions
    for old in request.topics:
        for index in old.partition_indexes:
            yield old.name, StopReplicaPartitionState(index, NO_EPOCH, delete)
    for oldest in request.ungrouped_partitions:
        yield oldest.topic_name, StopReplicaPartitionState(oldest.partition_index, NO_EPOCH, delete)


def _leader_and_isr_response(
    code: ErrorCode,
    errors: Mapping[TopicPartition, ErrorCode],
    topic_ids: Mapping[str, UUID],
    version: int,
) -> LeaderAndIsrResponse:
    if version < 5:
        return LeaderAndIsrResponse(
            error_code=code,
            partition_errors=[
                LeaderAndIsrPartitionError(name.topic, name.partition, error)
                for name, error in errors.items()
            ],
        )
    topics: dict[UUID, LeaderAndIsrTopicError] = {}
    for name, error in errors.items():
        topic_id = topic_ids.get(name.topic, NO_TOPIC_ID)
        topic = topics.setdefault(topic_id, LeaderAndIsrTopicError(topic_id))
        topic.partition_errors.append(
            LeaderAndIsrPartitionError(partition_index=name.partition, error_code=error)
        )
    return LeaderAndIsrResponse(error_code=code, topics=list(topics.values()))
