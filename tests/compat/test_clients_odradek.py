"""A real client against a running Odradek, through everything that runs clients."""

import pytest

from compat.clients.client import clients_named
from compat.clients.preparation import prepared
from compat.clients.run import run
from compat.judge import brokers

_FEATS = {"produce-acks-all", "produce-gzip", "produce-headers", "consume-from-offset", "group-commit"}

pytestmark = pytest.mark.integration


def test_kcat_does_its_feats():
    (kcat,) = clients_named(["c-kcat"])
    feats = [feat for feat in kcat.feats() if feat.name in _FEATS]
    with brokers.odradek("3.9", {}) as broker:
        results = run(prepared(kcat), "odradek-3.9", broker.bootstrap, feats)
    assert {result.feat for result in results} == _FEATS
    assert [result for result in results if not result.ok] == []


def test_a_broker_that_is_not_there_fails_every_feat():
    (kcat,) = clients_named(["c-kcat"])
    feats = [feat for feat in kcat.feats() if feat.name in _FEATS]
    results = run(prepared(kcat), "nobody", "localhost:1", feats, timeout_s=2)
    assert {result.ok for result in results} == {False}
