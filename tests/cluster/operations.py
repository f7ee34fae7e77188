"""What tests do to a cluster through its clients and tools."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from confluent_kafka.admin import AdminClient, NewTopic

from compat.cluster.cluster import Cluster
from compat.cluster.node import Node
from compat.cluster.replica_logs import read_replica
from compat.cluster.workload import IMPATIENT, Workload
from compat.history.check import check
from compat.history.operations import Partition
from compat.oracle.ports import wait_until
from compat.oracle.tools import ToolHost
from compat.wire import Wire
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic

ANSWER_S = 120
SETTLE_S = 120


def own_name(word: str) -> str:
    """A name for a topic or a group that nobody else has, not even this test when it ran before."""
    return f"{word}-{uuid4().hex[:8]}"


def create(
    cluster: Cluster, topic: str, replicas: Sequence[Sequence[int]], **configs: str
) -> list[Partition]:
    """A topic with these replicas for each partition, the first of each leading it, all in sync.

    Every broker tells clients of it.
    """
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, **IMPATIENT})
    settings = {name.replace("_", "."): value for name, value in configs.items()}
    new = NewTopic(
        topic, len(replicas), replica_assignment=[list(each) for each in replicas], config=settings
    )
    admin.create_topics([new])[topic].result(ANSWER_S)
    cluster.wait_in_sync(topic)
    running = [node for node in cluster.nodes.values() if node.running]
    cluster.wait_for(f"knowledge of {topic}", lambda: all(knows(node, topic) for node in running))
    return [Partition(topic, index) for index in range(len(replicas))]


def delete(cluster: Cluster, topic: str) -> None:
    """Until the controller has heard from its brokers that all of it is gone."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, **IMPATIENT})
    admin.delete_topics([topic])[topic].result(ANSWER_S)
    cluster.wait_for("deletion", lambda: cluster.znode(f"/brokers/topics/{topic}") is None)


def knows(node: Node, topic: str) -> bool:
    """Whether a broker tells clients of a topic."""
    with Wire(node.bootstrap) as wire:
        asked = [MetadataRequestTopic(name=topic)]
        answer = wire.send(MetadataRequest(topics=asked, allow_auto_topic_creation=False), version=12)
    return bool(answer.topics[0].error_code == 0)


def rotations(brokers: Sequence[int]) -> list[list[int]]:
    """An assignment in which every broker leads one partition and follows in the others."""
    return [[*brokers[index:], *brokers[:index]] for index in range(len(brokers))]


def leader(cluster: Cluster, partition: Partition) -> int:
    return int(cluster.partition_state(partition.topic, partition.index).get("leader", -1))


def wait_for_leaders(cluster: Cluster, leaders: Mapping[Partition, int]) -> None:
    cluster.wait_for(
        f"leaders {leaders}", lambda: all(leader(cluster, each) == broker for each, broker in leaders.items())
    )


def reassign(
    cluster: Cluster,
    tools: ToolHost,
    topics: Mapping[str, Sequence[Sequence[int]]],
    scratch: Path,
    *throttle: str,
) -> None:
    """kafka-reassign-partitions to the end: execute, then verify until it says that all is complete.

    `throttle` are options for the former; the latter takes off what they set.
    """
    plan = scratch / "reassignment.json"
    partitions = [
        {"topic": topic, "partition": index, "replicas": list(replicas)}
        for topic, assignment in topics.items()
        for index, replicas in enumerate(assignment)
    ]
    plan.write_text(json.dumps({"version": 1, "partitions": partitions}))
    options = ["--bootstrap-server", cluster.bootstrap, "--reassignment-json-file", str(plan)]
    started = tools.run("ReassignPartitionsCommand", *options, "--execute", *throttle)
    assert "Successfully started partition reassignment" in started.stdout, started

    def complete() -> bool:
        verified = tools.run("ReassignPartitionsCommand", *options, "--verify")
        return verified.stdout.count(" is completed.") == len(partitions)

    assert wait_until(complete, timeout_s=SETTLE_S)


def elect_preferred(cluster: Cluster, tools: ToolHost, partitions: Iterable[Partition]) -> None:
    """kafka-leader-election --election-type preferred."""
    for partition in partitions:
        done = tools.run(
            "LeaderElectionCommand",
            *("--bootstrap-server", cluster.bootstrap, "--election-type", "preferred"),
            *("--topic", partition.topic, "--partition", str(partition.index)),
        )
        assert "Error" not in done.stdout + done.stderr, done


def run_for(workload: Workload, cluster: Cluster, writes: int) -> None:
    """Until so many more writes are acknowledged."""
    goal = workload.acknowledged + writes
    cluster.wait_for(f"{writes} acknowledgements", lambda: workload.acknowledged >= goal)


def judge(cluster: Cluster, workload: Workload, partitions: Iterable[Partition]) -> None:
    """What clients saw, and what the files of each replica's broker hold, is what Kafka would have them."""
    for partition in partitions:
        brokers = cluster.replicas(partition.topic)[partition.index]
        workload.history.replicas[partition] = {
            broker: read_replica(cluster.nodes[broker].log_dir, partition) for broker in brokers
        }
    assert workload.unexpected == []
    findings = check(workload.history)
    assert not findings, "\n".join(str(finding) for finding in findings[:20])
