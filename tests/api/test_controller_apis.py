"""What the controller is asked by brokers and clients, in every version, and by a broker that is not it."""

from __future__ import annotations

from struct import pack

import pytest
import trio
import trio.testing

from odradek.api.dispatch import Dispatcher
from odradek.controller.new_topic import NewTopic
from odradek.metadata import paths
from odradek.metadata.topic_id import random_topic_id
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.allocate_producer_ids_request import AllocateProducerIdsRequest
from odradek.protocol.generated.alter_partition_reassignments_request import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from odradek.protocol.generated.alter_partition_request import (
    AlterPartitionRequest,
    BrokerState,
    PartitionData,
    TopicData,
)
from odradek.protocol.generated.controlled_shutdown_request import ControlledShutdownRequest
from odradek.protocol.generated.controlled_shutdown_response import ControlledShutdownResponse
from odradek.protocol.generated.elect_leaders_request import ElectLeadersRequest, TopicPartitions
from odradek.protocol.generated.list_partition_reassignments_request import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)
from odradek.protocol.generated.update_features_request import FeatureUpdateKey, UpdateFeaturesRequest
from tests.api.topic_broker import TopicBroker, topic_broker


async def epoch_of(broker: TopicBroker, node_id: int) -> int:
    return (await broker.cluster.store.get(paths.broker_id(node_id))).czxid


async def create(broker: TopicBroker, *replicas: tuple[int, ...]) -> None:
    """Topic `t`, its partitions on these brokers."""
    topic = NewTopic("t", assignments=tuple(enumerate(replicas)))
    created = await broker.cluster.topics.create_topics([topic], timeout_ms=1000)
    assert created["t"].code == ErrorCode.NONE


def isr(
    version: int,
    broker: TopicBroker,
    broker_epoch: int,
    *nodes: int,
    leader_epoch: int = 0,
    partition_epoch: int = 0,
) -> AlterPartitionRequest:
    partition = PartitionData(
        partition_index=0,
        leader_epoch=leader_epoch,
        partition_epoch=partition_epoch,
        new_isr=list(nodes) if version < 3 else [],
        new_isr_with_epochs=[BrokerState(broker_id=each) for each in nodes] if version >= 3 else [],
    )
    topic = TopicData(partitions=[partition])
    if version < 2:
        topic.topic_name = "t"
    else:
        topic.topic_id = broker.metadata.topic_id("t")
    return AlterPartitionRequest(broker_id=0, broker_epoch=broker_epoch, topics=[topic])


@pytest.mark.parametrize("version", range(4))
async def test_a_leader_has_its_isr_written(version, autojump_clock):
    async with topic_broker(size=2) as broker:
        await create(broker, (0, 1))
        epoch = await epoch_of(broker, 0)
        response = await broker.ask(isr(version, broker, epoch, 0), version)
        (topic,) = response.topics
        (written,) = topic.partitions
        assert (response.error_code, written.error_code) == (0, 0)
        assert (written.leader_id, written.leader_epoch, written.isr, written.partition_epoch) == (
            0,
            0,
            [0],
            1,
        )
        late = await broker.ask(isr(version, broker, epoch, 0, 1), version)
        assert late.topics[0].partitions[0].error_code == ErrorCode.INVALID_UPDATE_VERSION


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (1, ErrorCode.OPERATION_NOT_ATTEMPTED),
        (2, ErrorCode.INELIGIBLE_REPLICA),
        (3, ErrorCode.INELIGIBLE_REPLICA),
    ],
)
async def test_a_replica_on_a_dead_broker_is_not_in_sync(version, code, autojump_clock):
    async with topic_broker(size=1) as broker:
        await create(broker, (0,))
        response = await broker.ask(isr(version, broker, await epoch_of(broker, 0), 0, 1), version)
        assert response.topics[0].partitions[0].error_code == code


