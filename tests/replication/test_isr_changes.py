"""Who is in sync: what leaders propose, and what comes of the controller's answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_request import AlterPartitionRequest
from odradek.protocol.generated.alter_partition_response import (
    AlterPartitionResponse,
    PartitionData,
    TopicData,
)
from odradek.protocol.generated.update_metadata_request import UpdateMetadataBroker, UpdateMetadataRequest
from odradek.records.validation import AppendOrigin
from odradek.replication.isr_changes import IsrChanges
from odradek.replication.partition import Partition
from odradek.replication.replicas import ReplicaSettings
from tests.replication.hosting import NODE_ID, TOPIC_ID, Hosting, batch, hosting

OTHER, THIRD = NODE_ID + 1, NODE_ID + 2
ALL = (NODE_ID, OTHER, THIRD)
LAG_MS = 10_000


class Controller:
    """Answers AlterPartition after `delay_s`: as asked, or with `code`, or not at all the partition."""

    def __init__(self) -> None:
        self.asked: list[tuple[AlterPartitionRequest, int]] = []
        self.delay_s = 0.0
        self.code = ErrorCode.NONE
        self.request_code = ErrorCode.NONE
        self.is_silent_on_partitions = False

    async def call(self, request: Any, version: int) -> AlterPartitionResponse:
        self.asked.append((type(request).decode(version, memoryview(request.to_bytes(version))), version))
        await trio.sleep(self.delay_s)
        if self.request_code:
            return AlterPartitionResponse(error_code=self.request_code)
        topics = []
        for topic in request.topics:
            answers = (
                [] if self.is_silent_on_partitions else [self._answer(each) for each in topic.partitions]
            )
            if version > 1:
                topics.append(TopicData(topic_id=topic.topic_id, partitions=answers))
            else:
                topics.append(TopicData(topic_name=topic.topic_name, partitions=answers))
        return AlterPartitionResponse(topics=topics)

    def _answer(self, asked: Any) -> PartitionData:
        if self.code:
            return PartitionData(asked.partition_index, self.code)
        isr = asked.new_isr or [state.broker_id for state in asked.new_isr_with_epochs]
        return PartitionData(
            asked.partition_index, 0, NODE_ID, asked.leader_epoch, isr, 0, asked.partition_epoch + 1
        )


class Proposals:
    """The part of Following that a leader speaks to."""

    def __init__(self, changes: IsrChanges) -> None:
        self.propose_isr = changes.submit
        self.stop_idle: Callable[[], None] = lambda: None

    def follow(self, *_: Any) -> None: ...

    forget = identify = follow


@asynccontextmanager
async def leading(
    path: Path, isr: tuple[int, ...] = ALL, *, config: LogConfig | None = None, topic_id: Any = TOPIC_ID
) -> AsyncIterator[tuple[Hosting, Partition, Controller]]:
    """A leader with two followers, and a controller that hears its proposals."""
    controller = Controller()
    changes = IsrChanges(NODE_ID, controller, lambda: 77)
    async with hosting(path, settings=ReplicaSettings(lag_time_max_ms=LAG_MS)) as host:
        host.replicas.follow_with(Proposals(changes))
        host.configs["t"] = config or LogConfig()
        async with trio.open_nursery() as nursery:
            await nursery.start(changes.run)
            await nursery.start(host.replicas.run)
            host.tell("t", isr=isr, replicas=ALL, topic_id=topic_id)
            yield host, host.replicas.hosted("t", 0), controller
            nursery.cancel_scope.cancel()


def append(partition: Partition, count: int = 1, acks: int = 1) -> None:
    partition.append(batch(count), required_acks=acks, origin=AppendOrigin.CLIENT, now_ms=0)


async def test_a_follower_that_has_everything_joins(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (_, partition, controller):
        append(partition, 3)
        assert partition.high_watermark == 3
        partition.record_follower_fetch(OTHER, 2)
        assert partition.in_sync.proposal is None
        partition.record_follower_fetch(OTHER, 3)
        assert partition.in_sync.maximal == {NODE_ID, OTHER}
        assert partition.isr == {NODE_ID}
        append(partition)
        assert partition.high_watermark == 3
        await trio.sleep(1)
        assert partition.isr == {NODE_ID, OTHER}
        assert partition.partition_epoch == 1
        assert partition.in_sync.proposal is None
        [(request, version)] = controller.asked
        assert (request.broker_id, request.broker_epoch, version) == (NODE_ID, 77, 3)
        [topic] = request.topics
        assert topic.topic_id == TOPIC_ID
        [asked] = topic.partitions
        assert [(each.broker_id, each.broker_epoch) for each in asked.new_isr_with_epochs] == [
            (NODE_ID, -1),
            (OTHER, -1),
        ]


async def test_topics_without_an_id_are_named(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,), topic_id=NO_TOPIC_ID) as (_, partition, controller):
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(1)
        [(request, version)] = controller.asked
        assert (version, request.topics[0].topic_name) == (1, "t")
        assert request.topics[0].partitions[0].new_isr == [NODE_ID, OTHER]
        assert partition.isr == {NODE_ID, OTHER}


async def test_a_follower_joins_only_with_all_of_the_epochs_before(tmp_path, autojump_clock):
    """What was committed in them may lie above a new leader's high watermark."""
    async with leading(tmp_path, isr=(NODE_ID, OTHER)) as (host, partition, _):
        append(partition, 5)
        host.tell("t", leader_epoch=1, partition_epoch=1, isr=(NODE_ID, OTHER), replicas=ALL)
        assert (partition.high_watermark, partition.leader_epoch_start_offset) == (0, 5)
        partition.record_follower_fetch(THIRD, 4)
        assert partition.in_sync.proposal is None
        partition.record_follower_fetch(THIRD, 5)
        assert partition.in_sync.proposal is not None


