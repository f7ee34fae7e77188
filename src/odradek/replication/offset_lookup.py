"""Which offset belongs to a time: ListOffsets for one partition.

Kafka: Partition.fetchOffsetForTimestamp, Partition.legacyFetchOffsetsForTimestamp,
UnifiedLog.fetchOffsetByTimestamp; KIP-79, KIP-734 (max timestamp), KIP-405, KIP-1005 and KIP-1023 (tiers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from odradek.errors import KafkaError
from odradek.log.timestamp_search import LongSearch
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import NO_TIMESTAMP
from odradek.replication.fetch_isolation import FetchIsolation
from odradek.replication.partition import NO_EPOCH, Partition

if TYPE_CHECKING:
    from odradek.log.log import Log
    from odradek.log.timestamp_search import TimestampedOffset

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
EARLIEST_LOCAL = -4
LATEST_TIERED = -5
EARLIEST_PENDING_UPLOAD = -6
"""Timestamps that are no time; the last three speak of tiered storage, of which there is none."""

UNKNOWN_OFFSET = -1


class FoundOffset(NamedTuple):
    """An offset with its record's timestamp (-1: does not matter) and leader epoch (-1: not known)."""

    timestamp: int
    offset: int
    leader_epoch: int


NOTHING_FOUND = FoundOffset(NO_TIMESTAMP, UNKNOWN_OFFSET, NO_EPOCH)


def look_up_offset(
    partition: Partition,
    timestamp: int,
    *,
    isolation: FetchIsolation,
    current_leader_epoch: int = NO_EPOCH,
    only_leader: bool = True,
    start_offset: int = 0,
) -> FoundOffset:
    """The first offset at or after `timestamp` (ms, or one of the special ones) that `isolation` shows.

    Raises KafkaError: as `Partition.local_log`, and OFFSET_NOT_AVAILABLE while a new leader's high watermark
    has not caught up with where its epoch began. Raises LongSearch where a batch takes long to read:
    `look_up_offset_at_leisure` does that.
    """
    log = partition.local_log(current_leader_epoch, only_leader=only_leader)
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        return _earliest(log)
    if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return NOTHING_FOUND
    end_offset = _end_offset(partition, log, isolation)
    if timestamp == LATEST:
        _check_available(partition, isolation)
        return FoundOffset(NO_TIMESTAMP, end_offset, partition.leader_epoch)
    if timestamp == MAX_TIMESTAMP:
        found = log.offset_of_max_timestamp()
    else:
        found = log.offset_for_timestamp(timestamp, start_offset)
    return _shown(partition, found, end_offset, isolation)


async def look_up_offset_at_leisure(
    partition: Partition,
    timestamp: int,
    *,
    isolation: FetchIsolation,
    current_leader_epoch: int = NO_EPOCH,
    only_leader: bool = True,
) -> FoundOffset:
    """As `look_up_offset`, however much is to be read; others have turns meanwhile."""
    start_offset = 0
    while True:
        try:
            return look_up_offset(
                partition,
                timestamp,
                isolation=isolation,
                current_leader_epoch=current_leader_epoch,
                only_leader=only_leader,
                start_offset=start_offset,
            )
        except LongSearch as search:
            found = await search.find()
            if found is None and not search.is_exact:
                start_offset = search.next_offset
                continue
            log = partition.local_log(current_leader_epoch, only_leader=only_leader)
            return _shown(partition, found, _end_offset(partition, log, isolation), isolation)


def _shown(
    partition: Partition, found: TimestampedOffset | None, end_offset: int, isolation: FetchIsolation
) -> FoundOffset:
    if found is None or found.offset >= end_offset:
        _check_available(partition, isolation)
        return NOTHING_FOUND
    return FoundOffset(*found)


def look_up_offsets_before(
    partition: Partition,
    timestamp: int,
    max_count: int,
    *,
    isolation: FetchIsolation,
    now_ms: int,
    only_leader: bool = True,
) -> list[int]:
    """Up to `max_count` offsets where segments begin, newest first: version 0 of ListOffsets.

    Raises KafkaError as `Partition.local_log`.
    """
    log = partition.local_log(only_leader=only_leader)
    offsets = log.offsets_before(timestamp, max_count, now_ms)
    high_watermark = partition.high_watermark
    if isolation is FetchIsolation.LOG_END or not any(offset > high_watermark for offset in offsets):
        return offsets
    return [high_watermark, *(offset for offset in offsets if offset <= high_watermark)]


def _earliest(log: Log) -> FoundOffset:
    entry = log.leader_epochs.earliest
    is_known = entry is not None and entry.start_offset <= log.log_start_offset
    epoch = entry.epoch if entry is not None and is_known else NO_EPOCH
    return FoundOffset(NO_TIMESTAMP, log.log_start_offset, epoch)


def _end_offset(partition: Partition, log: Log, isolation: FetchIsolation) -> int:
    match isolation:
        case FetchIsolation.LOG_END:
            return log.log_end_offset
        case FetchIsolation.HIGH_WATERMARK:
            return partition.high_watermark
        case FetchIsolation.TXN_COMMITTED:
            return partition.last_stable_offset


def _check_available(partition: Partition, isolation: FetchIsolation) -> None:
    start_offset = partition.leader_epoch_start_offset
    is_behind = start_offset is not None and start_offset > partition.high_watermark
    if is_behind and isolation is not FetchIsolation.LOG_END:
        raise KafkaError(
            ErrorCode.OFFSET_NOT_AVAILABLE,
            f"Failed to fetch offsets for partition {partition.topic_partition}: the high watermark "
            f"({partition.high_watermark}) is lagging behind the start of this leader epoch ({start_offset})",
        )
