"""One conversation of a client with a cluster of three, written down so that two clusters can be compared.

    python -m compat.cluster.conversation       asks three real Kafka 3.9.2 brokers and keeps what they said

Broker 0 is controller. Ports stand as the broker they belong to; rows are in the order of their content, for
Kafka's order is that of its hash tables.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from compat.cluster.cluster import Cluster
from compat.cluster.node import Kind
from compat.judge.normalisation import Normalisation
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
from odradek.protocol.generated.delete_records_request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from odradek.protocol.generated.describe_cluster_request import DescribeClusterRequest
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from odradek.protocol.generated.elect_leaders_request import ElectLeadersRequest, TopicPartitions
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.generated.list_partition_reassignments_request import ListPartitionReassignmentsRequest
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.offset_for_leader_epoch_request import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.records.builder import build_batch
from odradek.records.record import Record

Step = dict[str, Any]
"""The broker that was asked, what it was sent, and its answer."""

RECORDED: Final = Path(__file__).parents[1] / "recordings" / "clusters" / "three_brokers.json"
BROKERS: Final = (0, 1, 2)
TOPIC: Final = "orders"
OFFSETS: Final = "__consumer_offsets"
GROUPS: Final = ("alpha", "beta", "gamma", "delta")
_ROTATIONS: Final = ([0, 1, 2], [1, 2, 0], [2, 0, 1])
_TIMESTAMP_MS: Final = 1_700_000_000_000
_PATIENCE_S: Final = 30
_COMMIT_VERSION: Final = 8
_CREATED_MS: Final = 5_000
"""A topic on a broker that does not exist is created, and its creation waited for in vain."""


class Conversation:
    """What was said; every exchange is with one broker on a connection of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self.transcript: list[Step] = []
        self._cluster = cluster
        self._normalisation = Normalisation()

    def ask(
        self, broker: int, request: Request, version: int, *, until: Callable[[Any], bool] | None = None
    ) -> Any:
        """Send a request and write the answer down, the first one that satisfies ``until``."""
        answers: list[Any] = []

        def answered() -> bool:
            with Wire(self._cluster.nodes[broker].bootstrap) as wire:
                answers.append(wire.send(request, version=version))
            return until is None or until(answers[-1])

        wait_until(answered, timeout_s=_PATIENCE_S)
        said = in_order(self._normalisation.apply(self._named(tree(answers[-1]))))
        name = f"{ApiKey(request.API_KEY).name} {version}"
        self.transcript.append({"asked": broker, "sent": name, "answer": said})
        return answers[-1]

    def _named(self, value: Tree) -> Tree:
        """Ports as the brokers they belong to."""
        ports: dict[Any, Tree] = {node.port: f"<port of {node.id}>" for node in self._cluster.nodes.values()}
        match value:
            case dict():
                return {
                    key: ports.get(each, each) if key == "port" else self._named(each)
                    for key, each in value.items()
                }
            case list():
                return [self._named(each) for each in value]
        return value


def in_order(value: Tree) -> Tree:
    """Rows by their content; lists of plain values as they are."""
    match value:
        case dict():
            return {key: in_order(each) for key, each in value.items()}
        case list():
            rows = [in_order(each) for each in value]
            if rows and all(isinstance(row, dict) for row in rows):
                rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
            return rows
    return value


def hold(cluster: Cluster) -> list[Step]:
    """The whole conversation with a fresh cluster of three."""
    talk = Conversation(cluster)
    create_topics(talk)
    cluster.wait_in_sync(TOPIC)
    cluster.wait_in_sync(OFFSETS)
    describe(talk)
    write_and_read(talk)
    coordinate(talk)
    govern(talk)
    lose_brokers(talk, cluster)
    return talk.transcript


def create_topics(talk: Conversation) -> None:
    """Where they may be created, and with which replicas."""

    def topic(name: str, replicas: list[list[int]], configs: dict[str, str]) -> CreatableTopic:
        return CreatableTopic(
            name=name,
            num_partitions=-1,
            replication_factor=-1,
            assignments=[CreatableReplicaAssignment(index, each) for index, each in enumerate(replicas)],
            configs=[CreatableTopicConfig(key, value) for key, value in configs.items()],
        )

    compact = {"cleanup.policy": "compact"}
    for request in (
        topic(TOPIC, list(_ROTATIONS), {"min.insync.replicas": "2"}),
        topic(OFFSETS, list(_ROTATIONS), compact),
        topic("nowhere", [[9]], {}),
        topic("twice", [[0, 0]], {}),
        topic("uneven", [[0, 1], [2]], {}),
        CreatableTopic(name="wide", num_partitions=1, replication_factor=4),
    ):
        talk.ask(0, CreateTopicsRequest(topics=[request], timeout_ms=_CREATED_MS), 7)
    elsewhere = topic("elsewhere", [[1]], {})
    talk.ask(1, CreateTopicsRequest(topics=[elsewhere], timeout_ms=_CREATED_MS), 7)


def describe(talk: Conversation) -> None:
    """Every broker tells the same of the cluster."""
    for broker in BROKERS:
        talk.ask(broker, DescribeClusterRequest(), 1, until=partial(lives, len(BROKERS)))
        talk.ask(broker, metadata(TOPIC), 12, until=lambda answer: in_sync(answer, 3))
        asked = DescribeConfigsResource(resource_type=4, resource_name="1", configuration_keys=["broker.id"])
        talk.ask(broker, DescribeConfigsRequest(resources=[asked]), 4)


def metadata(topic: str) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False)


def in_sync(answer: Any, count: int) -> bool:
    """Whether every partition has a leader and so many in its ISR."""
    partitions = answer.topics[0].partitions
    return bool(partitions) and all(
        len(each.isr_nodes) == count and not each.error_code for each in partitions
    )


