"""Judge three of our brokers by what three real Kafka 3.9.2 brokers answer.

python -m compat.cluster                      every scenario; also --only metadata, --only produce.not_leader
python -m compat.cluster --record             ask real Kafka for what has not been recorded; judge nobody
python -m compat.cluster --record --fresh     ask real Kafka for all

The exit status is 0 when there is no difference and everything has been recorded, else 1.
"""

import argparse
import sys
from collections.abc import Sequence

from compat.cluster.judgment import cluster_recordings, cluster_runs, play, record
from compat.cluster.node import Kind
from compat.judge.differences import Difference
from compat.judge.judgment import Outcome, judge
from compat.judge.report import differences_text


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m compat.cluster", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", default="", help="a module, or how names begin")
    parser.add_argument("--record", action="store_true", help="ask real Kafka and judge nobody")
    parser.add_argument("--fresh", action="store_true", help="ask real Kafka again")
    options = parser.parse_args(arguments)
    if options.record:
        return 1 if _record(options.only, fresh=options.fresh) else 0
    return 1 if _judge(options.only) else 0


def _record(only: str, *, fresh: bool) -> int:
    """How many scenarios broke on real Kafka, which is the scenario's fault."""
    recordings = cluster_recordings()
    todo = cluster_runs(only)
    if not only:
        recordings.forget_others([run.scenario for run in todo])
    missing = [run for run in todo if fresh or recordings.find(run.scenario, run.version) is None]
    broken: list[str] = []

    def tell(outcome: Outcome) -> None:
        print(f"{outcome.run.scenario.name} {outcome.run.version}", file=sys.stderr)
        if outcome.broken is not None:
            broken.append(f"{outcome.run.scenario.name} {outcome.run.version}: {outcome.broken}")

    if missing:
        record(missing, recordings, tell)
    for line in broken:
        print(f"broke on Kafka: {line}")
    return len(broken)


def _judge(only: str) -> int:
    """How many answers differ or cannot be judged."""
    recordings = cluster_recordings()
    differences: list[Difference] = []
    unrecorded = 0
    outcomes = list(play(cluster_runs(only), Kind.ODRADEK))
    for outcome in outcomes:
        found = judge(outcome, recordings)
        unrecorded += found is None
        differences += found or []
    print(differences_text(differences))
    differing = {(each.scenario, each.version) for each in differences}
    print(f"three brokers: {len(outcomes)} runs, {len(differing)} differ, {unrecorded} not recorded")
    return len(differing) + unrecorded


if __name__ == "__main__":
    sys.exit(main())
