"""Batches of coordinators: of any number of records, and no larger than the log takes them."""

from typing import Any

import pytest
import trio
import trio.testing

from odradek.config.log_config import LogConfig
from odradek.coordinators.journal import Appended
from odradek.coordinators.outcome import JournalRecord, Now, Outcome, Ticket
from odradek.coordinators.runtime import CoordinatorRuntime
from odradek.metadata.topic_partition import TopicPartition
from odradek.records.batch import MAX_RECORDS
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.record import Record
from odradek.records.validation import AppendOrigin, BatchRules, validate_for_append
from tests.coordinators.memory_topic import MemoryJournal, MemoryTopic
from tests.coordinators.test_runtime import TOPIC, ValueShard, _runtime
from tests.log.batches import NOW_MS, open_log

RULES = BatchRules("__values-0", max_message_bytes=1_048_588, is_compacted=True)


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_a_coordinator_appends_any_number_of_records_at_once(tmp_path, compression):
    log = open_log(tmp_path / "topic-0", LogConfig(cleanup_policy=frozenset({"compact"})))
    records = [Record(i, NOW_MS, b"key %d" % i, None) for i in range(MAX_RECORDS + 1)]
    batch = build_batch(records, compression=compression)
    log.append_as_leader(batch, leader_epoch=0, now_ms=NOW_MS, origin=AppendOrigin.COORDINATOR)
    assert log.log_end_offset == MAX_RECORDS + 1


class StrictJournal(MemoryJournal):
    """Takes what a log with the default of max.message.bytes takes."""

    def append(self, batch: bytearray, *, best_effort: bool = False) -> Appended:
        validate_for_append(bytes(batch), RULES, origin=AppendOrigin.COORDINATOR, now_ms=0)
        return super().append(batch, best_effort=best_effort)


class ForgetfulShard(ValueShard):
    """Forgets everything at once when it is told to."""

    def handle(self, command: Any, ticket: Ticket, now: Now) -> Outcome:
        if command != "forget":
            return super().handle(command, ticket, now)
        tombstones = tuple(JournalRecord(key, None) for key in self.values)
        return Outcome(tombstones, ((ticket, "forgotten"),), best_effort=True)


async def test_more_tombstones_than_fit_into_a_batch_are_written_in_parts(autojump_clock):
    topic = MemoryTopic(TOPIC)
    journal = topic.journals[0] = StrictJournal()
    runtime: CoordinatorRuntime[Any] = _runtime(topic)
    shard = ForgetfulShard()
    runtime._new_shard = lambda: shard
    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        runtime.on_elected(TopicPartition(TOPIC, 0), 0)
        await trio.testing.wait_all_tasks_blocked()
        shard.values = {b"%0100d" % number: b"v" for number in range(30_000)}
        assert await runtime.execute("k", "forget") == "forgotten"
        assert set(shard.values.values()) == {None}
        assert journal.high_watermark == 30_000
        nursery.cancel_scope.cancel()