def produce(partition: int, acks: int, *values: bytes) -> ProduceRequest:
    batch = build_batch(Record(i, _TIMESTAMP_MS + i, None, value) for i, value in enumerate(values))
    data = PartitionProduceData(index=partition, records=bytes(batch))
    topics = [TopicProduceData(name=TOPIC, partition_data=[data])]
    return ProduceRequest(transactional_id=None, acks=acks, timeout_ms=10_000, topic_data=topics)


def fetch(partition: int) -> FetchRequest:
    at = FetchPartition(partition=partition, fetch_offset=0, partition_max_bytes=1 << 20)
    return FetchRequest(max_wait_ms=0, min_bytes=0, topics=[FetchTopic(topic=TOPIC, partitions=[at])])


def write_and_read(talk: Conversation) -> None:
    """The leader of partition 0 is broker 0; the others say so."""
    for acks in (-1, 1):
        talk.ask(0, produce(0, acks, b"a", b"b"), 11)
        talk.ask(1, produce(0, acks, b"c"), 11)

    def has_all(answer: Any) -> bool:
        return bool(answer.responses[0].partitions[0].high_watermark == 4)

    def knows_all(answer: Any) -> bool:
        return has_all(answer) or bool(answer.responses[0].partitions[0].error_code)

    for broker in BROKERS:
        talk.ask(broker, fetch(0), 12, until=knows_all)
        latest = ListOffsetsPartition(partition_index=0, timestamp=-1)
        asked = ListOffsetsTopic(name=TOPIC, partitions=[latest])
        talk.ask(broker, ListOffsetsRequest(replica_id=-1, topics=[asked]), 8)
        epoch = OffsetForLeaderTopic(TOPIC, [OffsetForLeaderPartition(partition=0, leader_epoch=0)])
        talk.ask(broker, OffsetForLeaderEpochRequest(replica_id=-1, topics=[epoch]), 4)
    deleted = DeleteRecordsTopic(TOPIC, [DeleteRecordsPartition(partition_index=0, offset=1)])
    for broker in (1, 0):
        talk.ask(broker, DeleteRecordsRequest(topics=[deleted], timeout_ms=20_000), 2)


def coordinate(talk: Conversation) -> None:
    """A group's coordinator is the leader of its partition of the offsets topic, and no other broker."""
    for group in GROUPS:
        coordinator = partition_for(group, len(_ROTATIONS))
        offset = OffsetCommitRequestPartition(partition_index=0, committed_offset=1)
        topics = [OffsetCommitRequestTopic(name=TOPIC, partitions=[offset])]
        commit = OffsetCommitRequest(group_id=group, topics=topics)
        for broker in (coordinator, (coordinator + 1) % 3):
            talk.ask(broker, FindCoordinatorRequest(coordinator_keys=[group]), 4)
            talk.ask(broker, commit, _COMMIT_VERSION, until=not_loading)


def not_loading(answer: Any) -> bool:
    return bool(answer.topics[0].partitions[0].error_code != 14)


def govern(talk: Conversation) -> None:
    """What is for the controller alone, and what it refuses."""
    for broker in (1, 0):
        elected = [TopicPartitions(topic=TOPIC, partitions=[0, 7])]
        talk.ask(broker, ElectLeadersRequest(topic_partitions=elected), 2)
        talk.ask(broker, ListPartitionReassignmentsRequest(topics=None), 0)
        for replicas in ([9], [], [0, 0], [0, -1], None):
            talk.ask(broker, reassignment(0, replicas), 0)
    talk.ask(0, reassignment(7, [0]), 0)
    talk.ask(0, reassignment(2, [2, 0]), 0)
    for broker in BROKERS:
        talk.ask(broker, metadata(TOPIC), 12, until=lambda answer: replicas_of(answer, 2) == [2, 0])


def reassignment(partition: int, replicas: list[int] | None) -> AlterPartitionReassignmentsRequest:
    asked = ReassignablePartition(partition_index=partition, replicas=replicas)
    return AlterPartitionReassignmentsRequest(topics=[ReassignableTopic(name=TOPIC, partitions=[asked])])


def replicas_of(answer: Any, index: int) -> list[int]:
    partitions = {each.partition_index: each for each in answer.topics[0].partitions}
    return list(partitions[index].replica_nodes) if index in partitions else []


def lose_brokers(talk: Conversation, cluster: Cluster) -> None:
    """Two brokers stop in order, one after the other."""
    for left, broker in ((2, 2), (1, 1)):
        cluster.nodes[broker].stop()
        talk.ask(0, DescribeClusterRequest(), 1, until=partial(lives, left))
        talk.ask(0, metadata(TOPIC), 12, until=partial(at_most, left))
        talk.ask(0, produce(0, -1, b"d"), 11)
        talk.ask(0, fetch(0), 12)
        elected = [TopicPartitions(topic=TOPIC, partitions=[broker])]
        talk.ask(0, ElectLeadersRequest(topic_partitions=elected), 2)
        wide = CreatableTopic(name="wide", num_partitions=1, replication_factor=3)
        talk.ask(0, CreateTopicsRequest(topics=[wide], timeout_ms=_CREATED_MS), 7)


def lives(count: int, answer: Any) -> bool:
    """Whether there are so many brokers."""
    return bool(len(answer.brokers) == count)


def at_most(count: int, answer: Any) -> bool:
    """Whether no ISR is larger."""
    return all(len(each.isr_nodes) <= count for each in answer.topics[0].partitions)


def record() -> None:
    """Ask real Kafka and keep what it says."""
    with Cluster(dict.fromkeys(BROKERS, Kind.KAFKA)) as cluster:
        transcript = hold(cluster)
    RECORDED.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(step) for step in transcript)
    RECORDED.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    record()
