"""Fetcher: follows the partitions of one leader, fetching what they lack over one connection.

One task a fetcher: cut what must be cut, fetch, append, again. What went wrong with one partition delays that
partition; what went wrong with the connection delays all. A partition whose disk fails, or whose leader epoch
is not the leader's, leaves the fetcher and is taken up again with the controller's next word.

A partition may be removed, added and cut while a fetch is on its way: an answer counts only where it
continues from where the partition still is.

Kafka: AbstractFetcherThread, ReplicaFetcherThread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol
from uuid import UUID

import trio

from odradek.errors import KafkaError, MalformedMessage, StorageError
from odradek.log.log import Log
from odradek.metadata.topic_partition import TopicPartition
from odradek.peers.transport import PeerUnreachable
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_response import PartitionData
from odradek.replication.fetch_settings import FetchSettings
from odradek.replication.fetch_state import NO_EPOCH, FetchState, truncation_offset
from odradek.replication.leader_session import AskedPartition, SessionFetch
from odradek.replication.partition import Partition
from odradek.replication.remote_leader import RemoteLeader
from odradek.replication.replication_quota import ReplicationQuota
from odradek.telemetry import get_logger

LATEST = -1
EARLIEST = -2
"""Timestamps in ListOffsets that are no time."""

_log = get_logger(__name__)

_TOO_EARLY = frozenset(
    {
        ErrorCode.UNKNOWN_LEADER_EPOCH,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_ID,
    }
)
"""What a leader says that has not heard of its election yet, or of the topic."""

_FIRST_PAUSE_S = 0.01
"""Before such a leader is asked again; twice as long each time. Kafka's follower waits for
replica.fetch.backoff.ms at once, and so does every producer with acks=all after a failover."""


class FetcherHost(Protocol):
    """What a fetcher needs of its broker; `Replicas`."""

    def find(self, topic: str, partition: int) -> Partition | None:
        """The replica on this broker."""

    async def settle_truncation(self, log: Log, *, is_below_recovery_point: bool) -> None:
        """Has it on disk that a log was cut. Raises StorageError."""


class Fetcher:
    """One leader's partitions on this broker. Owned by the trio thread; `run` is its task."""

    def __init__(
        self,
        leader: RemoteLeader,
        host: FetcherHost,
        quota: ReplicationQuota,
        settings: FetchSettings,
    ) -> None:
        self.partitions: dict[TopicPartition, FetchState] = {}
        """In the order in which they are fetched; one that made progress goes to the end."""
        self.failed: set[TopicPartition] = set()
        self._leader = leader
        self._host = host
        self._quota = quota
        self._settings = settings
        self._changed = trio.Event()
        self._is_cut_off = False
        self._in_trouble: set[TopicPartition] = set()
        """Those of which it was said already that following them goes wrong."""
        self._to_flush: dict[TopicPartition, None] = {}
        """Those that may hold what was appended before they were followed, and is not on disk."""

    # From the controller's requests

    def add(self, states: Mapping[TopicPartition, FetchState]) -> None:
        """Follows more partitions; one that is followed in that leader epoch already goes on as it was."""
        for name, state in states.items():
            known = self.partitions.pop(name, None)
            is_known = known is not None and known.leader_epoch == state.leader_epoch
            self.partitions[name] = known if is_known and known is not None else state
            self.failed.discard(name)
            self._to_flush[name] = None
        self._changed.set()

    def remove(self, names: Iterable[TopicPartition]) -> None:
        """Follows these no longer."""
        for name in names:
            self.partitions.pop(name, None)
            self.failed.discard(name)
            self._in_trouble.discard(name)

    def identify(self, name: TopicPartition, topic_id: UUID) -> None:
        """The topic of a partition has another id now, or none."""
        state = self.partitions.get(name)
        if state is not None:
            self.partitions[name] = replace(state, topic_id=topic_id)

    # The task

    async def run(self) -> None:
        """Follows, until cancelled."""
        try:
            while True:
                try:
                    await self._follow()
                except Exception as error:  # noqa: BLE001 - our bug costs time, and not the broker
                    _log.error("unexpected error while following a leader, trying again", exc_info=error)
                    await trio.sleep(self._settings.backoff_ms / 1000)
        finally:
            with trio.move_on_after(1, shield=True):
                await self._leader.aclose()

    async def _follow(self) -> None:
        """One turn."""
        await self._truncate_without_epochs()
        await self._flush_what_was_led()
        fetch = self._leader.prepare(self._wanted())
        if fetch.is_empty:
            await self._wait_for_work()
        else:
            await self._fetch(fetch)

    async def _flush_what_was_led(self) -> None:
        """With flush.messages: the first fetch tells the leader that this broker holds all up to there."""
        while self._to_flush:
            name, _ = self._to_flush.popitem()
            log = self._log_of(name)
            if log is None or not log.is_flush_due:
                continue
            try:
                await log.flush()
            except StorageError as error:
                self._complain("error while following a leader", name, error=str(error))
                self._fail(name)

    async def _wait_for_work(self) -> None:
        self._changed = trio.Event()
        now = trio.current_time()
        delays = [
            state.delayed_until - now for state in self.partitions.values() if state.delayed_until > now
        ]
        with trio.move_on_after(min(delays, default=self._settings.backoff_ms / 1000)):
            await self._changed.wait()

    def _wanted(self) -> dict[TopicPartition, AskedPartition]:
        now = trio.current_time()
        wanted: dict[TopicPartition, AskedPartition] = {}
        offline: list[TopicPartition] = []
        is_exceeded = self._quota.is_exceeded()
        for name, state in self.partitions.items():
            if not state.is_ready(now):
                continue
            log = self._log_of(name)
            if log is None:
                offline.append(name)
                continue
            if is_exceeded and not state.is_in_sync and self._is_throttled(name, log):
                continue
            wanted[name] = AskedPartition(
                state.topic_id,
                state.fetch_offset,
                log.log_start_offset,
                self._settings.max_bytes,
                state.leader_epoch,
                NO_EPOCH if state.last_fetched_epoch is None else state.last_fetched_epoch,
            )
        self._delay(offline)
        return wanted

    def _log_of(self, name: TopicPartition) -> Log | None:
        partition = self._host.find(name.topic, name.partition)
        return None if partition is None or partition.is_offline else partition.log

    def _is_throttled(self, name: TopicPartition, log: Log) -> bool:
        return self._quota.is_throttled(name, log.config.follower_replication_throttled_replicas)

    def _delay(self, names: Collection[TopicPartition]) -> None:
        now = trio.current_time()
        until = now + self._settings.backoff_ms / 1000
        for name in names:
            state = self.partitions.pop(name, None)
            if state is not None:
                self.partitions[name] = state.delay(until, now)

    def _pause(self, name: TopicPartition, state: FetchState) -> None:
        """Ask a leader again that is about to hear of its election."""
        pause_s = min(_FIRST_PAUSE_S * 2**state.early_attempts, self._settings.backoff_ms / 1000)
        del self.partitions[name]
        self.partitions[name] = state.pause(trio.current_time() + pause_s)

    def _leave(self, name: TopicPartition) -> None:
        """Follow it no longer, until the controller's next word."""
        self.partitions.pop(name, None)
        self.failed.add(name)

    def _fail(self, name: TopicPartition) -> None:
        self._leave(name)
        _log.warn("partition marked as failed", partition=str(name))

    async def _fetch(self, fetch: SessionFetch) -> None:
        try:
            fetched = await self._leader.fetch(fetch)
        except (PeerUnreachable, MalformedMessage, KafkaError) as error:
            # One line for each time that a leader is away, not one for each attempt.
            say = _log.debug if self._is_cut_off else _log.warn
            say("error in fetch from the leader", partitions=len(fetch.asked), reason=str(error))
            self._is_cut_off = True
            self._delay(list(self.partitions))
            return
        self._is_cut_off = False
        erroneous: list[TopicPartition] = []
        for name, answer in fetched.items():
            asked = fetch.asked.get(name)
            state = self._state_of(name, asked)
            if asked is None or state is None:
                continue
            if not await self._take(name, state, answer):
                erroneous.append(name)
            if answer.records:
                await trio.lowlevel.checkpoint()
        self._delay(erroneous)

    def _state_of(self, name: TopicPartition, asked: AskedPartition | None) -> FetchState | None:
        """The partition's state if it still is where it was when it was asked for."""
        state = self.partitions.get(name)
        if state is None or asked is None or not state.is_ready(trio.current_time()):
            return None
        is_same = (asked.fetch_offset, asked.current_leader_epoch) == (state.fetch_offset, state.leader_epoch)
        return state if is_same else None

    async def _take(self, name: TopicPartition, state: FetchState, answer: PartitionData) -> bool:
        """Takes over what the leader says of one partition; False if it is to be asked again later."""
        code = answer.error_code
        if code == ErrorCode.NONE:
            return await self._take_records(name, state, answer)
        if code == ErrorCode.OFFSET_OUT_OF_RANGE:
            return await self._start_anew(name, state)
        if code == ErrorCode.FENCED_LEADER_EPOCH:
            # There was an election that we have not heard of; we will.
            self._leave(name)
            return True
        if code in _TOO_EARLY:
            self._pause(name, state)
            return True
        self._complain("error from the leader", name, code=code, offset=state.fetch_offset)
        return False

    def _complain(self, what: str, name: TopicPartition, **why: object) -> None:
        """One line for each time that a partition is in trouble, not one for each attempt."""
        say = _log.debug if name in self._in_trouble else _log.error
        self._in_trouble.add(name)
        say(what, partition=str(name), **why)

    async def _take_records(self, name: TopicPartition, state: FetchState, answer: PartitionData) -> bool:
        partition = self._host.find(name.topic, name.partition)
        if partition is None or partition.log is None:
            return False
        try:
            if answer.diverging_epoch.epoch >= 0:
                # Watermarks are left alone until the logs are one again: the next answer tells them.
                diverging = answer.diverging_epoch
                offset = truncation_offset(state, diverging.epoch, diverging.end_offset, partition.log)
                await self._truncate(name, state, partition, offset)
            else:
                self._append(name, state, partition, answer)
                if partition.log.is_flush_due:
                    # The next fetch tells the leader that these records are held.
                    await partition.log.flush()
        except StorageError as error:
            self._complain("error while following a leader", name, error=str(error))
            if not partition.is_offline:
                # The disk is full, and need not stay so.
                return False
            self._fail(name)
        except KafkaError as error:
            self._complain("what the leader sent cannot be appended", name, error=str(error))
            if error.code not in (ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD):
                self._fail(name)
                return True
            return False
        except Exception as error:  # noqa: BLE001 - other partitions are to be followed all the same
            _log.error("error while following a leader", partition=str(name), exc_info=error)
            self._fail(name)
        else:
            self._in_trouble.discard(name)
        return True

    def _append(
        self, name: TopicPartition, state: FetchState, partition: Partition, answer: PartitionData
    ) -> None:
        log = partition.local_log(only_leader=False)
        if state.fetch_offset != log.log_end_offset:
            raise AssertionError(f"fetched from {state.fetch_offset}, the log ends at {log.log_end_offset}")
        records = answer.records if isinstance(answer.records, (bytes, bytearray, memoryview)) else b""
        info = partition.append_as_follower(
            records,
            leader_high_watermark=answer.high_watermark,
            leader_log_start_offset=answer.log_start_offset,
        )
        if len(records) and self._is_throttled(name, log):
            self._quota.record(len(records))
        if info.size_bytes or state.lag is None:
            next_offset = info.next_offset if info.size_bytes else state.fetch_offset
            epoch = log.latest_epoch if info.size_bytes else None
            del self.partitions[name]
            self.partitions[name] = state.fetched(next_offset, answer.high_watermark, epoch)

    # Cutting the log

    async def _truncate_without_epochs(self) -> None:
        """Cuts logs that know no leader epochs at their high watermark, from where they are fetched."""
        now = trio.current_time()
        for name, state in list(self.partitions.items()):
            is_due = state.is_truncating and state.delayed_until <= now
            if not is_due or self.partitions.get(name) is not state:
                continue
            partition = self._host.find(name.topic, name.partition)
            if partition is None or partition.log is None:
                self._delay([name])
                continue
            try:
                await self._truncate(name, state, partition, state.fetch_offset)
            except KafkaError as error:
                _log.error("failed to truncate", partition=str(name), error=str(error))
                self._fail(name)

    async def _truncate(
        self, name: TopicPartition, state: FetchState, partition: Partition, offset: int
    ) -> None:
        """The state is another before anything is awaited. Raises StorageError, KafkaError."""
        log = partition.local_log(only_leader=False)
        recovery_point = log.recovery_point
        if offset < log.log_end_offset:
            _log.info("truncating", partition=str(name), offset=offset, end_offset=log.log_end_offset)
        is_cut = partition.truncate_to(offset)
        self.partitions[name] = state.truncated(offset, log.latest_epoch)
        if is_cut:
            is_below = log.recovery_point < recovery_point
            await self._host.settle_truncation(log, is_below_recovery_point=is_below)

    async def _start_anew(self, name: TopicPartition, state: FetchState) -> bool:
        """Our log ends where the leader's has ended before, or before the leader's begins.

        True if it can be fetched again at once, or never.
        """
        try:
            latest = await self._leader.offset(name, LATEST, state.leader_epoch)
            earliest = await self._leader.offset(name, EARLIEST, state.leader_epoch)
        except (PeerUnreachable, MalformedMessage) as error:
            _log.warn("error getting offsets from the leader", partition=str(name), reason=str(error))
            return False
        except KafkaError as error:
            if error.code == ErrorCode.FENCED_LEADER_EPOCH and self.partitions.get(name) is state:
                self._leave(name)
                return True
            _log.info("could not fetch offsets", partition=str(name), error=str(error))
            return False
        partition = self._host.find(name.topic, name.partition)
        if self.partitions.get(name) is not state or partition is None or partition.log is None:
            return True
        try:
            await self._fetch_between(name, state, partition, earliest, latest)
        except KafkaError as error:
            _log.error("error starting anew", partition=str(name), error=str(error))
            self._fail(name)
        return True

    async def _fetch_between(
        self, name: TopicPartition, state: FetchState, partition: Partition, earliest: int, latest: int
    ) -> None:
        """Puts the partition where the leader's log, [earliest, latest), can be fetched from.

        Raises StorageError, KafkaError.
        """
        log = partition.local_log(only_leader=False)
        end_offset = log.log_end_offset
        if latest < end_offset:
            # An unclean election: what the leader lacks is lost, whatever else the logs do not share.
            await self._truncate(name, replace(state, lag=0), partition, latest)
            return
        offset = max(earliest, end_offset)
        if earliest > end_offset:
            _log.warn("the leader starts after our end", partition=str(name), start_offset=earliest)
            partition.truncate_fully_and_start_at(earliest)
        del self.partitions[name]
        self.partitions[name] = FetchState(
            offset, state.leader_epoch, state.topic_id, log.latest_epoch, latest - offset
        )
        if earliest > end_offset:
            await self._host.settle_truncation(log, is_below_recovery_point=True)
