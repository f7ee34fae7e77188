"""Topics that come and go while things go wrong, under the same few names.

A topic that was deleted leaves nothing behind: no node, no file, and no record that a topic of the same name
would show.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import trio

from compat.history.history import History
from compat.history.operations import Partition
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.create_topics_response import CreateTopicsResponse
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.delete_topics_response import DeleteTopicsResponse
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.produce_response import ProduceResponse
from odradek.protocol.message import Message
from odradek.records.builder import build_batch
from odradek.records.record import Record
from odradek.testing.cluster import SimulatedCluster
from odradek.testing.skewed_clock import EPOCH_MS
from tests.simulation.client import Client, Lost
from tests.simulation.consumer import Consumer
from tests.simulation.findings import Findings
from tests.simulation.producer import PRODUCE_VERSION

CREATE_TOPICS_VERSION = 7
DELETE_TOPICS_VERSION = 6

_NAMES = ("passing-a", "passing-b")
_POLL_S = 0.25
_TIMEOUT_MS = 2_000

MakeClient = Callable[[str], Client]


@dataclass(slots=True)
class _Topic:
    """What is known of the topics of one name."""

    name: str
    exists: bool | None = False
    """None: nobody can say."""
    incarnation: int = 0
    sent: int = 0
    written: set[str] = field(default_factory=set)
    """What was acknowledged since the name's last topic was certainly gone."""
    has_late_deletion: bool = False
    """Whether some deletion was asked for that may happen at any time."""
    late: set[str] = field(default_factory=set)
    """What may have been written, or still be, to whatever has the name then."""
    may_go: bool = True
    """Whether somebody may have deleted what was created last, or still may."""


