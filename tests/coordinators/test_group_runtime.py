"""Groups in a coordinator's runtime: what members hear when records of theirs are late, or not written."""

import trio
import trio.testing

from odradek.clock import VirtualClock
from odradek.coordinators.journal import JournalSettings
from odradek.coordinators.runtime import CoordinatorRuntime
from odradek.groups.commands import JoinGroup, SyncGroup
from odradek.groups.config import GroupConfig
from odradek.groups.shard import GroupShard
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from tests.coordinators.memory_topic import MemoryTopic
from tests.coordinators.test_runtime import TOPIC
from tests.groups.driver import subscription

PROTOCOLS = (("range", subscription("t")),)


async def test_who_is_fenced_hears_of_it_even_if_the_successor_is_not_written(
    autojump_clock: trio.testing.MockClock,
):
    topic = MemoryTopic(TOPIC)
    runtime = CoordinatorRuntime(
        topic,
        lambda: GroupShard(GroupConfig(initial_rebalance_delay_ms=0)),
        VirtualClock(),
        JournalSettings(commit_timeout_ms=5_000),
    )
    answers: dict[str, ErrorCode] = {}

    async def join(member_id: str) -> None:
        command = JoinGroup(
            "g", "", "i", "client", "/127.0.0.1", 60_000, 30_000, "consumer", PROTOCOLS, member_id
        )
        answers[member_id] = (await runtime.execute("g", command)).error

    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        runtime.on_elected(TopicPartition(TOPIC, 0), 0)
        await trio.testing.wait_all_tasks_blocked()
        await join("first")
        await runtime.execute("g", SyncGroup("g", 1, "first", "i", None, None, {}))
        topic.journals[0].replicating = False
        nursery.start_soon(join, "second")
        await trio.sleep(1)
        nursery.start_soon(join, "third")
        await trio.sleep(10)
        assert answers.keys() == {"first", "second", "third"}
        assert answers["second"] == ErrorCode.FENCED_INSTANCE_ID
        nursery.cancel_scope.cancel()
