"""A controller elsewhere and a broker of ours: its requests in every version, over the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from odradek.broker.broker import RunningBroker
from odradek.coordination.embedded import EmbeddedStore
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
    LeaderAndIsrTopicState,
)
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import (
    StopReplicaPartitionState,
    StopReplicaPartitionV0,
    StopReplicaRequest,
    StopReplicaTopicState,
    StopReplicaTopicV1,
)
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse
from tests.broker.wire import Wire, connected, running

TOPIC_ID = UUID(int=77)
NODE_ID, OTHER = 0, 9
CONTROLLER_EPOCH = 50
"""Newer than the broker's own, which is deposed by it."""


@asynccontextmanager
async def controlled(path: Path) -> AsyncIterator[tuple[RunningBroker, Wire, int]]:
    """A broker, a connection to it, and the epoch of its registration."""
    # Its controller is told of, and not there to be asked.
    properties = {"broker.id": str(NODE_ID), "controlled.shutdown.enable": "false"}
    async with EmbeddedStore() as store, running(path, properties, store) as broker:
        node = await store.get(f"/brokers/ids/{NODE_ID}")
        async with connected(broker) as wire:
            yield broker, wire, node.czxid


def lead(version: int, *, leader: int = NODE_ID, epoch: int = 0, **fields: Any) -> LeaderAndIsrRequest:
    """A LeaderAndIsr for t-0, in the shape of its version."""
    state = LeaderAndIsrPartitionState(
        topic_name="t" if version < 2 else "",
        controller_epoch=CONTROLLER_EPOCH,
        leader=leader,
        leader_epoch=epoch,
        isr=[leader],
        replicas=[NODE_ID, OTHER],
    )
    request = LeaderAndIsrRequest(controller_id=OTHER, controller_epoch=CONTROLLER_EPOCH, **fields)
    if version < 2:
        request.ungrouped_partition_states = [state]
    else:
        request.topic_states = [
            LeaderAndIsrTopicState("t", TOPIC_ID if version >= 5 else UUID(int=0), [state])
        ]
    return request


def error_of(response: LeaderAndIsrResponse, version: int) -> int:
    if version < 5:
        [error] = response.partition_errors
        assert (error.topic_name, error.partition_index) == ("t", 0)
    else:
        [topic] = response.topics
        assert topic.topic_id == TOPIC_ID
        [error] = topic.partition_errors
    return error.error_code


@pytest.mark.parametrize("version", range(8))
async def test_a_partition_is_led(tmp_path, version):
    async with controlled(tmp_path) as (broker, wire, _):
        response = await wire.ask(lead(version), LeaderAndIsrResponse, version)
        assert (response.error_code, error_of(response, version)) == (0, 0)
        partition = broker.services.replicas.leader(TopicPartition("t", 0))
        assert partition.isr == {NODE_ID}
        assert partition.topic_id == (TOPIC_ID if version >= 5 else UUID(int=0))
        response = await wire.ask(lead(version), LeaderAndIsrResponse, version)
        assert error_of(response, version) == ErrorCode.STALE_CONTROLLER_EPOCH


@pytest.mark.parametrize("version", [2, 4, 5, 7])
async def test_a_request_of_an_earlier_registration_is_refused(tmp_path, version):
    async with controlled(tmp_path) as (broker, wire, epoch):
        request = lead(version, broker_epoch=epoch - 1)
        response = await wire.ask(request, LeaderAndIsrResponse, version)
        assert response.error_code == ErrorCode.STALE_BROKER_EPOCH
        assert error_of(response, version) == ErrorCode.STALE_BROKER_EPOCH
        assert broker.services.replicas.partition(TopicPartition("t", 0)) is None
        for epoch_of_now in (epoch, epoch + 1):
            request = lead(version, broker_epoch=epoch_of_now, epoch=epoch_of_now)
            assert error_of(await wire.ask(request, LeaderAndIsrResponse, version), version) == 0


