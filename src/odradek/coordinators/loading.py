"""Loading a shard: the whole partition, replayed from its start to its end.

A record that cannot be read is logged and left out, as in Kafka: one damaged record must not take every
group of its partition away.
"""

from __future__ import annotations

import trio

from odradek.coordinators.journal import Journal
from odradek.coordinators.outcome import NO_PRODUCER_ID, ReplayedRecord
from odradek.coordinators.shard import Shard
from odradek.errors import KafkaError, MalformedMessage
from odradek.log.end_transaction_marker import read_marker
from odradek.log.leisure import decompress_zstd
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import BatchHeader, iter_headers
from odradek.records.record_stream import stream_batch
from odradek.telemetry import get_logger

_log = get_logger(__name__)

LOAD_BUFFER_SIZE_BYTES = 1 << 20
"""How much is read before others get their turn; a larger batch is still read whole."""


async def load(journal: Journal, shard: Shard, topic_partition: str) -> None:
    """Replay everything that is in the log now, committed or not: what is there may not be forgotten."""
    offset, end = journal.log_start_offset, journal.log_end_offset
    while offset < end:
        start = offset
        try:
            buffer = memoryview(journal.read(offset, LOAD_BUFFER_SIZE_BYTES))
            for position, header in iter_headers(buffer):
                batch = buffer[position : position + header.size_bytes]
                await _replay_batch(batch, header, shard, topic_partition)
                offset = header.next_offset
        except KafkaError as error:
            if error.code != ErrorCode.CORRUPT_MESSAGE:
                raise
            # Where the next batch begins is anybody's guess. As in Kafka, what came before it is served.
            _log.error(
                "cannot read on in the coordinator's log",
                partition=topic_partition,
                offset=offset,
                reason=str(error),
            )
            return
        if offset == start:  # nothing is left, or no whole batch
            _log.warn("coordinator log ends early", partition=topic_partition, offset=offset, expected=end)
            return
        await trio.lowlevel.checkpoint()


async def _replay_batch(batch: memoryview, header: BatchHeader, shard: Shard, topic_partition: str) -> None:
    try:
        if header.is_control:
            marker = read_marker(batch, header)
            if marker is not None:
                shard.replay_end_of_transaction(header.producer_id, committed=not marker.is_abort)
            return
        producer_id = header.producer_id if header.is_transactional else NO_PRODUCER_ID
        for record in stream_batch(batch, header, zstd=decompress_zstd):
            if record is None:
                await trio.lowlevel.checkpoint()
                continue
            _replay_record(record.key, record.value, header.base_offset, producer_id, shard, topic_partition)
    except KafkaError as error:
        _log.error(
            "cannot read a batch of the coordinator's log",
            partition=topic_partition,
            offset=header.base_offset,
            reason=str(error),
        )


def _replay_record(
    key: bytes | None,
    value: bytes | None,
    batch_offset: int,
    producer_id: int,
    shard: Shard,
    topic_partition: str,
) -> None:
    try:
        if key is None:
            raise MalformedMessage("a record without a key")
        shard.replay(ReplayedRecord(key, value, batch_offset, producer_id))
    except (MalformedMessage, ValueError) as error:
        _log.error(
            "cannot read a record of the coordinator's log",
            partition=topic_partition,
            offset=batch_offset,
            reason=str(error),
        )
