"""No failure of the store, wherever a broker asks it for something, costs its life or the cluster's health.

A cluster lives through all that its brokers need the store for. Wherever they ask, the first time fails; so
does the second time of a commit, which is made all the same. So that many places are seen in few lives, each
life is that of a share of them; a place is known by the calls that lead to it.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any
from zlib import crc32

import pytest
import trio

import odradek
from odradek.coordination.store import StoreUnavailable
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_partitions_request import (
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.incremental_alter_configs_request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.protocol.message import Message
from odradek.testing.cluster import SimulatedCluster, simulated_cluster
from odradek.testing.ensemble_session import Session
from odradek.testing.machine import Machine
from odradek.testing.trace import Trace
from tests.simulation.client import Client, Lost

_SHARES = 8
_SOURCE = str(Path(odradek.__file__).parent)
_IN_BETWEEN = ("testing", "coordination/perseverance")
"""Parts of odradek that do not need the store for something of their own."""

_TOPIC = "orders"
_LIMIT_S = 120
_LOOK_S = 0.1

Ask = Callable[..., Any]


class Failure(Enum):
    """What becomes of a request to the store."""

    UNAVAILABLE = "unavailable"
    EXPIRED = "expired"


class FailingStore:
    """Has requests fail whose place belongs to this share; takes the place of `Session._ask`."""

    def __init__(self, failure: Failure, share: int, ask: Ask) -> None:
        self.failed = Counter[str]()
        self._failure = failure
        self._share = share
        self._ask = ask

    async def ask(
        self, session: Session, path: str, perform: Callable[[], Any], *, is_write: bool = False
    ) -> Any:
        place = _place()
        is_due = crc32(place.encode()) % _SHARES == self._share
        if is_due and self.failed[place] < 1 + is_write:
            self.failed[place] += 1
            if self._failure is Failure.EXPIRED:
                session.expire()
            elif self.failed[place] == 1:
                raise StoreUnavailable(path)
            else:
                await self._ask(session, path, perform, is_write=is_write)
                raise StoreUnavailable(path)
        return await self._ask(session, path, perform, is_write=is_write)


def _place() -> str:
    calls = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_SOURCE):
            part = name.removeprefix(_SOURCE).lstrip("/").removesuffix(".py")
            if not part.startswith(_IN_BETWEEN):
                calls.append(f"{part}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(calls)


class Life:
    """What the cluster goes through, and how it is then. Owned by one task."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self._cluster = cluster
        self._brokers = [cluster.add_broker(node_id, _PROPERTIES) for node_id in (1, 2, 3)]
        hosts = [broker.host for broker in self._brokers]
        self._client = Client("admin", cluster.network, hosts, Random("admin"))

    async def run(self) -> None:
        for broker in self._brokers:
            broker.start()
        await self._until_up()
        await self._ask(
            CreateTopicsRequest([CreatableTopic(_TOPIC, 2, 3)], 5_000), 7, ErrorCode.TOPIC_ALREADY_EXISTS
        )
        await self._until(self._is_whole)
        await self._set_config("1000000")
        await self._until(lambda: self._is_configured("1000000"))
        more = CreatePartitionsRequest([CreatePartitionsTopic(_TOPIC, 3, None)], 5_000)
        await self._ask(more, 3, ErrorCode.INVALID_PARTITIONS)
        await self._until(lambda: self._is_whole(3))
        killed = self._brokers[self._state(0).leader - 1]
        await killed.kill()
        await self._until(lambda: self._is_succeeded(killed.node_id))
        await self._set_config("2000000")
        killed.start()
        await self._until_up()
        await self._until(lambda: self._is_whole(3))
        await self._until(lambda: self._is_configured("2000000"))
        gone = DeleteTopicsRequest([DeleteTopicState(_TOPIC)], timeout_ms=5_000)
        await self._ask(gone, 6, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        await self._until(self._is_gone)
        await self._ask(
            CreateTopicsRequest([CreatableTopic(_TOPIC, 1, 3)], 5_000), 7, ErrorCode.TOPIC_ALREADY_EXISTS
        )
        await self._until(lambda: self._is_whole(1))
        for broker in self._brokers:
            assert broker.failure is None
            await broker.stop()
            assert not broker.is_alive

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_LOOK_S)

    async def _until_up(self) -> None:
        for broker in self._brokers:
            await broker.wait_up()

    async def _set_config(self, value: str) -> None:
        config = AlterableConfig("retention.ms", 0, value)
        await self._ask(IncrementalAlterConfigsRequest([AlterConfigsResource(2, _TOPIC, [config])]), 1)

    async def _ask(self, request: Message, version: int, done_before: int = 0) -> None:
        """Until it is done, or was done without the answer saying so."""
        while True:
            with suppress(*Lost):
                await self._client.refresh(_TOPIC)
                host = self._client.controller or self._client.any_broker()
                answer = await self._client.ask(host, request, version)
                self._cluster.trace.remark("admin", str(answer))
                (each,) = (
                    getattr(answer, "topics", None) or getattr(answer, "results", None) or answer.responses
                )
                if each.error_code in (ErrorCode.NONE, done_before):
                    return
            await self._client.back_off()

    def _state(self, partition: int) -> LeaderAndIsr:
        node = self._cluster.ensemble.tree.nodes[paths.partition_state(TopicPartition(_TOPIC, partition))]
        return LeaderAndIsr.decode(node.data)

    def _is_succeeded(self, node_id: int) -> bool:
        """Whether another broker leads, or none may: as all others' sessions ended, it alone is in sync."""
        state = self._state(0)
        return state.leader not in (node_id, -1) or state.isr == (node_id,)

    def _is_whole(self, partitions: int = 2) -> bool:
        """Whether everybody is there and in sync, knows who leads, and there is a controller in office."""
        nodes = self._cluster.ensemble.tree.nodes
        running = [broker.running for broker in self._brokers if broker.running is not None]
        if {f"{paths.BROKER_IDS}/{node_id}" for node_id in (1, 2, 3)} - nodes.keys() or len(running) < 3:
            return False
        if sum(each.services.controller.is_active for each in running) != 1:
            return False
        for index in range(partitions):
            name = TopicPartition(_TOPIC, index)
            if paths.partition_state(name) not in nodes or len(self._state(index).isr) < 3:
                return False
            known = [each.services.metadata.snapshot.partition(name) for each in running]
            if any(each is None or each.leader != self._state(index).leader for each in known):
                return False
        return True

    def _is_configured(self, value: str) -> bool:
        return all(
            broker.running.services.configs.topic(_TOPIC).get("retention.ms") == value
            for broker in self._brokers
            if broker.running is not None
        )

    def _is_gone(self) -> bool:
        left = {paths.topic(_TOPIC), paths.delete_topic(_TOPIC)} & self._cluster.ensemble.tree.nodes.keys()
        return not left and not any(any(broker.directory.glob(f"*/{_TOPIC}-*")) for broker in self._brokers)


