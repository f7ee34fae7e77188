"""The same events, the same states: what a real 3.9.2 controller made of them, with two brokers of ours.

Recorded partition by partition as (leader, leader epoch, ISR sorted) from /brokers/topics/t/partitions,
through compat.cluster: broker 0 was the controller, 1 was killed, 2 was stopped in order.
"""

from __future__ import annotations

import trio
import trio.testing

from odradek.controller.commands import AlterPartitions, ElectLeaders, IsrChange, Reassign, ShutDown
from odradek.controller.new_topic import NewTopic
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from tests.controller.cluster import Cluster, cluster

States = list[tuple[int, int, list[int]]]

REPLICAS = [(1, 2), (2, 1), (0, 1), (1, 0), (2, 0), (1, 2)]
FIRST_TARGETS = [(2,), (0, 1), (1, 0), (2,), (0, 1, 2), (0,)]
SECOND_TARGETS = [(1, 2, 0), (0, 1, 2), (1, 0), (2, 1), (0, 2, 1), (0, 2)]

CREATED: States = [
    (1, 0, [1, 2]),
    (2, 0, [1, 2]),
    (0, 0, [0, 1]),
    (1, 0, [0, 1]),
    (2, 0, [0, 2]),
    (1, 0, [1, 2]),
]
KILLED_1: States = [(2, 1, [2]), (2, 1, [2]), (0, 1, [0]), (0, 1, [0]), (2, 0, [0, 2]), (2, 1, [2])]
RESTARTED_1: States = [
    (2, 1, [1, 2]),
    (2, 1, [1, 2]),
    (0, 1, [0, 1]),
    (0, 1, [0, 1]),
    (2, 0, [0, 2]),
    (2, 1, [1, 2]),
]
PREFERRED: States = [
    (1, 2, [1, 2]),
    (2, 1, [1, 2]),
    (0, 1, [0, 1]),
    (1, 2, [0, 1]),
    (2, 0, [0, 2]),
    (1, 2, [1, 2]),
]
MOVED: States = [(2, 4, [2]), (0, 4, [0, 1]), (0, 2, [0, 1]), (2, 6, [2]), (2, 2, [0, 1, 2]), (0, 6, [0])]
MOVED_AGAIN: States = [
    (2, 6, [0, 1, 2]),
    (0, 6, [0, 1, 2]),
    (0, 3, [0, 1]),
    (2, 8, [1, 2]),
    (2, 3, [0, 1, 2]),
    (0, 8, [0, 2]),
]
STOPPED_2: States = [(1, 7, [0, 1]), (0, 7, [0, 1]), (0, 3, [0, 1]), (1, 9, [1]), (0, 4, [0, 1]), (0, 9, [0])]


def states(running: Cluster) -> States:
    leadership = running.controller.state.leadership
    known = [leadership[TopicPartition("t", number)].leader_and_isr for number in range(len(REPLICAS))]
    return [(each.leader, each.leader_epoch, sorted(each.isr)) for each in known]


async def sync(running: Cluster) -> None:
    """Have every living replica in its ISR, as leaders ask for it once they are."""
    await trio.testing.wait_all_tasks_blocked()
    for number in range(len(REPLICAS)):
        partition = TopicPartition("t", number)
        state = running.controller.state
        known = state.leadership[partition]
        current = known.leader_and_isr
        isr = tuple(sorted({*current.isr, *state.online_replicas(partition)}))
        epoch = (await running.store.get(paths.broker_id(current.leader))).czxid
        change = IsrChange(isr, current.leader_epoch, known.partition_epoch)
        await running.controller.alter_partitions(AlterPartitions(current.leader, epoch, {partition: change}))
        await trio.testing.wait_all_tasks_blocked()


async def move(running: Cluster, targets: list[tuple[int, ...]]) -> None:
    wanted = {TopicPartition("t", number): target for number, target in enumerate(targets)}
    assert set((await running.controller.reassign(Reassign(wanted))).values()) == {None}
    await sync(running)


async def test_the_same_events_lead_to_the_same_states(autojump_clock):
    async with cluster(size=3) as three:
        topic = NewTopic("t", assignments=tuple(enumerate(REPLICAS)))
        created = await three.topics.create_topics([topic], timeout_ms=1000)
        assert created["t"].code == ErrorCode.NONE
        assert states(three) == CREATED
        await three.members[1].stop()
        await trio.testing.wait_all_tasks_blocked()
        assert states(three) == KILLED_1
        await three.start(1)
        await sync(three)
        assert states(three) == RESTARTED_1
        every = tuple(TopicPartition("t", number) for number in range(len(REPLICAS)))
        await three.controller.elect_leaders(ElectLeaders(every, unclean=False))
        assert states(three) == PREFERRED
        await move(three, FIRST_TARGETS)
        assert states(three) == MOVED
        await move(three, SECOND_TARGETS)
        assert states(three) == MOVED_AGAIN
        assert await three.controller.shut_down(ShutDown(2, -1)) == ()
        await three.members[2].stop()
        await trio.testing.wait_all_tasks_blocked()
        assert states(three) == STOPPED_2
