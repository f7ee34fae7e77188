"""One scenario's conversation with a cluster of three, and the transcript that it leaves.

``send`` and ``take`` are written down, with the broker that was asked; the steps that only prepare are not,
and stop the scenario with ``Unprepared`` or ``NotSettled`` when they fail. Every exchange has a connection of
its own.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compat.cluster.cluster import Cluster
from compat.judge.judgment import Run
from compat.judge.normalisation import EVERY_SCENARIO, Normalisation, sort_rows
from compat.judge.session import TIMESTAMP_MS, Topic, Unprepared, newest_common_version
from compat.judge.transcript import Tree, tree
from compat.oracle.ports import wait_until
from compat.wire import Request, Wire
from odradek.coordinators.partitioner import partition_for
from odradek.protocol.api_keys import ApiKey
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
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.elect_leaders_request import ElectLeadersRequest, TopicPartitions
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.records.builder import build_batch
from odradek.records.record import Record

BROKERS: Final = (0, 1, 2)
CONTROLLER: Final = 0
OFFSETS: Final = "__consumer_offsets"
ROTATIONS: Final = ([0, 1, 2], [1, 2, 0], [2, 0, 1])
"""Replicas of three partitions, each led by the broker of its number."""

_PATIENCE_S: Final = 30
_UNORDERED: Final[dict[int, str]] = {ApiKey.METADATA: "topics.partitions"}
"""Kafka has them in a table that is copied with every update, whichever topic that is about."""

_METADATA_VERSION: Final = 12


@dataclass(slots=True)
class Posted:
    """A request whose answer has not been read yet."""

    broker: int
    request: Request
    version: int
    wire: Wire
    correlation_id: int


class ClusterSession:
    """What a scenario talks through; ``version`` is the one of its API that is being judged."""

    def __init__(self, run: Run, cluster: Cluster) -> None:
        self.api = run.scenario.api
        self.version = run.version
        self.transcript: list[Tree] = []
        self._cluster = cluster
        scenario = run.scenario.name.replace(".", "-").replace("_", "-")
        self._prefix = f"{EVERY_SCENARIO}{scenario}-v{run.version}-"
        ports = {node.port: node.id for node in cluster.nodes.values()}
        self._normalisation = Normalisation(self._prefix, ports=ports)
        self._topics: list[str] = []

    def close(self) -> None:
        """Delete the topics."""
        gone = [DeleteTopicState(name=name) for name in self._topics]
        if gone:
            self._ask(CONTROLLER, DeleteTopicsRequest(topics=gone, timeout_ms=0))

    # What is judged.

    def send(
        self,
        broker: int,
        request: Request,
        *,
        version: int | None = None,
        until: Callable[[Any], bool] | None = None,
        unordered: str = "",
    ) -> Any:
        """Send a request to a broker and write its answer down; returns it decoded, ``None`` when none came.

        ``version``, ``until`` and ``unordered`` are those of ``compat.judge.Session.send``.
        """
        version = self._version(request) if version is None else version
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            answer, step = self._take(self._post(broker, request, version), unordered)
            if until is None or answer is None or until(answer) or time.monotonic() > deadline:
                self._write(broker, request, version, step)
                return answer
            time.sleep(0.05)

    def post(self, broker: int, request: Request) -> Posted:
        """Send a request without waiting for the answer."""
        return self._post(broker, request, self._version(request))

    def take(self, posted: Posted) -> Any:
        """Wait for the answer to a ``post`` and write it down."""
        answer, step = self._take(posted, "")
        self._write(posted.broker, posted.request, posted.version, step)
        return answer

    def watch(self, broker: int, request: Request, until: Callable[[Any], bool]) -> None:
        """Ask until the answer satisfies; writes down that it came to that, and nothing else."""

        def satisfied() -> bool:
            return until(self._ask(broker, request, version=self._version(request)))

        came = wait_until(satisfied, timeout_s=_PATIENCE_S)
        self.transcript.append({"noted": f"waited for broker {broker}", "answer": came})

    def note(self, what: str, value: object) -> None:
        """Write down something that the scenario has worked out from several answers."""
        self.transcript.append({"noted": what, "answer": self._normalisation.apply(tree(value))})

    # What only prepares.

    def name(self, suffix: str = "a") -> str:
        """A name for a topic or a group that no other scenario has; the same one in every run."""
        return self._prefix + suffix

    def group_of(self, broker: int) -> str:
        """The name of a group whose partition of the offsets topic has this broker as preferred leader."""
        names = (self.name(f"group-{number}") for number in range(1000))
        return next(each for each in names if partition_for(each, len(ROTATIONS)) == broker)

    def create_topic(
        self,
        *replicas: Sequence[int],
        suffix: str = "a",
        configs: Mapping[str, str] | None = None,
    ) -> Topic:
        """A new topic with these replicas for each partition, all in sync; every broker knows of it."""
        name = self.own_topic(suffix)
        topic = CreatableTopic(
            name=name,
            num_partitions=-1,
            replication_factor=-1,
            assignments=[
                CreatableReplicaAssignment(index, list(each)) for index, each in enumerate(replicas)
            ],
            configs=[CreatableTopicConfig(key, value) for key, value in (configs or {}).items()],
        )
        created = self._ask(CONTROLLER, CreateTopicsRequest(topics=[topic], timeout_ms=30_000)).topics[0]
        if created.error_code:
            raise Unprepared(f"{name} was not created: error {created.error_code}")
        self.wait_in_sync(Topic(name, created.topic_id))
        return Topic(name, created.topic_id)

    def own_topic(self, suffix: str) -> str:
        """A name for a topic that the scenario has made in its own way, and that goes when it ends."""
        self._topics.append(self.name(suffix))
        return self._topics[-1]

    def wait_in_sync(self, topic: Topic) -> None:
        """Wait until every running broker says that all replicas of every partition are in its ISR."""
        running = [node.id for node in self._cluster.nodes.values() if node.running]
        self._cluster.wait_for(
            f"full ISR of {topic.name} everywhere",
            lambda: all(self._in_sync(each, topic) for each in running),
        )

    def _in_sync(self, broker: int, topic: Topic) -> bool:
        answer = self._ask(broker, metadata(topic.name), version=_METADATA_VERSION).topics[0]
        return bool(answer.partitions) and all(
            not each.error_code and set(each.isr_nodes) == set(each.replica_nodes)
            for each in answer.partitions
        )

    def produce(self, topic: Topic, *values: bytes, at: int = 0, partition: int = 0) -> int:
        """Append one batch to a partition that broker ``at`` leads, acks=all; returns its first offset."""
        answer = self._ask(at, produce(topic, *values, partition=partition))
        row = answer.responses[0].partition_responses[0]
        if row.error_code:
            raise Unprepared(f"{topic.name} was not written: error {row.error_code}")
        offset: int = row.base_offset
        return offset

    def move_leader(self, topic: Topic, *replicas: int) -> None:
        """Put the replicas of partition 0 in this order, elect the first of them, and wait till all know."""
        reassigned = self._ask(CONTROLLER, reassignment(topic.name, list(replicas)))
        elected = self._ask(CONTROLLER, election(topic.name))
        if reassigned.error_code or elected.error_code:
            raise Unprepared(f"{topic.name} was not moved: {reassigned.error_code}, {elected.error_code}")

        def moved(broker: int) -> bool:
            answer = self._ask(broker, metadata(topic.name), version=_METADATA_VERSION)
            [partition] = answer.topics[0].partitions
            return bool(partition.leader_id == replicas[0] and partition.replica_nodes == list(replicas))

        self._cluster.wait_for(f"{replicas[0]} as leader", lambda: all(map(moved, BROKERS)))

    def stop(self, broker: int) -> None:
        """Shut a broker down in order."""
        self._cluster.nodes[broker].stop()

    def kill(self, broker: int) -> None:
        """``kill -9``."""
        self._cluster.nodes[broker].kill()

    def pause(self, broker: int) -> None:
        """SIGSTOP: its connections stay, it answers nothing."""
        self._cluster.nodes[broker].pause()

    def resume(self, broker: int) -> None:
        """SIGCONT."""
        self._cluster.nodes[broker].resume()

    def start(self, broker: int) -> None:
        """Start a broker again on the same port and files."""
        self._cluster.nodes[broker].restart()

    # The wire beneath.

    def _version(self, request: Request) -> int:
        return self.version if self.api == request.API_KEY else newest_common_version(request.API_KEY)

    def _post(self, broker: int, request: Request, version: int) -> Posted:
        wire = Wire(self._cluster.nodes[broker].bootstrap, client_id="judge", timeout_s=_PATIENCE_S)
        return Posted(broker, request, version, wire, wire.post(request, version=version))

    def _take(self, posted: Posted, unordered: str) -> tuple[Any, dict[str, Any]]:
        with posted.wire as wire:
            try:
                answer = wire.take(
                    posted.request, version=posted.version, correlation_id=posted.correlation_id
                )
            except OSError as gone:
                return None, {"event": "silence" if isinstance(gone, TimeoutError) else "closed"}
        said = tree(answer)
        sort_rows(said, unordered or _UNORDERED.get(posted.request.API_KEY, ""))
        return answer, {"answer": self._normalisation.apply(said)}

    def _write(self, broker: int, request: Request, version: int, step: dict[str, Any]) -> None:
        judged = self.api == request.API_KEY and version == self.version
        name = ApiKey(request.API_KEY).name
        self.transcript.append({"sent": name if judged else f"{name} {version}", "asked": broker, **step})

    def _ask(self, broker: int, request: Request, *, version: int | None = None) -> Any:
        version = newest_common_version(request.API_KEY) if version is None else version
        with Wire(self._cluster.nodes[broker].bootstrap, timeout_s=_PATIENCE_S) as wire:
            return wire.send(request, version=version)


# What many scenarios ask.


def metadata(*topics: str) -> MetadataRequest:
    asked = [MetadataRequestTopic(name=name) for name in topics]
    return MetadataRequest(topics=asked, allow_auto_topic_creation=False)


def produce(
    topic: Topic, *values: bytes, partition: int = 0, acks: int = -1, timeout_ms: int = 10_000
) -> ProduceRequest:
    """One batch with a record for each value."""
    batch = build_batch(Record(i, TIMESTAMP_MS + i, None, value) for i, value in enumerate(values))
    data = PartitionProduceData(index=partition, records=bytes(batch))
    rows = [TopicProduceData(name=topic.name, topic_id=topic.id, partition_data=[data])]
    return ProduceRequest(acks=acks, timeout_ms=timeout_ms, topic_data=rows)


def reassignment(
    topic: str, replicas: list[int] | None, *, partition: int = 0
) -> AlterPartitionReassignmentsRequest:
    """Replicas for one partition; ``None`` ends what is under way."""
    asked = ReassignablePartition(partition_index=partition, replicas=replicas)
    topics = [ReassignableTopic(name=topic, partitions=[asked])]
    return AlterPartitionReassignmentsRequest(topics=topics, timeout_ms=30_000)


def election(topic: str, *partitions: int, unclean: bool = False) -> ElectLeadersRequest:
    """An election of the preferred leader of partition 0, unless others are named."""
    asked = [TopicPartitions(topic=topic, partitions=list(partitions) or [0])]
    return ElectLeadersRequest(election_type=int(unclean), topic_partitions=asked, timeout_ms=30_000)


# What is waited for, behind a client's back.


def lives(count: int) -> Callable[[Any], bool]:
    """Whether Metadata or DescribeCluster shows so many brokers."""
    return lambda answer: len(answer.brokers) == count


def isr(*sizes: int) -> Callable[[Any], bool]:
    """Whether Metadata shows ISRs of these sizes in one topic, in the order of partitions."""

    def as_wished(answer: Any) -> bool:
        found = {each.partition_index: len(each.isr_nodes) for each in answer.topics[0].partitions}
        return found == dict(enumerate(sizes))

    return as_wished


def leaders(*brokers: int) -> Callable[[Any], bool]:
    """Whether Metadata shows these leaders of one topic, in the order of partitions."""

    def as_wished(answer: Any) -> bool:
        found = {each.partition_index: each.leader_id for each in answer.topics[0].partitions}
        return found == dict(enumerate(brokers))

    return as_wished
