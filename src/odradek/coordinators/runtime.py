"""Runs one coordinator: its shards come with the partitions of an internal topic that this broker leads.

Generic over the shard: groups over `__consumer_offsets`, transactions over `__transaction_state`.
Elections load a shard from its log, resignations unload it; in between every command for a key goes to
the shard of the key's partition. Owned by the task in `run`.

What only a shard needs is imported with the first one: a broker that starts has none, and it would be 8 of
the start's 230 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import trio

from odradek.clock import Clock
from odradek.coordinators.journal import Journal, JournalSettings
from odradek.coordinators.partitioner import partition_for
from odradek.errors import KafkaError
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.telemetry import get_logger
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.coordinators.hosted_shard import HostedShard
    from odradek.coordinators.outcome import Reply
    from odradek.coordinators.shard import Shard

ShardT = TypeVar("ShardT", bound="Shard")

_log = get_logger(__name__)


class InternalTopic(Protocol):
    """The internal topic as this coordinator needs it."""

    name: str

    def partition_count(self) -> int:
        """How many partitions it has, or will have once it is created."""

    def journal(self, partition: int) -> Journal:
        """The partition to write to; raises KafkaError if this broker does not lead it."""


@value_object
class Upkeep:
    """A command that every loaded shard is given at regular intervals, the first at once (Kafka does so)."""

    new_command: Callable[[], Any]
    interval_ms: int


@dataclass(slots=True, eq=False, repr=False)
class _Place:
    """A partition that this broker leads. `hosted` is None while it loads."""

    leader_epoch: int
    scope: trio.CancelScope
    hosted: HostedShard[Any] | None = None


class CoordinatorRuntime(Generic[ShardT]):
    """The coordinator of every key whose partition this broker leads."""

    def __init__(
        self,
        topic: InternalTopic,
        new_shard: Callable[[], ShardT],
        clock: Clock,
        settings: JournalSettings,
        upkeep: Upkeep | None = None,
    ) -> None:
        self._topic = topic
        self._new_shard = new_shard
        self._clock = clock
        self._settings = settings
        self._upkeep = upkeep
        self._places: dict[int, _Place] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Host shards until cancelled; then whoever waits is told COORDINATOR_NOT_AVAILABLE."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                try:
                    if self._upkeep is not None:
                        nursery.start_soon(self._keep_up, self._upkeep)
                    task_status.started()
                    await trio.sleep_forever()
                finally:
                    self._nursery = None  # before it is closed: replicas may still be elected
        finally:
            for partition in list(self._places):
                self._unload(partition, ErrorCode.COORDINATOR_NOT_AVAILABLE)

    async def _keep_up(self, upkeep: Upkeep) -> None:
        while True:
            for place in list(self._places.values()):
                if place.hosted is not None:
                    await place.hosted.keep_up(upkeep.new_command())
            await trio.sleep(upkeep.interval_ms / 1000)

    # -- what callers ask --------------------------------------------------------------------------------

    def partition_for(self, key: str) -> int:
        """The partition of the internal topic that holds this key."""
        return partition_for(key, self._topic.partition_count())

    async def execute(self, key: str, command: Any) -> Reply:
        """Handle a command about `key`.

        Raises KafkaError: COORDINATOR_NOT_AVAILABLE when the runtime does not run, NOT_COORDINATOR when
        another broker leads the key's partition, COORDINATOR_LOAD_IN_PROGRESS while it is loaded, and
        what the shard refuses the command with.
        """
        if self._nursery is None:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        place = self._places.get(self.partition_for(key))
        if place is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        if place.hosted is None:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        return await place.hosted.execute(command)

    async def execute_everywhere(self, command: Any) -> list[Reply]:
        """Let every loaded shard handle the command; their answers in the order of partitions."""
        if self._nursery is None:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        replies = []
        for _, place in sorted(self._places.items()):
            if place.hosted is not None:
                try:
                    replies.append(await place.hosted.execute(command))
                except KafkaError as error:
                    if error.code != ErrorCode.NOT_COORDINATOR:  # resigned while it was asked
                        raise
        return replies

    def tell_everywhere(self, command: Any) -> None:
        """Have every loaded shard handle a command whose answer nobody waits for."""
        if self._nursery is None:
            return
        for _, place in sorted(self._places.items()):
            if place.hosted is not None:
                self._nursery.start_soon(place.hosted.keep_up, command)

    @property
    def is_loading(self) -> bool:
        """Whether some partition that this broker leads is not loaded yet."""
        return any(place.hosted is None for place in self._places.values())

    # -- leadership --------------------------------------------------------------------------------------

    def on_elected(self, topic_partition: TopicPartition, leader_epoch: int) -> None:
        """This broker leads the partition from `leader_epoch` on: load it, unless that is done or old."""
        if topic_partition.topic != self._topic.name or self._nursery is None:
            return
        partition = topic_partition.partition
        place = self._places.get(partition)
        if place is not None:
            # Leadership never left, so nobody else has written: what is in memory is what is in the log.
            place.leader_epoch = max(place.leader_epoch, leader_epoch)
            return
        place = self._places[partition] = _Place(leader_epoch, trio.CancelScope())
        self._nursery.start_soon(self._host, topic_partition, place)

    def on_resigned(self, topic_partition: TopicPartition) -> None:
        """This broker leads the partition no longer."""
        if topic_partition.topic == self._topic.name:
            self._unload(topic_partition.partition, ErrorCode.NOT_COORDINATOR)

    def _unload(self, partition: int, code: ErrorCode) -> None:
        place = self._places.pop(partition, None)
        if place is None:
            return
        place.scope.cancel()
        if place.hosted is not None:
            place.hosted.close(KafkaError(code))

    async def _host(self, topic_partition: TopicPartition, place: _Place) -> None:
        with place.scope:
            await self._load_and_run(topic_partition, place)

    async def _load_and_run(self, topic_partition: TopicPartition, place: _Place) -> None:
        from odradek.coordinators.hosted_shard import HostedShard
        from odradek.coordinators.loading import load

        shard = self._new_shard()
        started = self._clock.monotonic()
        try:
            journal = self._topic.journal(topic_partition.partition)
            await load(journal, shard, str(topic_partition))
        except KafkaError as error:
            # Leadership or the disk was lost meanwhile; the resignation is on its way.
            _log.warn("coordinator not loaded", partition=str(topic_partition), reason=str(error))
            return
        hosted = HostedShard(shard, journal, self._clock, self._settings)
        hosted.start()
        place.hosted = hosted
        _log.debug(
            "coordinator loaded",
            partition=str(topic_partition),
            leader_epoch=place.leader_epoch,
            took_ms=round((self._clock.monotonic() - started) * 1000),
        )
        await hosted.run()
