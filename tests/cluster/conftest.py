"""Clusters that cost seconds to start, each shared by a module and put in order before each of its tests."""

from collections.abc import Iterator

import pytest

from compat.cluster.cluster import Cluster
from compat.cluster.node import Kind
from compat.oracle.zookeeper_ensemble import ZooKeeperEnsemble


@pytest.fixture(scope="module")
def shared_mixed() -> Iterator[Cluster]:
    kinds = {0: Kind.KAFKA, 1: Kind.ODRADEK, 2: Kind.KAFKA, 3: Kind.ODRADEK}
    # Real Kafka complains of sessions that end and of followers that lag: not of us, but of a slow machine.
    overrides = {"zookeeper.session.timeout.ms": "10000", "replica.lag.time.max.ms": "30000"}
    with Cluster(kinds, overrides=overrides) as cluster:
        yield cluster


@pytest.fixture
def mixed(shared_mixed: Cluster) -> Cluster:
    """Two real Kafka 3.9.2 brokers (0 and 2) and two of ours (1 and 3): take names from `own_name`."""
    shared_mixed.put_in_order()
    return shared_mixed


@pytest.fixture(scope="module")
def ensemble() -> Iterator[ZooKeeperEnsemble]:
    """Three ZooKeeper servers."""
    with ZooKeeperEnsemble() as ensemble:
        yield ensemble


@pytest.fixture(scope="module")
def shared_ours(ensemble: ZooKeeperEnsemble) -> Iterator[Cluster]:
    with Cluster(dict.fromkeys(range(3), Kind.ODRADEK), ensemble=ensemble, behind_proxies=True) as cluster:
        yield cluster


@pytest.fixture
def ours(shared_ours: Cluster, ensemble: ZooKeeperEnsemble) -> Cluster:
    """Three of our brokers on an ensemble of three, each reached by the others through its proxy.

    Take names from `own_name`.
    """
    ensemble.put_in_order()
    shared_ours.put_in_order()
    return shared_ours
