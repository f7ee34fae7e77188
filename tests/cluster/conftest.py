"""Clusters that cost seconds to start, each shared by one module."""

from collections.abc import Iterator

import pytest

from compat.cluster.cluster import Cluster
from compat.cluster.node import Kind
from compat.oracle.zookeeper_ensemble import ZooKeeperEnsemble


@pytest.fixture(scope="module")
def mixed() -> Iterator[Cluster]:
    """Two real Kafka 3.9.2 brokers (0 and 2) and two of ours (1 and 3): use topics and groups of your own."""
    kinds = {0: Kind.KAFKA, 1: Kind.ODRADEK, 2: Kind.KAFKA, 3: Kind.ODRADEK}
    with Cluster(kinds, overrides={"zookeeper.session.timeout.ms": "4000"}) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def ensemble() -> Iterator[ZooKeeperEnsemble]:
    """Three ZooKeeper servers."""
    with ZooKeeperEnsemble() as ensemble:
        yield ensemble


@pytest.fixture(scope="module")
def ours(ensemble: ZooKeeperEnsemble) -> Iterator[Cluster]:
    """Three of our brokers on an ensemble of three, each reached by the others through its proxy."""
    with Cluster(dict.fromkeys(range(3), Kind.ODRADEK), ensemble=ensemble, behind_proxies=True) as cluster:
        yield cluster
