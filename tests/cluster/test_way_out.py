"""How a user outgrows us: a live cluster of ours becomes a live cluster of real Kafka, and nothing stopped.

Real Kafka 3.9.2 brokers join the ensemble, kafka-reassign-partitions moves every partition to them, those of
the internal topic too, and our brokers leave one after the other; all the while clients produce and consume.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from compat.cluster.cluster import Cluster
from compat.cluster.complaints import complaints
from compat.cluster.node import Kind
from compat.cluster.workload import Workload
from compat.oracle.tools import ToolHost
from tests.cluster.operations import create, judge, leader, reassign, rotations, run_for

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("mixed cluster")]

OURS, THEIRS = (0, 1, 2), (10, 11, 12)
OFFSETS_TOPIC = "__consumer_offsets"
SETTINGS = {
    "min.insync.replicas": "2",
    # Real Kafka complains of sessions that end and of followers that lag: not of us, but of a slow machine.
    "zookeeper.session.timeout.ms": "18000",
    "replica.lag.time.max.ms": "30000",
}


def on_theirs(cluster: Cluster, topics: Sequence[str]) -> Mapping[str, list[list[int]]]:
    """Each partition of ours on the broker of theirs that stands in the same place."""
    successor = dict(zip(OURS, THEIRS, strict=True))
    return {
        topic: [[successor[broker] for broker in replicas] for replicas in cluster.replicas(topic).values()]
        for topic in topics
    }


def test_a_cluster_of_ours_becomes_one_of_theirs(tools_392: ToolHost, tmp_path: Path) -> None:
    with Cluster(dict.fromkeys(OURS, Kind.ODRADEK), overrides=SETTINGS) as cluster:
        partitions = create(cluster, "orders", rotations(OURS))
        with Workload(cluster.bootstrap, partitions) as workload:
            run_for(workload, cluster, 200)
            for broker in THEIRS:
                cluster.add(broker, Kind.KAFKA)
            workload.bootstrap = cluster.bootstrap
            run_for(workload, cluster, 100)
            moves = on_theirs(cluster, ["orders", OFFSETS_TOPIC])
            reassign(cluster, tools_392, moves, tmp_path)
            for topic in moves:
                cluster.wait_in_sync(topic)
            run_for(workload, cluster, 200)
            for broker in OURS:
                cluster.nodes[broker].stop()
                run_for(workload, cluster, 100)
            cluster.wait_for("a controller of theirs", lambda: cluster.controller_id() in THEIRS)
        assert {leader(cluster, each) for each in partitions} == set(THEIRS)
        assert workload.failures == []
        judge(cluster, workload, partitions)
        said = [each for broker in THEIRS for each in complaints(cluster.nodes[broker].log_text())]
        assert not said, "\n".join(said)