async def test_a_dead_follower_does_not_join(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (host, partition, _):
        host.tell("t", leader_epoch=1, partition_epoch=1, isr=(NODE_ID,), replicas=(*ALL, 9))
        partition.record_follower_fetch(9, 0)
        assert partition.in_sync.proposal is None


async def test_who_lags_leaves_and_the_high_watermark_goes_on_once_that_is_certain(tmp_path, autojump_clock):
    async with leading(tmp_path) as (_, partition, controller):
        controller.delay_s = 2
        append(partition, 3)
        for follower in (OTHER, THIRD):
            partition.record_follower_fetch(follower, 3)
        append(partition)
        with trio.move_on_after(LAG_MS / 1000 + 1):
            while True:
                partition.record_follower_fetch(OTHER, 4)
                await trio.sleep(0.5)
        assert partition.in_sync.proposal is None
        with trio.move_on_after(LAG_MS / 2000):
            while partition.in_sync.proposal is None:
                partition.record_follower_fetch(OTHER, 4)
                await trio.sleep(0.5)
        assert partition.in_sync.proposal is not None
        assert partition.in_sync.proposal.isr == (NODE_ID, OTHER)
        assert partition.high_watermark == 3
        await trio.sleep(controller.delay_s + 1)
        assert partition.isr == {NODE_ID, OTHER}
        assert partition.high_watermark == 4


async def test_who_is_silent_but_has_everything_stays(tmp_path, autojump_clock):
    async with leading(tmp_path) as (_, partition, controller):
        for follower in (OTHER, THIRD):
            partition.record_follower_fetch(follower, 0)
        await trio.sleep(10 * LAG_MS / 1000)
        assert partition.isr == set(ALL)
        assert controller.asked == []


async def test_the_high_watermark_stands_still_below_min_insync_replicas(tmp_path, autojump_clock):
    config = LogConfig(min_insync_replicas=2)
    async with leading(tmp_path, isr=(NODE_ID,), config=config) as (_, partition, _):
        append(partition)
        assert partition.high_watermark == 0
        with pytest.raises(KafkaError) as refused:
            append(partition, acks=-1)
        assert refused.value.code == ErrorCode.NOT_ENOUGH_REPLICAS
        partition.record_follower_fetch(OTHER, 1)
        assert partition.high_watermark == 0
        await trio.sleep(1)
        assert partition.isr == {NODE_ID, OTHER}
        assert partition.high_watermark == 1


async def test_a_follower_that_is_about_to_join_is_waited_for(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (_, partition, controller):
        controller.code = ErrorCode.INELIGIBLE_REPLICA
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(1)
        append(partition)
        assert partition.high_watermark == 0
        await trio.sleep(LAG_MS / 1000 + 1)
        append(partition)
        assert partition.high_watermark == 2


async def test_who_is_gone_is_waited_for_no_more(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (host, partition, controller):
        controller.code = ErrorCode.INELIGIBLE_REPLICA
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(1)
        append(partition)
        assert partition.high_watermark == 0
        host.metadata.apply(UpdateMetadataRequest(live_brokers=[UpdateMetadataBroker(id=NODE_ID)]))
        assert partition.high_watermark == 1


async def test_who_is_refused_is_waited_for_no_more(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (host, partition, controller):
        controller.code, controller.delay_s = ErrorCode.INELIGIBLE_REPLICA, 1
        partition.record_follower_fetch(OTHER, 0)
        append(partition)
        host.metadata.apply(UpdateMetadataRequest(live_brokers=[UpdateMetadataBroker(id=NODE_ID)]))
        assert partition.high_watermark == 0
        await trio.sleep(2)
        assert partition.high_watermark == 1


@pytest.mark.parametrize("code", [ErrorCode.INELIGIBLE_REPLICA, ErrorCode.OPERATION_NOT_ATTEMPTED])
async def test_a_refusal_that_is_certain_ends_the_proposal(tmp_path, autojump_clock, code):
    async with leading(tmp_path, isr=(NODE_ID,)) as (_, partition, controller):
        controller.code = code
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(1)
        assert partition.in_sync.proposal is None
        assert partition.in_sync.maximal == {NODE_ID}
        controller.code = ErrorCode.NONE
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(1)
        assert partition.isr == {NODE_ID, OTHER}


@pytest.mark.parametrize("code", [ErrorCode.INVALID_UPDATE_VERSION, ErrorCode.FENCED_LEADER_EPOCH])
async def test_a_refusal_that_says_we_are_behind_awaits_the_controllers_word(tmp_path, autojump_clock, code):
    async with leading(tmp_path, isr=(NODE_ID,)) as (host, partition, controller):
        controller.code = code
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(10)
        assert partition.in_sync.maximal == {NODE_ID, OTHER}
        assert len(controller.asked) == 1
        host.tell("t", leader_epoch=1, partition_epoch=5, isr=(NODE_ID, THIRD), replicas=ALL)
        assert partition.in_sync.proposal is None
        assert partition.isr == {NODE_ID, THIRD}


async def test_another_refusal_is_not_taken(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (_, partition, controller):
        controller.code = ErrorCode.UNKNOWN_SERVER_ERROR
        controller.delay_s = 0.1
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(0.5)
        assert len(controller.asked) == 4
        controller.code = ErrorCode.NONE
        await trio.sleep(0.2)
        assert partition.isr == {NODE_ID, OTHER}


async def test_a_controller_that_goes_on_refusing_is_not_asked_all_the_time(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (_, partition, controller):
        controller.code = ErrorCode.NOT_CONTROLLER
        controller.delay_s = 0.001
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(1)
        assert len(controller.asked) <= 20
        controller.code = ErrorCode.NONE
        await trio.sleep(0.1)
        assert partition.isr == {NODE_ID, OTHER}


async def test_a_request_that_failed_as_a_whole_is_repeated(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (_, partition, controller):
        controller.request_code = ErrorCode.STALE_BROKER_EPOCH
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(0.12)
        assert len(controller.asked) == 3
        controller.request_code = ErrorCode.NONE
        controller.is_silent_on_partitions = True
        controller.delay_s = 0.01
        await trio.sleep(0.1)
        assert partition.in_sync.proposal is not None
        controller.is_silent_on_partitions = False
        await trio.sleep(0.1)
        assert partition.isr == {NODE_ID, OTHER}


async def test_an_answer_to_what_was_proposed_in_an_earlier_epoch_changes_nothing(tmp_path, autojump_clock):
    async with leading(tmp_path, isr=(NODE_ID,)) as (host, partition, controller):
        controller.delay_s = 1
        partition.record_follower_fetch(OTHER, 0)
        await trio.testing.wait_all_tasks_blocked()
        host.tell("t", leader_epoch=1, partition_epoch=5, isr=(NODE_ID,), replicas=ALL)
        await trio.sleep(2)
        assert partition.isr == {NODE_ID}
        assert partition.partition_epoch == 5
        # The proposal of the new epoch had to wait for the answer to the old one.
        partition.record_follower_fetch(OTHER, 0)
        await trio.sleep(2)
        assert partition.isr == {NODE_ID, OTHER}


async def test_an_isr_that_shrank_meanwhile_is_said_to_who_waits_for_it(tmp_path, autojump_clock):
    config = LogConfig(min_insync_replicas=3)
    async with leading(tmp_path, config=config) as (host, partition, _):
        for follower in (OTHER, THIRD):
            partition.record_follower_fetch(follower, 0)
        append(partition, acks=-1)
        refused: list[int] = []

        async def wait() -> None:
            with pytest.raises(KafkaError) as error:
                await partition.wait_replicated(1)
            refused.append(error.value.code)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            partition.record_follower_fetch(OTHER, 1)
            host.configs["t"] = LogConfig(min_insync_replicas=2)
            host.replicas.apply_topic_config("t", host.configs["t"])
            host.tell("t", leader_epoch=1, partition_epoch=1, isr=(NODE_ID, OTHER), replicas=ALL)
            host.replicas.apply_topic_config("t", LogConfig(min_insync_replicas=3))
        assert refused == [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND]


async def test_who_waits_is_not_told_of_records_of_another_leadership(tmp_path, autojump_clock):
    async with leading(tmp_path) as (host, partition, _):
        append(partition)
        resignations = partition.resignations
        host.tell("t", leader=OTHER, leader_epoch=1, partition_epoch=1, replicas=ALL)
        host.tell("t", leader_epoch=2, partition_epoch=2, isr=(NODE_ID,), replicas=ALL)
        assert partition.high_watermark == 1
        with pytest.raises(KafkaError) as refused:
            await partition.wait_replicated(1, resignations)
        assert refused.value.code == ErrorCode.NOT_LEADER_OR_FOLLOWER
