"""Replication quotas as they are set: configs of topics and brokers bound what moves, by the clock."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import trio

from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_reassignments_request import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from odradek.protocol.generated.create_topics_request import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.protocol.generated.incremental_alter_configs_request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.protocol.message import Message
from odradek.records.validation import AppendOrigin
from odradek.testing.cluster import SimulatedCluster, simulated_cluster
from odradek.testing.machine import Machine
from odradek.testing.trace import Trace
from tests.replication.hosting import batch
from tests.simulation.client import Client, Lost

_TOPIC = "orders"
_NAME = TopicPartition(_TOPIC, 0)
_BROKER = 4
_BATCHES, _BATCH_BYTES = 20, 10_000
_PROPERTIES = {
    "replica.fetch.max.bytes": str(_BATCH_BYTES),
    "replica.fetch.response.max.bytes": str(_BATCH_BYTES),
}
_LOOK_S = 0.1


async def _ask(client: Client, request: Message, version: int) -> None:
    while True:
        with suppress(*Lost):
            await client.refresh(_TOPIC)
            answer = await client.ask(client.controller or client.any_broker(), request, version)
            found = getattr(answer, "topics", None) or answer.responses
            code = getattr(found[0], "error_code", None) or getattr(answer, "error_code", ErrorCode.NONE)
            if code in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS):
                return
        await client.back_off()


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - nobody tells
        await trio.sleep(_LOOK_S)


async def _move(cluster: SimulatedCluster, side: str, rate: str) -> float:
    """How long a second replica takes to have it all, in seconds."""
    brokers = [cluster.add_broker(node_id, _PROPERTIES) for node_id in (1, 2)]
    for broker in brokers:
        broker.start()
    for broker in brokers:
        await broker.wait_up()
    client = Client("admin", cluster.network, [broker.host for broker in brokers], Random("admin"))
    throttled = CreatableTopicConfig(f"{side}.replication.throttled.replicas", "*")
    topic = CreatableTopic(_TOPIC, -1, -1, [CreatableReplicaAssignment(0, [1])], [throttled])
    await _ask(client, CreateTopicsRequest([topic], 5_000), 7)
    bound = AlterableConfig(f"{side}.replication.throttled.rate", 0, rate)
    if rate:
        await _ask(client, IncrementalAlterConfigsRequest([AlterConfigsResource(_BROKER, "", [bound])]), 1)
    leader = brokers[0].running
    assert leader is not None
    await _until(lambda: leader.services.replicas.partition(_NAME) is not None)
    partition = leader.services.replicas.hosted(_TOPIC, 0)
    for _ in range(_BATCHES):
        records = batch(size=_BATCH_BYTES)
        partition.append(records, required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
    began = trio.current_time()
    moved = ReassignableTopic(_TOPIC, [ReassignablePartition(0, [1, 2])])
    await _ask(client, AlterPartitionReassignmentsRequest(5_000, topics=[moved]), 0)
    node = paths.partition_state(_NAME)
    await _until(lambda: len(LeaderAndIsr.decode(cluster.ensemble.tree.nodes[node].data).isr) == 2)
    for broker in brokers:
        assert broker.failure is None
        await broker.stop()
    return trio.current_time() - began


@pytest.mark.parametrize("side", ["leader", "follower"])
@pytest.mark.parametrize(("rate", "at_least_s", "at_most_s"), [("20000", 5, 20), ("", 0, 3)])
def test_replicas_move_as_fast_as_their_brokers_may(
    side: str, rate: str, at_least_s: float, at_most_s: float
) -> None:
    """200 kB, a batch of 10 kB with each answer; a rate that is not set bounds nothing."""
    bugs = []
    machine = Machine(1)
    machine.log_output = lambda level, name, event, fields: (
        bugs.append((event, fields)) if "exc_info" in fields else None
    )
    with tempfile.TemporaryDirectory() as directory:

        async def move() -> None:
            async with simulated_cluster(machine, Path(directory), Trace()) as cluster:
                with trio.fail_after(120):
                    seconds.append(await _move(cluster, side, rate))

        seconds: list[float] = []
        machine.run(move)
    assert not bugs
    assert at_least_s <= seconds[0] <= at_most_s
