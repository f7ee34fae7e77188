"""What the controller may tell a broker, and what is left after a restart."""

import os
from uuid import UUID

import pytest
import trio

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
)
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import (
    StopReplicaPartitionState,
    StopReplicaRequest,
    StopReplicaTopicState,
)
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.records.validation import AppendOrigin
from odradek.replication.replicas import EPOCH_DURING_DELETE, ReplicaSettings
from tests.replication.hosting import NODE_ID, TOPIC_ID, Hosting, batch, hosting

T0 = TopicPartition("t", 0)
OTHER = NODE_ID + 1
BOTH = (NODE_ID, OTHER)


def code_of(response: LeaderAndIsrResponse) -> int:
    """The code for the one partition of a LeaderAndIsr response."""
    return response.topics[0].partition_errors[0].error_code


def refusal(host: Hosting, topic_partition: TopicPartition, epoch: int = -1) -> int:
    with pytest.raises(KafkaError) as refused:
        host.replicas.leader(topic_partition, epoch)
    return refused.value.code


async def stop(host: Hosting, *, delete: bool, leader_epoch: int = 0, controller_epoch: int = 1):
    return await host.replicas.stop_replica(
        StopReplicaRequest(
            controller_epoch=controller_epoch,
            topic_states=[StopReplicaTopicState("t", [StopReplicaPartitionState(0, leader_epoch, delete)])],
        )
    )


def code_of_stop(response: StopReplicaResponse) -> int:
    """The code for the one partition of a StopReplica response."""
    return response.partition_errors[0].error_code


