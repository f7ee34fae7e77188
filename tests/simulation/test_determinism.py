"""A seed is all there is: whoever runs it again, in whatever process, sees the same."""

import os
import subprocess
import sys

from tests.simulation.simulation import Plan, simulate

PLAN = Plan(fault_s=8.0)


def test_the_same_seed_is_the_same_history_to_the_last_packet() -> None:
    first, second = simulate(11, PLAN), simulate(11, PLAN)
    assert first.trace.digest == second.trace.digest
    assert first.trace.lines == second.trace.lines
    assert first.history.operations == second.history.operations


def test_another_seed_is_another_history() -> None:
    assert simulate(11, PLAN).trace.digest != simulate(12, PLAN).trace.digest


def test_neither_the_process_nor_the_order_of_its_sets_matters() -> None:
    script = (
        "from tests.simulation.simulation import simulate\n"
        "from tests.simulation.test_determinism import PLAN\n"
        "print(simulate(11, PLAN).trace.digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for hash_seed in (1, 2)
    }
    assert digests == {simulate(11, PLAN).trace.digest}
