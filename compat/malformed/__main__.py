"""``python -m compat.malformed [--seed N] [--frames N] [--release 3.9]``: malformed frames, thrown."""

import argparse
import sys
from random import SystemRandom

from compat.judge.brokers import ORACLES
from compat.malformed.attack import attack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m compat.malformed", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the frames; a new one by default")
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--release", choices=ORACLES, default="3.9")
    arguments = parser.parse_args()
    seed = SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    print(f"seed {seed}, release {arguments.release}", flush=True)
    result = attack(arguments.release, seed, arguments.frames)
    print(result)
    return 0 if result.is_survived else 1


if __name__ == "__main__":
    sys.exit(main())
