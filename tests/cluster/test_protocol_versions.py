"""While a cluster is upgraded: ours and real Kafka 3.9.2 speak to each other as brokers of before do."""

import json
from pathlib import Path

import pytest

from compat.cluster.cluster import Cluster
from compat.cluster.complaints import complaints
from compat.cluster.node import Kind
from compat.cluster.wiretap import Wiretap
from compat.cluster.workload import Workload
from tests.cluster.operations import create, delete, judge, rotations, run_for

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("mixed cluster")]

BROKERS = (0, 1)
HEARD = json.loads((Path(__file__).parents[1] / "peers" / "spoken_versions.json").read_text())
"""What two brokers of Kafka say to each other, by `inter.broker.protocol.version`."""

AGREED = {"API_VERSIONS", "ALTER_PARTITION", "ALLOCATE_PRODUCER_IDS"}
"""By what each says that it knows, whatever the others know."""


def test_brokers_of_an_older_protocol_version_understand_each_other() -> None:
    protocol, wiretap = "3.0", Wiretap()
    kinds = dict(zip(BROKERS, (Kind.KAFKA, Kind.ODRADEK), strict=True))
    settings = {
        "inter.broker.protocol.version": protocol,
        "offsets.topic.replication.factor": "2",
        # Sessions that end and followers that lag are complained of: not of us, but of a slow machine.
        "zookeeper.session.timeout.ms": "18000",
        "replica.lag.time.max.ms": "30000",
    }
    with Cluster(kinds, overrides=settings, wiretap=wiretap) as cluster:
        for kind in (Kind.KAFKA, Kind.ODRADEK):
            cluster.move_controller(kind)
            partitions = create(cluster, kind.value, rotations(BROKERS))
            with Workload(cluster.bootstrap, partitions, group=kind.value) as workload:
                run_for(workload, cluster, 50)
                (other,) = (node for node in cluster.nodes.values() if node.kind is not kind)
                other.stop()
                run_for(workload, cluster, 50)
                other.restart()
                cluster.wait_in_sync(kind.value)
            judge(cluster, workload, partitions)
            delete(cluster, kind.value)
        said = complaints(cluster.nodes[0].log_text())
        assert not said, "\n".join(said)
        assert cluster.znode("/feature")["version"] == 1
    for listener in BROKERS:
        heard = {each.api.name: each.header.api_version for each in wiretap if each.broker == listener}
        assert heard.keys() >= {"LEADER_AND_ISR", "UPDATE_METADATA", "STOP_REPLICA", "FETCH"}
        assert {name: HEARD[protocol][name] for name in heard.keys() - AGREED} == {
            name: version for name, version in heard.items() if name not in AGREED
        }
