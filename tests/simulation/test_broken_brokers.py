"""Brokers that are broken on purpose: a few seeds are enough to see it."""

from itertools import count
from typing import Any

import pytest

from compat.cluster import broken
from tests.simulation.simulation import simulate

_SEEDS = 20


@pytest.mark.parametrize("fault", broken.FAULTS)
def test_a_broken_broker_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace_for_now(owner: type, method: Any) -> None:
        assert hasattr(owner, method.__name__)
        monkeypatch.setattr(owner, method.__name__, method)

    monkeypatch.setattr(broken, "_replace", replace_for_now)
    broken.FAULTS[fault]()
    first = next(seed for seed in count() if seed == _SEEDS or simulate(seed).findings)
    assert first < _SEEDS
