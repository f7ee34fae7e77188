"""Three of our brokers on a real ensemble of three, under load: killed, stopped, paused, cut off, delayed.

What the clients saw is judged by the checker of histories. How long partitions stay dark is measured by
`python -m compat.cluster.failover`, not here.
"""

from collections.abc import Callable

import pytest

from compat.cluster.cluster import Cluster
from compat.cluster.proxy import Direction
from compat.cluster.workload import Workload
from compat.history.operations import Partition
from compat.oracle.zookeeper_ensemble import ZooKeeperEnsemble
from tests.cluster.operations import create, judge, leader, own_name, rotations, run_for

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("cluster of ours")]

EVERYONE = (0, 1, 2)


def under_load(cluster: Cluster, word: str, disturb: Callable[[Workload, list[Partition]], None]) -> Workload:
    """Load before, during and after a disturbance; judged when every replica is in sync again."""
    topic = own_name(word)
    partitions = create(cluster, topic, rotations(EVERYONE), min_insync_replicas="2")
    with Workload(cluster.bootstrap, partitions, group=topic) as workload:
        run_for(workload, cluster, 100)
        disturb(workload, partitions)
        cluster.wait_in_sync(topic)
        run_for(workload, cluster, 100)
    judge(cluster, workload, partitions)
    return workload


def isr(cluster: Cluster, partition: Partition) -> set[int]:
    return set(cluster.partition_state(partition.topic, partition.index)["isr"])


def not_controller(cluster: Cluster) -> int:
    return next(broker for broker in EVERYONE if broker != cluster.controller_id())


def test_clients_and_groups_see_one_cluster(ours: Cluster) -> None:
    under_load(ours, "seen", lambda workload, _: run_for(workload, ours, 500))


def test_a_leader_is_killed(ours: Cluster) -> None:
    def kill(workload: Workload, partitions: list[Partition]) -> None:
        node = ours.nodes[not_controller(ours)]
        node.kill()
        ours.wait_for("another leader", lambda: leader(ours, partitions[node.id]) not in (node.id, -1))
        run_for(workload, ours, 200)
        node.restart()

    under_load(ours, "killed", kill)


def test_the_controller_is_killed(ours: Cluster) -> None:
    def kill(workload: Workload, partitions: list[Partition]) -> None:
        controller = ours.controller_id()
        assert controller is not None
        ours.nodes[controller].kill()
        ours.wait_for("another controller", lambda: ours.controller_id() not in (controller, None))
        ours.wait_for("another leader", lambda: leader(ours, partitions[controller]) not in (controller, -1))
        run_for(workload, ours, 200)
        ours.nodes[controller].restart()

    under_load(ours, "controller-killed", kill)


def test_a_broker_that_stops_costs_no_client_an_error(ours: Cluster) -> None:
    def stop(workload: Workload, partitions: list[Partition]) -> None:
        for broker in EVERYONE:
            ours.nodes[broker].stop()
            assert leader(ours, partitions[broker]) not in (broker, -1)
            run_for(workload, ours, 100)
            ours.nodes[broker].restart()
            ours.wait_in_sync(partitions[broker].topic)

    workload = under_load(ours, "stopped", stop)
    assert workload.failures == []


def test_a_paused_leader_is_deposed_and_believes_it(ours: Cluster) -> None:
    def pause(workload: Workload, partitions: list[Partition]) -> None:
        node = ours.nodes[not_controller(ours)]
        node.pause()
        try:
            ours.wait_for("another leader", lambda: leader(ours, partitions[node.id]) not in (node.id, -1))
            run_for(workload, ours, 200)
        finally:
            node.resume()

    under_load(ours, "paused", pause)


def test_a_follower_that_is_cut_off_leaves_the_isr_and_comes_back(ours: Cluster) -> None:
    def cut(workload: Workload, partitions: list[Partition]) -> None:
        led = partitions[not_controller(ours)]
        broker = leader(ours, led)
        follower = next(each for each in EVERYONE if each != broker)
        proxy = ours.nodes[broker].proxy
        assert proxy is not None
        proxy.cut(source=follower)
        try:
            ours.wait_for("a smaller ISR", lambda: follower not in isr(ours, led))
            run_for(workload, ours, 100)
        finally:
            proxy.heal()

    under_load(ours, "follower-cut", cut)


def test_answers_that_are_lost_one_way(ours: Cluster) -> None:
    """A leader hears its followers, and they do not hear it."""

    def cut(workload: Workload, partitions: list[Partition]) -> None:
        led = partitions[not_controller(ours)]
        proxy = ours.nodes[leader(ours, led)].proxy
        assert proxy is not None
        proxy.cut(directions=(Direction.FROM_BROKER,))
        try:
            ours.wait_for("a smaller ISR", lambda: len(isr(ours, led)) < len(EVERYONE))
        finally:
            proxy.heal()

    under_load(ours, "one-way", cut)


def test_a_slow_network_only_slows(ours: Cluster) -> None:
    def delay(workload: Workload, _: list[Partition]) -> None:
        proxies = [node.proxy for node in ours.nodes.values() if node.proxy is not None]
        for proxy in proxies:
            proxy.delay(0.05)
        try:
            run_for(workload, ours, 100)
        finally:
            for proxy in proxies:
                proxy.delay(0)

    under_load(ours, "slow", delay)


def test_connections_between_brokers_that_are_reset(ours: Cluster) -> None:
    def reset(workload: Workload, _: list[Partition]) -> None:
        for _turn in range(3):
            for node in ours.nodes.values():
                assert node.proxy is not None
                node.proxy.reset_connections()
            run_for(workload, ours, 100)

    under_load(ours, "reset", reset)
    assert all(node.running for node in ours.nodes.values())


def test_a_member_of_the_ensemble_is_killed(ours: Cluster, ensemble: ZooKeeperEnsemble) -> None:
    def kill(workload: Workload, _: list[Partition]) -> None:
        member = ensemble.leader
        member.kill()
        run_for(workload, ours, 200)
        member.restart()

    under_load(ours, "member-killed", kill)


def test_the_ensemble_is_gone_and_back(ours: Cluster, ensemble: ZooKeeperEnsemble) -> None:
    def kill(workload: Workload, _: list[Partition]) -> None:
        ensemble.kill()
        run_for(workload, ours, 300)
        ensemble.restart()

    under_load(ours, "ensemble-killed", kill)
