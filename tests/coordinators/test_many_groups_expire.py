"""Groups that all expire at once: what their offsets' tombstones are, is more than a batch holds."""

import trio
import trio.testing

from odradek.clock import VirtualClock
from odradek.config.broker_config import BrokerConfig
from odradek.coordinators.journal import Appended, JournalSettings
from odradek.coordinators.runtime import CoordinatorRuntime
from odradek.groups import commands
from odradek.groups.config import GroupConfig
from odradek.groups.shard import GroupShard
from odradek.metadata.topic_partition import TopicPartition
from odradek.records.validation import AppendOrigin, BatchRules, validate_for_append
from tests.coordinators.memory_topic import MemoryJournal, MemoryTopic

TOPIC = "__consumer_offsets"
GROUPS = 20
PARTITIONS = 1000
RULES = BatchRules("__consumer_offsets-0", max_message_bytes=1_048_588, is_compacted=True)


class StrictJournal(MemoryJournal):
    """Takes what a log with the default of max.message.bytes takes."""

    def append(self, batch: bytearray, *, best_effort: bool = False) -> Appended:
        validate_for_append(bytes(batch), RULES, origin=AppendOrigin.COORDINATOR, now_ms=0)
        return super().append(batch, best_effort=best_effort)


async def test_the_offsets_of_many_groups_expire_at_once(autojump_clock: trio.testing.MockClock) -> None:
    topic = MemoryTopic(TOPIC)
    topic.journals[0] = StrictJournal()
    shard = GroupShard(GroupConfig.of(BrokerConfig({})))
    runtime = CoordinatorRuntime(topic, lambda: shard, VirtualClock(), JournalSettings())
    offsets = {
        TopicPartition("topic", number): commands.OffsetToCommit(7, commit_timestamp_ms=0)
        for number in range(PARTITIONS)
    }
    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        runtime.on_elected(TopicPartition(TOPIC, 0), 0)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(GROUPS):
            await runtime.execute("g", commands.CommitOffsets(f"group {number}", -1, "", None, offsets))
        assert sum(map(len, shard.journal.offsets.values())) == GROUPS * PARTITIONS
        await trio.sleep(8 * 24 * 3600)
        await runtime.execute("g", commands.ExpireOffsets())
        assert not any(shard.journal.offsets.values())
        assert not shard.groups
        nursery.cancel_scope.cancel()
