"""Simulations in bulk: `python -m tests.simulation.torture --seeds 50000`, or one with all it has to say.

    python -m tests.simulation.torture --seed 4711 --log WARN

Exit status 1 when a seed found something; what it found is printed with the seed, for reproducing it.
"""

import argparse
import gc
import os
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context

from odradek.telemetry import Level
from tests.simulation.simulation import Plan, simulate

_SEEDS_AT_A_TIME = 20
_SHOWN = 20


def findings(seed: int) -> list[str]:
    """What one seed finds; a simulation that breaks down is a finding too."""
    try:
        return simulate(seed).findings
    except Exception as error:  # noqa: BLE001 - it belongs to this seed, and the others are wanted too
        return [f"the simulation broke down: {error!r}"]


def _some(seeds: range) -> dict[int, list[str]]:
    return {seed: found for seed in seeds if (found := findings(seed))}


def _parts(seeds: range) -> Iterator[range]:
    for first in range(seeds.start, seeds.stop, _SEEDS_AT_A_TIME):
        yield range(first, min(first + _SEEDS_AT_A_TIME, seeds.stop))


def _torture(seeds: range, processes: int) -> int:
    started = time.monotonic()
    failed = done = 0
    with get_context("fork").Pool(processes, initializer=gc.freeze) as pool:
        for some in pool.imap(_some, _parts(seeds)):
            done += _SEEDS_AT_A_TIME
            for seed, found in some.items():
                failed += 1
                if failed <= _SHOWN:
                    print(f"seed {seed}:", *found[:5], sep="\n    ", flush=True)
            if done % 1000 == 0:
                print(f"{done} seeds, {failed} failed, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(seeds)} seeds from {seeds.start} on: {failed} failed, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=50_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="one seed, with its history")
    parser.add_argument("--log", choices=[level.name for level in Level], default=Level.OFF.name)
    options = parser.parse_args()
    if options.seed is None:
        return _torture(range(options.first, options.first + options.seeds), options.processes)
    result = simulate(options.seed, Plan(), log_level=Level[options.log])
    print(result)
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
