"""A few seeds are enough for everything to go wrong that can, while clients get something done."""

from collections import Counter

from compat.history.operations import Commit, CommitRead, LatestOffset, Outcome, Poll, Write
from tests.simulation.simulation import simulate

_SEEDS = 20

_FAULTS = (
    "is killed",
    "loses power",
    "lost pages of",
    "is asked to stop",
    "pauses",
    "cut: broker-",
    "loses touch with the ensemble",
    "expires",
    "the controller is deposed",
    "the ensemble is away",
    "ms ahead",
    "slow:",
    "reset: 1",
    "cannot write to disk-1",
    "asked for orders-0 on its old replicas: NONE",
    "asked for __consumer_offsets-0 on [",
    "asked for the preferred leader of orders-1: NONE",
    "asked to have passing-a created: NONE",
    "asked to have passing-b deleted: NONE",
)


def test_everything_goes_wrong_and_work_is_done() -> None:
    seen = Counter[str]()
    done = Counter[type]()
    for seed in range(_SEEDS):
        result = simulate(seed)
        for line in result.trace.lines:
            seen.update(fault for fault in _FAULTS if fault in line)
        for operation in result.history.operations:
            if not isinstance(operation, Write | Commit) or operation.outcome is Outcome.DONE:
                done[type(operation)] += 1
    assert not set(_FAULTS) - set(seen)
    for kind in (Write, Poll, LatestOffset, Commit, CommitRead):
        assert done[kind] > _SEEDS, f"hardly any {kind.__name__}"
    assert done[Write] > 20 * _SEEDS
