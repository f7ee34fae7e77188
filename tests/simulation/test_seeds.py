"""Clusters under faults, from many seeds: nothing that was promised is broken.

A seed that finds something is run again with its history: `python -m tests.simulation.torture --seed N`.
"""

import pytest

from tests.simulation.simulation import simulate

SEEDS = 500
_AT_A_TIME = 20


@pytest.mark.parametrize("first", range(0, SEEDS, _AT_A_TIME))
def test_whatever_happens_what_was_promised_is_kept(first: int) -> None:
    for seed in range(first, first + _AT_A_TIME):
        result = simulate(seed)
        assert not result.findings, str(result)
