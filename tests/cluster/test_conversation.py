"""Three of our brokers say to a client what three real Kafka 3.9.2 brokers have said."""

import json

import pytest

from compat.cluster.cluster import Cluster
from compat.cluster.conversation import BROKERS, RECORDED, hold
from compat.cluster.node import Kind

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("cluster of ours")]


def test_clients_see_no_difference() -> None:
    with Cluster(dict.fromkeys(BROKERS, Kind.ODRADEK)) as cluster:
        ours = hold(cluster)
    theirs = json.loads(RECORDED.read_text())
    assert [(step["asked"], step["sent"]) for step in ours] == [(s["asked"], s["sent"]) for s in theirs]
    for step, expected in zip(ours, theirs, strict=True):
        assert step == expected
