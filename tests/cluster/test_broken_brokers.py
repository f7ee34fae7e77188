"""The checker of histories notices brokers that are broken on purpose, and has nothing against the others.

The leader's answers to its followers are held back, so that it alone has what is written; then it is killed,
and comes back to a cluster that went on without that.
"""

import pytest

from compat.cluster.broken import FAULTS
from compat.cluster.cluster import Cluster
from compat.cluster.node import Kind
from compat.cluster.proxy import Direction
from compat.cluster.replica_logs import read_replica
from compat.cluster.workload import Workload
from compat.history.check import check
from compat.history.finding import Anomaly
from compat.history.history import History
from compat.history.operations import Partition
from compat.oracle.zookeeper_ensemble import ZooKeeperEnsemble
from tests.cluster.operations import create, leader, own_name, run_for

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("cluster of ours")]

CONTROLLER, LEADER, OTHER = 0, 1, 2
FOUND = {
    None: set(),
    "acknowledge_before_replication": {Anomaly.LOST_WRITE},
    "advance_the_high_watermark_too_early": {Anomaly.LOST_WRITE, Anomaly.TWO_VALUES},
    "skip_truncation": {Anomaly.DIVERGENT_REPLICAS},
}
"""What must be among the findings."""


_HISTORIES = 4
"""How many a broken broker may take until it is found out."""


def history_of(fault: str | None, ensemble: ZooKeeperEnsemble) -> History:
    kinds = dict.fromkeys((CONTROLLER, LEADER, OTHER), Kind.ODRADEK)
    chroot = f"/{own_name(str(fault))}"
    with Cluster(kinds, ensemble=ensemble, chroot=chroot, behind_proxies=True, fault=fault) as cluster:
        partitions = create(cluster, "orders", [(LEADER, CONTROLLER, OTHER)], min_insync_replicas="2")
        with Workload(cluster.bootstrap, partitions) as workload:
            run_for(workload, cluster, 100)
            isolate_and_kill_the_leader(cluster, partitions[0])
            # The others have more than the killed one when it comes back.
            run_for(workload, cluster, 500)
            cluster.nodes[LEADER].restart()
            run_for(workload, cluster, 100)
            if fault is None:
                cluster.wait_in_sync("orders")
        for node in cluster.nodes.values():
            node.stop()
        replicas = {node.id: read_replica(node.log_dir, partitions[0]) for node in cluster.nodes.values()}
        workload.history.replicas[partitions[0]] = replicas
    return workload.history


def isolate_and_kill_the_leader(cluster: Cluster, partition: Partition) -> None:
    node = cluster.nodes[LEADER]
    assert node.proxy is not None
    node.proxy.cut(directions=(Direction.FROM_BROKER,))
    written = size_of(cluster, partition)
    cluster.wait_for("writes that only the leader has", lambda: size_of(cluster, partition) > written + 300)
    node.kill()
    node.proxy.heal()
    cluster.wait_for("another leader", lambda: leader(cluster, partition) not in (LEADER, -1))


def size_of(cluster: Cluster, partition: Partition) -> int:
    """Bytes in the leader's first segment."""
    return (cluster.nodes[LEADER].log_dir / str(partition) / f"{0:020}.log").stat().st_size


@pytest.mark.parametrize("fault", FOUND, ids=str)
def test_what_is_broken_is_found(fault: str | None, ensemble: ZooKeeperEnsemble) -> None:
    # A producer that sends the same batches again to the next leader may leave nothing to be found.
    for _ in range(1 if fault is None else _HISTORIES):
        findings = check(history_of(fault, ensemble))
        if {finding.anomaly for finding in findings} >= FOUND[fault]:
            break
    else:
        raise AssertionError(f"not found: {findings[:20]}")
    if fault is None:
        assert findings == []


def test_every_fault_is_tried() -> None:
    assert set(FOUND) == {None, *FAULTS}