@pytest.mark.parametrize("version", [0, 7])
async def test_a_controller_of_before_is_refused(tmp_path, version):
    async with controlled(tmp_path) as (_, wire, _):
        await wire.ask(lead(version), LeaderAndIsrResponse, version)
        request = lead(version, epoch=5)
        request.controller_epoch = CONTROLLER_EPOCH - 1
        response = await wire.ask(request, LeaderAndIsrResponse, version)
        assert response.error_code == ErrorCode.STALE_CONTROLLER_EPOCH
        assert error_of(response, version) == ErrorCode.STALE_CONTROLLER_EPOCH
        stop = StopReplicaRequest(controller_epoch=CONTROLLER_EPOCH - 1)
        answered = await wire.ask(stop, StopReplicaResponse, min(version, 4))
        assert (answered.error_code, answered.partition_errors) == (ErrorCode.STALE_CONTROLLER_EPOCH, [])
        told = UpdateMetadataRequest(controller_epoch=CONTROLLER_EPOCH - 1)
        refused = await wire.ask(told, UpdateMetadataResponse, version)
        assert refused.error_code == ErrorCode.STALE_CONTROLLER_EPOCH


async def test_a_kraft_controller_is_not_ours(tmp_path):
    async with controlled(tmp_path) as (_, wire, epoch):
        request = lead(7, broker_epoch=epoch, is_kraft_controller=True)
        response = await wire.ask(request, LeaderAndIsrResponse, 7)
        assert response.error_code == error_of(response, 7) == ErrorCode.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize("version", range(5))
async def test_a_replica_is_deleted(tmp_path, version):
    async with controlled(tmp_path) as (broker, wire, epoch):
        await wire.ask(lead(7), LeaderAndIsrResponse, 7)
        request = StopReplicaRequest(controller_epoch=CONTROLLER_EPOCH)
        if version < 1:
            request.delete_partitions = True
            request.ungrouped_partitions = [StopReplicaPartitionV0("t", 0)]
        elif version < 3:
            request.delete_partitions = True
            request.topics = [StopReplicaTopicV1("t", [0])]
        else:
            request.topic_states = [StopReplicaTopicState("t", [StopReplicaPartitionState(0, 0, True)])]
        if version >= 1:
            request.broker_epoch = epoch - 1
            response = await wire.ask(request, StopReplicaResponse, version)
            assert (response.error_code, response.partition_errors) == (ErrorCode.STALE_BROKER_EPOCH, [])
            request.broker_epoch = epoch
        response = await wire.ask(request, StopReplicaResponse, version)
        assert response.error_code == 0
        [error] = response.partition_errors
        assert (error.topic_name, error.partition_index, error.error_code) == ("t", 0, 0)
        assert broker.services.logs.get(TopicPartition("t", 0)) is None


@pytest.mark.parametrize("version", range(9))
async def test_the_cluster_is_told(tmp_path, version):
    async with controlled(tmp_path) as (broker, wire, epoch):
        told = UpdateMetadataBroker(id=OTHER, rack="r" if version >= 2 else None)
        if version == 0:
            told.v0_host, told.v0_port = "elsewhere", 9999
        else:
            listener = "PLAINTEXT" if version >= 3 else ""
            told.endpoints = [UpdateMetadataEndpoint(9999, "elsewhere", listener, 0)]
        state = UpdateMetadataPartitionState(
            topic_name="t" if version < 5 else "",
            leader=OTHER,
            leader_epoch=3,
            isr=[OTHER],
            replicas=[OTHER],
        )
        request = UpdateMetadataRequest(
            controller_id=OTHER, controller_epoch=CONTROLLER_EPOCH, live_brokers=[told]
        )
        if version < 5:
            request.ungrouped_partition_states = [state]
        else:
            topic_id = TOPIC_ID if version >= 7 else UUID(int=0)
            request.topic_states = [UpdateMetadataTopicState("t", topic_id, [state])]
        if version >= 5:
            request.broker_epoch = epoch - 1
            response = await wire.ask(request, UpdateMetadataResponse, version)
            assert response.error_code == ErrorCode.STALE_BROKER_EPOCH
            request.broker_epoch = epoch
        response = await wire.ask(request, UpdateMetadataResponse, version)
        assert response.error_code == 0
        snapshot = broker.services.metadata.snapshot
        assert snapshot.controller_id == OTHER
        endpoint = snapshot.endpoint(OTHER, "PLAINTEXT")
        assert endpoint is not None
        assert (endpoint.host, endpoint.port) == ("elsewhere", 9999)
        known = snapshot.partition(TopicPartition("t", 0))
        assert known is not None
        assert (known.leader, known.leader_epoch) == (OTHER, 3)
        assert broker.services.metadata.topic_id("t") == (TOPIC_ID if version >= 7 else UUID(int=0))