_PROPERTIES = {
    "offsets.topic.num.partitions": "1",
    "controlled.shutdown.retry.backoff.ms": "100",
    "log.segment.delete.delay.ms": "100",
    "request.timeout.ms": "3000",
    "controller.socket.timeout.ms": "3000",
}


@pytest.mark.parametrize("share", range(_SHARES))
@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.value)
def test_a_store_that_fails_ends_no_broker(
    failure: Failure, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = FailingStore(failure, share, Session._ask)

    async def ask(session: Session, path: str, perform: Callable[[], Any], **kind: bool) -> Any:
        return await failing.ask(session, path, perform, **kind)

    monkeypatch.setattr(Session, "_ask", ask)
    trace = Trace()
    with tempfile.TemporaryDirectory() as directory:
        machine = Machine(share)
        machine.log_output = lambda level, name, event, fields: trace.remark("", f"{name}: {event} {fields}")

        async def live() -> None:
            async with simulated_cluster(machine, Path(directory), trace) as cluster:
                life = Life(cluster)
                with trio.move_on_after(_LIMIT_S) as waiting:
                    await life.run()
                ended = [broker.failure for broker in cluster.brokers.values() if broker.failure is not None]
                assert not ended
                assert not waiting.cancelled_caught, f"{trace}\n{failing.failed}"

        machine.run(live)
    assert failing.failed
