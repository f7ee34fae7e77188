"""Clusters under faults, from many seeds: nothing that was promised is broken.

A seed that finds something is run again with its history: `python -m tests.simulation.torture --seed N`.
"""

import pytest

from tests.simulation.simulation import simulate

SEEDS = 500
_AT_A_TIME = 20

_FOUND = (
    *(1198, 1276, 1281, 2908, 5663, 6812, 7120, 7634, 10805, 12472, 13422, 17056, 17306, 17628, 18182, 18223),
    *(19558, 21112, 23215, 23722, 26466, 33652, 34249),
)
"""Seeds of `make torture` that found something which was mended then."""


@pytest.mark.parametrize("first", range(0, SEEDS, _AT_A_TIME))
def test_whatever_happens_what_was_promised_is_kept(first: int) -> None:
    for seed in range(first, first + _AT_A_TIME):
        result = simulate(seed)
        assert not result.findings, str(result)


@pytest.mark.parametrize("seed", _FOUND)
def test_what_was_found_once_is_found_no_more(seed: int) -> None:
    result = simulate(seed)
    assert not result.findings, str(result)
