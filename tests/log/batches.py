"""Batches to append, and a log to append them to, for the tests of this package."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from odradek.config.log_config import LogConfig
from odradek.log.end_transaction_marker import EndTransactionMarker
from odradek.log.environment import LogEnvironment
from odradek.log.log import Log
from odradek.log.log_directory import LogDirectory
from odradek.log.offload import inline
from odradek.log.recovery import LoadRequest, load_log
from odradek.metadata.topic_partition import TopicPartition
from odradek.records.builder import build_batch
from odradek.records.record import Record, read_all_records
from odradek.records.validation import AppendOrigin

NOW_MS = 1_700_000_000_000
PARTITION = TopicPartition("topic", 0)


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until it is set."""

    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


def batch(
    values: Sequence[bytes] = (b"value",),
    *,
    timestamp: int = NOW_MS,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    is_transactional: bool = False,
) -> bytearray:
    """A batch as a producer sends it: its offsets count from 0."""
    records = [Record(number, timestamp, None, value) for number, value in enumerate(values)]
    return build_batch(
        records,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        is_transactional=is_transactional,
    )


def marker(
    producer_id: int, *, is_abort: bool, producer_epoch: int = 0, coordinator_epoch: int = 0
) -> bytearray:
    """A control batch as a transaction coordinator has it written."""
    end = EndTransactionMarker(is_abort, coordinator_epoch)
    return build_batch(
        [Record(0, NOW_MS, end.key(), end.value())],
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        is_transactional=True,
        is_control=True,
    )


def open_log(
    path: Path,
    config: LogConfig | None = None,
    *,
    clean: bool = True,
    recovery_point: int = 0,
    log_start_offset: int = 0,
    clock: FixedClock | None = None,
) -> Log:
    """The log in `path`, made if it is missing."""
    path.mkdir(parents=True, exist_ok=True)
    config = config or LogConfig()
    clock = clock or FixedClock()
    environment = LogEnvironment(clock, inline)
    request = LoadRequest(
        PARTITION,
        os.fspath(path),
        config,
        clock.now_ms(),
        environment.producer_id_expiration_ms,
        log_start_offset,
        recovery_point,
        clean,
    )
    return Log(PARTITION, config, load_log(request), LogDirectory(os.fspath(path.parent)), environment)


def append(
    log: Log, *batches: bytearray, leader_epoch: int = 0, origin: AppendOrigin = AppendOrigin.CLIENT
) -> None:
    """Appends each as a leader does."""
    for each in batches:
        log.append_as_leader(each, leader_epoch=leader_epoch, now_ms=NOW_MS, origin=origin)


def contents(log: Log) -> list[tuple[int, bytes | None]]:
    """(offset, value) of every record from the log's start to its end, read as a consumer would."""
    found: list[tuple[int, bytes | None]] = []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        with log.read(offset, max_bytes=10_000, min_one_batch=True) as slice_:
            records = [record for record in read_all_records(slice_.view()) if record.offset >= offset]
        if not records:
            break
        found += [(record.offset, record.value) for record in records]
        offset = records[-1].offset + 1
    return found


def files(path: Path, keep: Callable[[str], bool] = lambda name: True) -> dict[str, bytes]:
    """The content of the files in a directory, by name."""
    return {file.name: file.read_bytes() for file in sorted(path.iterdir()) if keep(file.name)}
