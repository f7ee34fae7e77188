"""What a broker does for its controller, around what Replicas does."""

from __future__ import annotations

from typing import Any, cast

import trio

from odradek.broker.controlled_broker import LocalBroker
from odradek.groups.commands import ForgetPartitions
from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
    LeaderAndIsrTopicState,
)
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse, LeaderAndIsrTopicError
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)


class Replicas:
    """Notes how many partitions it was given at a time; of known topics it has a log already."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.given: list[int] = []

    def has_log(self, topic_partition: TopicPartition) -> bool:
        return topic_partition.topic in self.known

    def apply_leader_and_isr(self, request: LeaderAndIsrRequest, version: int) -> LeaderAndIsrResponse:
        self.given.append(sum(len(topic.partition_states) for topic in request.topic_states))
        assert request.controller_epoch == 7
        return LeaderAndIsrResponse(topics=[LeaderAndIsrTopicError() for _ in request.topic_states])


class Configs:
    def __init__(self) -> None:
        self.read: list[str] = []
        self.forgotten: list[str] = []

    def forget(self, entity_type: str, name: str) -> None:
        self.forgotten.append(name)

    async def refresh(self, entity_type: str, names: list[str]) -> None:
        assert entity_type == "topics"
        self.read += names


def request(topics: int, partitions: int) -> LeaderAndIsrRequest:
    return LeaderAndIsrRequest(
        controller_epoch=7,
        topic_states=[
            LeaderAndIsrTopicState(
                topic_name=f"t{number}",
                partition_states=[LeaderAndIsrPartitionState() for _ in range(partitions)],
            )
            for number in range(topics)
        ],
    )


async def test_a_thousand_partitions_do_not_stop_everybody_else(autojump_clock: object) -> None:
    replicas = Replicas()
    broker = LocalBroker(
        cast(Any, replicas), MetadataCache(), cast(Any, Configs()), cast(Any, None), lambda: 5
    )
    turns: list[int] = []

    async def somebody_else() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            turns.append(len(replicas.given))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(somebody_else)
        response = await broker.leader_and_isr(request(topics=50, partitions=20))
        nursery.cancel_scope.cancel()
    assert len(response.topics) == 50
    assert sum(replicas.given) == 1000
    assert max(replicas.given) <= 50
    assert len(set(turns)) > 10


async def test_a_topic_is_never_split_and_an_empty_request_is_still_one(autojump_clock: object) -> None:
    replicas = Replicas()
    broker = LocalBroker(
        cast(Any, replicas), MetadataCache(), cast(Any, Configs()), cast(Any, None), lambda: 5
    )
    await broker.leader_and_isr(request(topics=2, partitions=300))
    await broker.leader_and_isr(request(topics=0, partitions=0))
    assert replicas.given == [300, 300, 0]


async def test_configs_are_read_once_for_each_topic_that_has_a_first_log_here(autojump_clock: object) -> None:
    configs = Configs()
    broker = LocalBroker(
        cast(Any, Replicas("t1")), MetadataCache(), cast(Any, configs), cast(Any, None), lambda: 5
    )
    await broker.leader_and_isr(request(topics=3, partitions=20))
    assert configs.read == ["t0", "t2"]


async def test_what_deleted_topics_leave_behind_holds_up_nothing(autojump_clock: object) -> None:
    class Groups:
        def __init__(self) -> None:
            self.told: list[object] = []

        def tell_everywhere(self, command: object) -> None:
            self.told.append(command)

    class Heeding(Replicas):
        def heed_controller(self, *controller: int) -> bool:
            return True

    groups, configs = Groups(), Configs()
    broker = LocalBroker(
        cast(Any, Heeding()), MetadataCache(), cast(Any, configs), cast(Any, groups), lambda: 5
    )
    gone = UpdateMetadataPartitionState(partition_index=0, leader=-2)
    topic = UpdateMetadataTopicState(topic_name="t", partition_states=[gone])
    await broker.update_metadata(UpdateMetadataRequest(broker_epoch=5, topic_states=[topic]))
    assert groups.told == [ForgetPartitions(frozenset({TopicPartition("t", 0)}))]
    assert configs.forgotten == ["t"]