async def test_a_topic_id_that_no_topic_has_is_unknown(autojump_clock):
    async with topic_broker() as broker:
        await create(broker, (0,))
        request = isr(3, broker, await epoch_of(broker, 0), 0)
        request.topics[0].topic_id = random_topic_id(lambda size: b"\7" * size)
        response = await broker.ask(request, 3)
        assert response.topics[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


async def test_an_earlier_life_of_a_broker_is_refused(autojump_clock):
    async with topic_broker() as broker:
        await create(broker, (0,))
        epoch = await epoch_of(broker, 0)
        response = await broker.ask(isr(3, broker, epoch - 1, 0), 3)
        assert (response.error_code, response.topics) == (ErrorCode.STALE_BROKER_EPOCH, [])
        ids = AllocateProducerIdsRequest(broker_id=0, broker_epoch=epoch - 1)
        assert (await broker.ask(ids, 0)).error_code == ErrorCode.STALE_BROKER_EPOCH
        stop = ControlledShutdownRequest(broker_id=0, broker_epoch=epoch - 1)
        assert (await broker.ask(stop, 3)).error_code == ErrorCode.STALE_BROKER_EPOCH


async def test_blocks_of_producer_ids_follow_each_other(autojump_clock):
    async with topic_broker() as broker:
        request = AllocateProducerIdsRequest(broker_id=0, broker_epoch=await epoch_of(broker, 0))
        blocks = [await broker.ask(request, 0) for _ in range(2)]
        assert [(each.error_code, each.producer_id_start, each.producer_id_len) for each in blocks] == [
            (0, 0, 1000),
            (0, 1000, 1000),
        ]
        unknown = AllocateProducerIdsRequest(broker_id=5, broker_epoch=1)
        assert (await broker.ask(unknown, 0)).error_code == ErrorCode.BROKER_ID_NOT_REGISTERED


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_a_broker_that_stops_is_told_what_remains(version, autojump_clock):
    async with topic_broker(size=2) as broker:
        await create(broker, (1, 0))
        await broker.ask(isr(3, broker, await epoch_of(broker, 0), 0), 3)
        request = ControlledShutdownRequest(broker_id=1)
        if version >= 2:
            request.broker_epoch = await epoch_of(broker, 1)
        response = await broker.ask(request, version)
        assert (response.error_code, response.remaining_partitions) == (0, [])
        assert broker.metadata.snapshot.topics["t"].partitions[0].leader == 0
        again = ControlledShutdownRequest(broker_id=0)
        remaining = (await broker.ask(again, version)).remaining_partitions
        assert [(each.topic_name, each.partition_index) for each in remaining] == [("t", 0)]


async def test_the_oldest_request_to_stop_has_no_client_id_in_its_header(autojump_clock):
    async with topic_broker() as broker:
        frame = pack(">hhii", ControlledShutdownRequest.API_KEY, 0, 9, 123_456)
        dispatcher: Dispatcher = broker._dispatcher
        call = dispatcher.receive(memoryview(frame), broker._peer)
        assert call.request == ControlledShutdownRequest(broker_id=123_456)
        chunks = await call.finish(call.start())
        assert chunks is not None
        answer = b"".join(bytes(chunk) for chunk in chunks)  # type: ignore[arg-type]
        response = ControlledShutdownResponse.decode(0, memoryview(answer), 8)
        assert response.error_code == ErrorCode.BROKER_NOT_AVAILABLE


@pytest.mark.parametrize("version", [0, 1, 2])
async def test_leaders_are_elected_and_waited_for(version, autojump_clock):
    async with topic_broker(size=2) as broker:
        await create(broker, (1, 0), (0, 1))
        await broker.cluster.members[1].stop()
        await broker.cluster.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 0)
        await broker.cluster.start(1)
        await trio.testing.wait_all_tasks_blocked()
        await broker.ask(isr_of_now(broker, await epoch_of(broker, 0), 0, 1), 3)
        request = ElectLeadersRequest(topic_partitions=[TopicPartitions("t", [0, 1, 5])], timeout_ms=1000)
        (topic,) = (await broker.ask(request, version)).replica_election_results
        codes = {each.partition_id: each.error_code for each in topic.partition_result}
        assert codes == {
            0: ErrorCode.NONE,
            1: ErrorCode.ELECTION_NOT_NEEDED,
            5: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        }
        assert broker.metadata.snapshot.topics["t"].partitions[0].leader == 1