class PassingTopics:
    """Creates, writes and deletes topics which nobody else uses. Owned by one task."""

    def __init__(
        self, make_client: MakeClient, cluster: SimulatedCluster, findings: Findings, any_topic: str
    ) -> None:
        self._make_client = make_client
        self._client = make_client("passing")
        self._cluster = cluster
        self._findings = findings
        self._any_topic = any_topic
        self._topics = [_Topic(name) for name in _NAMES]
        self._clients = 0
        self.done = trio.Event()
        self.has_lost = False
        """Whether something that was asked for may happen at any time, for no answer came."""

    async def run(self, stop: trio.Event, interval_s: float) -> None:
        """One thing after the other until asked to stop, whatever goes wrong."""
        random = self._client.random
        while not stop.is_set():
            with trio.move_on_after(random.expovariate(1 / interval_s)):
                await stop.wait()
                break
            topic = random.choice(self._topics)
            if topic.exists is False:
                await self._create(topic)
            elif topic.exists is None or random.random() < 0.35:
                await self._delete(topic)
            else:
                await self._write(topic)
        self.done.set()

    async def finish(self) -> None:
        """Read what there is, delete all of it, and see that it is gone. When nothing is late any more."""
        for topic in self._topics:
            while paths.delete_topic(topic.name) in self._cluster.ensemble.tree.nodes:  # noqa: ASYNC110
                await trio.sleep(_POLL_S)
            if topic.exists:
                await self._read(topic)
        for topic in self._topics:
            code = None
            while self._is_there(topic) and code != ErrorCode.NONE:
                code = await self._delete(topic)
            topic.exists = False
        while any(self.remains()):  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_POLL_S)

    def remains(self) -> Iterator[str]:
        """Where there is something left of topics that are gone."""
        for topic in self._topics:
            if topic.exists is not False:
                continue
            for path in (
                paths.topic(topic.name),
                paths.config("topics", topic.name),
                paths.delete_topic(topic.name),
            ):
                if path in self._cluster.ensemble.tree.nodes:
                    yield path
            for broker in self._cluster.brokers.values():
                for directory in sorted(broker.directory.glob(f"*/{topic.name}-*")):
                    yield f"{broker.host} {directory.name}"

    def _is_there(self, topic: _Topic) -> bool:
        return paths.topic(topic.name) in self._cluster.ensemble.tree.nodes

    # One thing

    async def _create(self, topic: _Topic) -> None:
        random = self._client.random
        brokers = len(self._cluster.brokers)
        wanted = CreatableTopic(topic.name, random.randint(1, 2), random.randint(min(2, brokers), brokers))
        topic.incarnation += 1
        answer: CreateTopicsResponse | None = await self._ask(
            CreateTopicsRequest([wanted], _TIMEOUT_MS), CREATE_TOPICS_VERSION
        )
        code = answer.topics[0].error_code if answer is not None else None
        self._note(topic, "created", code)
        # One that is there already may be about to be deleted.
        topic.exists = True if code == ErrorCode.NONE else None
        topic.may_go = code != ErrorCode.NONE or topic.has_late_deletion

    async def _delete(self, topic: _Topic) -> int | None:
        topic.may_go = True
        answer: DeleteTopicsResponse | None = await self._ask(
            DeleteTopicsRequest([DeleteTopicState(topic.name)], timeout_ms=_TIMEOUT_MS), DELETE_TOPICS_VERSION
        )
        code = answer.responses[0].error_code if answer is not None else None
        self._note(topic, "deleted", code)
        if code in (ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION):
            topic.exists = False
            topic.written.clear()
        else:
            topic.exists = None
            topic.has_late_deletion |= code != ErrorCode.NOT_CONTROLLER
            await self._client.back_off()
        return code

    async def _write(self, topic: _Topic) -> None:
        client = self._new_client()
        topic.sent += 1
        value = f"{topic.name} {topic.incarnation} {topic.sent}"
        topic.late.add(value)
        now_ms = EPOCH_MS + round(trio.current_time() * 1000)
        batch = build_batch([Record(0, now_ms, None, value.encode())])
        data = TopicProduceData(topic.name, partition_data=[PartitionProduceData(0, batch)])
        with suppress(*Lost), trio.move_on_after(_TIMEOUT_MS / 1000):
            leader = await client.leader(topic.name, 0)
            answer: ProduceResponse = await client.ask(
                leader, ProduceRequest(None, -1, _TIMEOUT_MS, [data]), PRODUCE_VERSION
            )
            if answer.responses[0].partition_responses[0].error_code == ErrorCode.NONE:
                topic.late.discard(value)
                topic.written.add(value)

    async def _read(self, topic: _Topic) -> None:
        if not self._is_there(topic):
            if not topic.may_go:
                self._findings.add(f"{topic.name} is gone, which nobody asked for")
            return
        partition = Partition(topic.name, 0)
        # A leader that has not heard of another one yet would tell what it knew, to one who knows no epoch.
        while not self._is_agreed(topic):  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_POLL_S)
        reader = Consumer(self._new_client(), History(), self._findings, [partition])
        log = await reader.read_all(partition)
        found = {seen.value for seen in log.records}
        if alien := found - topic.written - topic.late:
            self._findings.add(f"{topic.name} shows records of one that was deleted: {sorted(alien)}")
        if not topic.may_go and (missing := topic.written - found):
            self._findings.add(f"{topic.name} has lost {sorted(missing)}")

    def _is_agreed(self, topic: _Topic) -> bool:
        """Whether every broker knows who leads, as the store has it."""
        name = TopicPartition(topic.name, 0)
        state = self._cluster.ensemble.tree.nodes.get(paths.partition_state(name))
        if state is None:
            return not self._is_there(topic)
        epoch = LeaderAndIsr.decode(state.data).leader_epoch
        for broker in self._cluster.brokers.values():
            known = broker.running and broker.running.services.metadata.snapshot.partition(name)
            if not known or known.leader_epoch != epoch:
                return False
        return True

    # Asking

    def _new_client(self) -> Client:
        """One that knows nothing: a new topic begins with leader epochs that an old one had."""
        self._clients += 1
        return self._make_client(f"passing-{self._clients}")

    async def _ask(self, request: Message, version: int) -> Any:
        """What the controller answers; None when nothing came."""
        client = self._client
        try:
            await client.refresh(self._any_topic)
            return await client.ask(client.controller or client.any_broker(), request, version)
        except Lost:
            self.has_lost = True
            return None

    def _note(self, topic: _Topic, what: str, code: int | None) -> None:
        said = "no answer" if code is None else ErrorCode(code).name
        self._cluster.trace.note(self._client.name, f"asked to have {topic.name} {what}: {said}")