async def test_a_partition_is_created_by_leader_and_isr(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        response = host.tell("t")
        assert response.topics[0].topic_id == TOPIC_ID
        assert code_of(response) == ErrorCode.NONE
        assert host.replicas.leader(T0).topic_id == TOPIC_ID
        assert (tmp_path / "t-0" / "partition.metadata").read_text().startswith("version: 0\ntopic_id: ")


async def test_a_partition_that_is_nowhere_elsewhere_or_not_in_that_epoch(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        assert refusal(host, T0) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        host.announce("t", leader=OTHER)
        assert refusal(host, T0) == ErrorCode.NOT_LEADER_OR_FOLLOWER
        host.tell("t", leader_epoch=2)
        assert refusal(host, T0, 1) == ErrorCode.FENCED_LEADER_EPOCH
        assert refusal(host, T0, 3) == ErrorCode.UNKNOWN_LEADER_EPOCH


async def test_an_old_controller_is_refused(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", controller_epoch=5)
        assert host.tell("t", controller_epoch=4).error_code == ErrorCode.STALE_CONTROLLER_EPOCH
        assert (await stop(host, delete=True, controller_epoch=4)).error_code == (
            ErrorCode.STALE_CONTROLLER_EPOCH
        )


async def test_the_same_or_an_older_leader_epoch_changes_nothing(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", leader_epoch=3)
        for epoch in (3, 2):
            response = host.tell("t", leader=OTHER, leader_epoch=epoch, replicas=BOTH)
            assert code_of(response) == ErrorCode.STALE_CONTROLLER_EPOCH
        assert host.replicas.leader(T0).leader_epoch == 3


async def test_another_topic_of_the_same_name_is_refused(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t")
        response = host.tell("t", leader_epoch=1, topic_id=UUID(int=99))
        assert code_of(response) == ErrorCode.INCONSISTENT_TOPIC_ID


async def test_a_partition_of_other_brokers_is_refused(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        response = host.tell("t", leader=OTHER, replicas=(OTHER,))
        assert code_of(response) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_old_versions_name_topics_in_their_answer(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        state = LeaderAndIsrPartitionState("t", 0, 1, NODE_ID, 0, [NODE_ID], 0, [NODE_ID])
        response = host.replicas.apply_leader_and_isr(
            LeaderAndIsrRequest(controller_epoch=1, ungrouped_partition_states=[state]), version=0
        )
        [error] = response.partition_errors
        assert (error.topic_name, error.partition_index, error.error_code) == ("t", 0, ErrorCode.NONE)


async def test_elections_and_resignations_are_told(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        told: list[tuple[str, int | None]] = []
        host.replicas.subscribe(
            lambda name, epoch: told.append((str(name), epoch)), lambda name: told.append((str(name), None))
        )
        host.tell("t", leader_epoch=1, replicas=BOTH)
        host.tell("t", leader_epoch=2, replicas=BOTH)
        host.tell("t", leader=OTHER, leader_epoch=3, replicas=BOTH)
        host.tell("t", leader_epoch=4, replicas=BOTH)
        await stop(host, delete=True, leader_epoch=EPOCH_DURING_DELETE)
        assert told == [("t-0", 1), ("t-0", None), ("t-0", 4), ("t-0", None)]


async def test_a_deleted_replica_is_gone_with_its_log(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.lead("t")
        response = await stop(host, delete=True, leader_epoch=EPOCH_DURING_DELETE)
        assert response.partition_errors[0].error_code == ErrorCode.NONE
        assert host.replicas.partition(T0) is None
        assert host.logs.get(T0) is None
        assert not (tmp_path / "t-0").exists()


async def test_a_replica_on_a_failed_disk_is_not_deleted_however_often_that_is_asked_for(
    tmp_path, autojump_clock, monkeypatch
):
    async with hosting(tmp_path) as host:
        host.lead("t")

        def rename(*_: object) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as broken:
            broken.setattr(os, "rename", rename)
            assert code_of_stop(await stop(host, delete=True)) == ErrorCode.KAFKA_STORAGE_ERROR
        assert code_of_stop(await stop(host, delete=True)) == ErrorCode.KAFKA_STORAGE_ERROR
        assert refusal(host, T0) == ErrorCode.KAFKA_STORAGE_ERROR
        assert (tmp_path / "t-0").exists()


async def test_a_stopped_replica_keeps_its_log_and_leads_until_another_does(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", leader_epoch=2)
        response = await stop(host, delete=False, leader_epoch=1)
        assert response.partition_errors[0].error_code == ErrorCode.FENCED_LEADER_EPOCH
        host.replicas.leader(T0)
        await stop(host, delete=False, leader_epoch=2)
        host.replicas.leader(T0)
        assert host.logs.get(T0) is not None


async def test_records_and_high_watermarks_are_there_after_a_restart(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.leader(T0)
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        partition.record_follower_fetch(OTHER, 3)
    async with hosting(tmp_path) as host:
        host.tell("t", leader=OTHER, leader_epoch=1, isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        assert partition.high_watermark == 3
        assert partition.log is not None
        assert partition.log.log_end_offset == 5
        host.tell("t", leader_epoch=2)
        assert partition.high_watermark == 5


async def test_high_watermarks_are_written_from_time_to_time(tmp_path, nursery, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        await nursery.start(host.replicas.run)
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        await trio.sleep(6)
        assert (tmp_path / "replication-offset-checkpoint").read_text() == "0\n1\nt 0 5\n"


@pytest.mark.parametrize("interval_ms", [0, -1])
async def test_high_watermarks_without_an_interval_are_written_at_the_end(
    tmp_path, nursery, autojump_clock, interval_ms
):
    settings = ReplicaSettings(high_watermark_checkpoint_interval_ms=interval_ms, lag_time_max_ms=1)
    async with hosting(tmp_path, NODE_ID, settings) as host:
        await nursery.start(host.replicas.run)
        host.lead("t").append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        await trio.sleep(100)
        assert not (tmp_path / "replication-offset-checkpoint").exists()
    assert (tmp_path / "replication-offset-checkpoint").read_text() == "0\n1\nt 0 5\n"


async def test_high_watermarks_of_a_deleted_topic_are_not_those_of_the_next_one(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.lead("t").append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        await host.replicas.checkpoint_high_watermarks()
        await stop(host, delete=True)
        assert (tmp_path / "replication-offset-checkpoint").read_text() == "0\n0\n"


async def test_high_watermarks_nobody_has_asked_for_since_the_start_stay_on_disk(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        for topic in ("t", "u"):
            host.lead(topic).append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
    async with hosting(tmp_path) as host:
        await host.replicas.checkpoint_high_watermarks()
        host.lead("u").append(batch(1), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        await host.replicas.checkpoint_high_watermarks()
        assert (tmp_path / "replication-offset-checkpoint").read_text() == "0\n2\nt 0 5\nu 0 6\n"


async def test_a_new_configuration_holds_from_the_next_append(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        host.replicas.apply_topic_config("t", LogConfig(max_message_bytes=10))
        with pytest.raises(KafkaError) as refused:
            partition.append(batch(), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        assert refused.value.code == ErrorCode.MESSAGE_TOO_LARGE


async def test_a_failed_directory_is_told(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        assert partition.log is not None
        partition.log.directory.fail(OSError(), "test")
        assert refusal(host, T0) == ErrorCode.KAFKA_STORAGE_ERROR