def isr_of_now(broker: TopicBroker, broker_epoch: int, *nodes: int) -> AlterPartitionRequest:
    known = broker.cluster.controller.state.leadership[TopicPartition("t", 0)]
    return isr(
        3,
        broker,
        broker_epoch,
        *nodes,
        leader_epoch=known.leader_and_isr.leader_epoch,
        partition_epoch=known.partition_epoch,
    )


async def test_where_leaders_need_no_election_all_of_them_are_nothing(autojump_clock):
    async with topic_broker(size=2) as broker:
        await create(broker, (1, 0), (0, 1))
        request = ElectLeadersRequest(topic_partitions=None, timeout_ms=1000)
        assert (await broker.ask(request, 2)).replica_election_results == []


async def test_moves_are_begun_shown_and_ended(autojump_clock):
    async with topic_broker(size=3) as broker:
        await create(broker, (0, 1), (1, 2))

        def move(replicas: list[int] | None) -> AlterPartitionReassignmentsRequest:
            partitions = [ReassignablePartition(partition_index=0, replicas=replicas)]
            return AlterPartitionReassignmentsRequest(topics=[ReassignableTopic("t", partitions)])

        begun = await broker.ask(move([2, 1]), 0)
        assert [each.error_code for each in begun.responses[0].partitions] == [0]
        everything = ListPartitionReassignmentsRequest(topics=None)
        (topic,) = (await broker.ask(everything, 0)).topics
        (shown,) = topic.partitions
        assert (topic.name, shown.partition_index) == ("t", 0)
        assert (shown.replicas, shown.adding_replicas, shown.removing_replicas) == ([2, 1, 0], [2], [0])
        others = ListPartitionReassignmentsRequest(topics=[ListPartitionReassignmentsTopics("t", [1])])
        assert (await broker.ask(others, 0)).topics == []
        ended = await broker.ask(move(None), 0)
        assert [each.error_code for each in ended.responses[0].partitions] == [0]
        assert (await broker.ask(everything, 0)).topics == []
        again = await broker.ask(move(None), 0)
        assert again.responses[0].partitions[0].error_code == ErrorCode.NO_REASSIGNMENT_IN_PROGRESS


async def test_a_broker_that_is_not_the_controller_says_so(autojump_clock):
    async with topic_broker(size=2) as broker:
        await create(broker, (0, 1))
        await broker.cluster.members[0].stop()
        await trio.testing.wait_all_tasks_blocked()
        no, message = ErrorCode.NOT_CONTROLLER, ErrorCode.NOT_CONTROLLER.message
        for request, version in (
            (AlterPartitionRequest(), 3),
            (AllocateProducerIdsRequest(), 0),
            (ControlledShutdownRequest(), 3),
        ):
            assert (await broker.ask(request, version)).error_code == no
        features = [FeatureUpdateKey(feature="f", max_version_level=1)]
        for client_request in (
            AlterPartitionReassignmentsRequest(topics=[ReassignableTopic("t", [])]),
            ListPartitionReassignmentsRequest(),
            UpdateFeaturesRequest(feature_updates=features),
        ):
            response = await broker.ask(client_request, 0)
            assert (response.error_code, response.error_message) == (no, message)
        elected = await broker.ask(
            ElectLeadersRequest(topic_partitions=[TopicPartitions("t", [0])], timeout_ms=1000), 2
        )
        assert elected.error_code == ErrorCode.NONE
        (row,) = elected.replica_election_results[0].partition_result
        assert (row.error_code, row.error_message) == (no, None)
