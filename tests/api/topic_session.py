"""One long conversation about topics, written down: the same questions to real Kafka and to us.

`tests/api/topic_sessions/` keeps what Kafka 3.9.2 and 4.3.0 answered. A line is a question's label and one
topic's answer. `prefix` goes before each name, so that others who use the broker are not in the way, and is
left out of what is written down. The broker asked is alone in its cluster and has id 0.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_partitions_request import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from odradek.protocol.generated.create_topics_request import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.describe_cluster_request import DescribeClusterRequest
from odradek.protocol.generated.describe_topic_partitions_request import (
    Cursor,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.message import Message

Ask = Callable[[Message, int], Awaitable[Any]]

NO_ID = UUID(int=0)
UNKNOWN_ID = UUID(int=99)


@dataclass(frozen=True)
class Versions:
    """First and last versions that a release has."""

    create: range
    delete: range
    metadata: range
    cluster: range
    describes_partitions: bool


VERSIONS = {
    "3.9": Versions(range(8), range(7), range(13), range(2), describes_partitions=False),
    "4.3": Versions(range(2, 8), range(1, 7), range(14), range(3), describes_partitions=True),
}


@dataclass
class Session:
    """Asks, and writes down."""

    ask: Ask
    prefix: str
    versions: Versions
    lines: list[str] = field(default_factory=list)

    def named(self, name: str) -> str:
        """A name of this session; names that are wrong or special stay as they are."""
        return name if name in ("", ".", "..") or name.startswith("__") else self.prefix + name

    def note(self, label: str, *answers: object) -> None:
        text = " | ".join(str(answer) for answer in (label, *answers))
        self.lines.append(text.replace(self.prefix, ""))

    async def create(
        self,
        label: str,
        *topics: CreatableTopic,
        version: int = 7,
        validate: bool = False,
        timeout_ms: int = 9000,
    ) -> None:
        for topic in topics:
            topic.name = self.named(topic.name)
        request = CreateTopicsRequest(topics=list(topics), timeout_ms=timeout_ms, validate_only=validate)
        response = await self.ask(request, version)
        for topic in sorted(response.topics, key=lambda topic: topic.name):
            counts = f"partitions {topic.num_partitions} replicas {topic.replication_factor}"
            has_id = "id" if topic.topic_id != NO_ID else "no id"
            configs = f"{len(topic.configs or ())} configs"
            self.note(f"create {label}", *_told(topic), counts, has_id, configs)

    async def extend(
        self,
        label: str,
        *topics: CreatePartitionsTopic,
        version: int = 3,
        validate: bool = False,
        timeout_ms: int = 9000,
    ) -> None:
        for topic in topics:
            topic.name = self.named(topic.name)
        request = CreatePartitionsRequest(topics=list(topics), timeout_ms=timeout_ms, validate_only=validate)
        response = await self.ask(request, version)
        for topic in sorted(response.results, key=lambda topic: topic.name):
            self.note(f"extend {label}", *_told(topic))

    async def delete(
        self, label: str, *topics: DeleteTopicState, version: int = 6, timeout_ms: int = 9000
    ) -> None:
        for topic in topics:
            topic.name = None if topic.name is None else self.named(topic.name)
        request = DeleteTopicsRequest(timeout_ms=timeout_ms)
        if version >= 6:
            request.topics = list(topics)
        else:
            request.topic_names = [topic.name for topic in topics if topic.name is not None]
        response = await self.ask(request, version)
        for topic in sorted(response.responses, key=lambda topic: (topic.name or "", topic.topic_id)):
            has_id = "id" if topic.topic_id != NO_ID else "no id"
            self.note(f"delete {label}", *_told(topic), has_id)

    async def metadata(self, label: str, request: MetadataRequest, version: int) -> list[Any]:
        for topic in request.topics or ():
            topic.name = None if topic.name is None else self.named(topic.name)
        response = await self.ask(request, version)
        brokers = f"brokers {[broker.node_id for broker in response.brokers]}"
        cluster = f"controller {response.controller_id} operations {response.cluster_authorized_operations}"
        self.note(f"metadata {label} v{version}", brokers, cluster, f"error {response.error_code}")
        # Other sessions' topics, and the coordinators', are nobody's business here.
        own = [t for t in response.topics if t.name is None or self.prefix in t.name or request.topics]
        for topic in sorted(own, key=lambda topic: (topic.name or "", topic.topic_id)):
            has_id = "id" if topic.topic_id != NO_ID else "no id"
            flags = f"internal {topic.is_internal} operations {topic.topic_authorized_operations}"
            self.note(f"  {topic.name!r}", ErrorCode(topic.error_code).name, has_id, flags)
            for each in sorted(topic.partitions, key=lambda each: each.partition_index):
                self.note(
                    f"    {each.partition_index}",
                    ErrorCode(each.error_code).name,
                    f"leader {each.leader_id} epoch {each.leader_epoch}",
                    f"replicas {each.replica_nodes} isr {each.isr_nodes} offline {each.offline_replicas}",
                )
        return list(response.topics)

    async def cluster(self, label: str, request: DescribeClusterRequest, version: int) -> None:
        response = await self.ask(request, version)
        self.note(
            f"cluster {label} v{version}",
            ErrorCode(response.error_code).name,
            response.error_message,
            f"type {response.endpoint_type} controller {response.controller_id}",
            f"operations {response.cluster_authorized_operations}",
            f"brokers {[(broker.broker_id, broker.is_fenced) for broker in response.brokers]}",
            f"id of {len(response.cluster_id)}",
        )

    async def describe(
        self, label: str, names: Iterable[str], *, limit: int = 2000, cursor: tuple[str, int] | None = None
    ) -> None:
        request = DescribeTopicPartitionsRequest(
            topics=[TopicRequest(name=self.named(name)) for name in names],
            response_partition_limit=limit,
            cursor=None if cursor is None else Cursor(self.named(cursor[0]), cursor[1]),
        )
        response = await self.ask(request, 0)
        following = response.next_cursor
        shown = None if following is None else (following.topic_name, following.partition_index)
        self.note(f"describe {label}", f"next {shown}")
        for topic in response.topics:
            has_id = "id" if topic.topic_id != NO_ID else "no id"
            operations = f"operations {topic.topic_authorized_operations}"
            self.note(f"  {topic.name!r}", ErrorCode(topic.error_code).name, has_id, operations)
            for each in topic.partitions:
                eligible = f"eligible {each.eligible_leader_replicas} last known {each.last_known_elr}"
                self.note(f"    {each.partition_index}", f"leader {each.leader_id}", eligible)


def _told(result: Any) -> tuple[str, str, str]:
    return repr(result.name), ErrorCode(result.error_code).name, repr(result.error_message)


def new(
    name: str,
    partitions: int = -1,
    replicas: int = -1,
    given: Iterable[tuple[int, list[int]]] = (),
    configs: Iterable[tuple[str, str | None]] = (),
) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        assignments=[CreatableReplicaAssignment(number, nodes) for number, nodes in given],
        configs=[CreatableTopicConfig(key, value) for key, value in configs],
    )


def more(name: str, count: int, given: Sequence[list[int]] | None = None) -> CreatePartitionsTopic:
    assignments = None if given is None else [CreatePartitionsAssignment(nodes) for nodes in given]
    return CreatePartitionsTopic(name, count, assignments)


def gone(name: str | None = None, topic_id: UUID = NO_ID) -> DeleteTopicState:
    return DeleteTopicState(name, topic_id)


def about(*names: str | None, create: bool = False, **also: Any) -> MetadataRequest:
    topics = [MetadataRequestTopic(name=name) for name in names]
    return MetadataRequest(topics=topics, allow_auto_topic_creation=create, **also)


def about_ids(*topics: tuple[UUID, str | None]) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(topic_id, name) for topic_id, name in topics])


async def play(ask: Ask, release: str, prefix: str) -> str:
    """Hold the whole conversation; give what is to be kept of it."""
    session = Session(ask, prefix, VERSIONS[release])
    await _creation(session)
    await _metadata(session)
    if session.versions.describes_partitions:
        await _descriptions(session)
    await _partitions(session)
    await _deletion(session)
    return "\n".join(session.lines) + "\n"


async def _creation(s: Session) -> None:
    await s.create("defaults", new("ok"))
    await s.create("again", new("ok"))
    await s.create("three partitions", new("p3", 3, 1))
    for name in ("", ".", "a b", "x" * 250):
        await s.create("illegal name", new(name))
    for partitions, replicas in ((0, 1), (-2, 1), (1, 0), (1, -2), (1, 2), (0, 0)):
        await s.create(f"counts {partitions} {replicas}", new("counts", partitions, replicas))
    await s.create("existing with bad counts", new("ok", 0, 0))
    await s.create("given", new("given", given=[(0, [0]), (1, [0])]))
    await s.create("given and partitions", new("both", 2, given=[(0, [0])]))
    await s.create("given and replicas", new("both", replicas=1, given=[(0, [0])]))
    await s.create("given with a gap", new("bad", given=[(0, [0]), (2, [0])]))
    await s.create("given from -1 on", new("bad", given=[(-1, [0]), (0, [0])]))
    await s.create("given a broker twice", new("bad", given=[(0, [0, 0])]))
    await s.create("given unevenly", new("bad", given=[(0, [0]), (1, [0, 1])]))
    await s.create("given a partition twice", new("twice", given=[(0, [0]), (0, [0])]))
    await s.create("given an unknown broker", new("unled", given=[(0, [7])]), timeout_ms=500)
    await s.create("given an unknown second broker", new("half", given=[(0, [0, 7])]))
    await s.create("dotted", new("a.b"))
    await s.create("colliding", new("a_b"))
    await s.create("dotted again", new("a.b"))
    await s.create("twice in one request", new("d"), new("d"), new("once"))
    await s.create("KRaft's own", new("__cluster_metadata"))
    await s.create("null config", new("bad", configs=[("retention.ms", None), ("x", None)]))
    await s.create("unknown config", new("bad", configs=[("x.y", "1")]))
    await s.create("no number", new("bad", configs=[("retention.ms", "abc")]))
    await s.create("no policy", new("bad", configs=[("cleanup.policy", "foo")]))
    await s.create("too small", new("bad", configs=[("min.insync.replicas", "0")]))
    await s.create("bad count and config", new("bad", 0, 1, configs=[("x.y", "1")]))
    await s.create("bad name, count and config", new("b c", 0, 1, configs=[("x.y", "1")]))
    lags = [("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")]
    await s.create("conflicting configs", new("bad", configs=lags))
    await s.create("config twice", new("cfg", configs=[("retention.ms", "10"), ("retention.ms", "5")]))
    await s.create("validated", new("v", 4, 1), validate=True)
    await s.create("validated existing", new("ok"), validate=True)
    await s.create("without waiting", new("late"), timeout_ms=0)
    await s.create("with a negative time-out", new("later"), timeout_ms=-1)
    for version in s.versions.create:
        await s.create(f"v{version}", new(f"ver{version}", 1, 1), version=version)


async def _metadata(s: Session) -> None:
    for version in s.versions.metadata:
        await s.metadata("known", about("p3", create=version < 4), version)
        if version >= 4:
            await s.metadata("unknown", about("nope", "a b", "a_b", ""), version)
    await s.metadata("none of v0: all", MetadataRequest(topics=[]), 0)
    await s.metadata("null of v1: all", MetadataRequest(topics=None), 1)
    await s.metadata("none of v1", MetadataRequest(topics=[]), 1)
    await s.metadata("created", about("auto", create=True), 9)
    await s.metadata("created with bad names", about("a b", "", create=True), 9)
    await s.metadata("twice", about("p3", "p3"), 9)
    for version in (8, 10, 11):
        also = {"include_topic_authorized_operations": True}
        if version <= 10:
            also["include_cluster_authorized_operations"] = True
        await s.metadata("operations", about("ok", **also), version)
    (topic,) = await s.metadata("for its id", about("ok"), 12)
    known: UUID = topic.topic_id
    await s.metadata("by id", about_ids((known, None)), 12)
    await s.metadata("by id and another name", about_ids((known, "p3")), 12)
    await s.metadata("by id, and by name", about_ids((known, None), (NO_ID, "p3")), 12)
    await s.metadata("by unknown id", about_ids((UNKNOWN_ID, None), (known, None)), 12)
    await s.metadata("by nothing", about(None), 12)
    await s.metadata("by nothing before ids", about(None), 10)
    await s.metadata("by id before ids", about_ids((known, "ok")), 11)
    await s.metadata("on a dead broker", about("half", "unled"), 9)
    for version in s.versions.cluster:
        await s.cluster("plain", DescribeClusterRequest(), version)
        asking = DescribeClusterRequest(include_cluster_authorized_operations=True)
        await s.cluster("with operations", asking, version)
    for kind in (2, 9):
        await s.cluster(f"of type {kind}", DescribeClusterRequest(endpoint_type=kind), 1)


async def _descriptions(s: Session) -> None:
    await s.describe("one", ["p3"])
    await s.describe("unknown", ["p3", "nope", "a b"])
    for limit in (-1, 0, 1, 3, 4):
        await s.describe(f"limit {limit}", ["p3", "ok"], limit=limit)
    for cursor in (("p3", 1), ("p3", 99), ("p3", -1), ("ok", 0)):
        await s.describe(f"from {cursor}", ["p3"], cursor=cursor)
    await s.describe("from the second", ["ok", "p3"], cursor=("p3", 2))


async def _partitions(s: Session) -> None:
    await s.extend("by one", more("ok", 2))
    await s.extend("to the same", more("ok", 2))
    await s.extend("to fewer", more("ok", 1))
    await s.extend("to less than none", more("ok", -1))
    await s.extend("unknown", more("nope", 3))
    await s.extend("illegal", more("a b", 3))
    await s.extend("validated", more("ok", 5), validate=True)
    await s.extend("validated changes nothing", more("ok", 2))
    await s.extend("given", more("ok", 3, [[0]]))
    for count, given in (
        (5, [[0]]),
        (4, [[9]]),
        (4, [[]]),
        (4, [[0, 0]]),
        (4, [[0, 9]]),
        (4, []),
        (6, [[9]]),
    ):
        await s.extend(f"{count} given {given}", more("ok", count, given))
    await s.extend("twice in one request", more("ok", 9), more("ok", 8), more("p3", 4))
    await s.extend("without waiting", more("p3", 6), timeout_ms=0)
    for version in range(4):
        await s.extend(f"v{version}", more("given", 3 + version), version=version)


async def _id_of(s: Session, name: str) -> UUID:
    response = await s.ask(about(s.named(name)), 12)
    topic_id: UUID = response.topics[0].topic_id
    return topic_id


async def _deletion(s: Session) -> None:
    await s.delete("one", gone("given"))
    await s.delete("again", gone("given"))
    await s.delete("by unknown id", gone(topic_id=UNKNOWN_ID))
    await s.delete("by id", gone(topic_id=await _id_of(s, "cfg")))
    await s.delete("by name and id", gone("ver4", await _id_of(s, "ver4")))
    await s.delete("by nothing", gone())
    await s.delete("twice by name", gone("twice"), gone("twice"))
    same = await _id_of(s, "ver5")
    await s.delete("twice by id", gone(topic_id=same), gone(topic_id=same))
    await s.delete("by name, and by id", gone("ver6"), gone(topic_id=await _id_of(s, "ver6")))
    await s.delete("illegal", gone("a b"))
    for version in s.versions.delete:
        await s.delete(f"unknown v{version}", gone("nope"), version=version)
    await s.delete("v5", gone("ver2"), version=5)
    await s.delete("twice v1", gone("ver3"), gone("ver3"), version=1)
    await s.delete("without waiting", gone("ver7"), timeout_ms=0)
