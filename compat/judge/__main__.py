"""Judge a broker by what real Kafka answers.

python -m compat.judge                                     Odradek, as 3.9 and as 4.3
python -m compat.judge --release 4.3 --only produce        one API, one release; also ONLY=produce
python -m compat.judge --bootstrap localhost:9092          a broker that is already there
python -m compat.judge --coverage                          what the scenarios reach, and what they do not

Real Kafka is asked only for what `compat/recordings` lacks or has from an older scenario; --fresh asks
for all.
The exit status is 0 when every difference is known and every known difference is met, else 1.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from compat.judge import brokers
from compat.judge.coverage import coverage
from compat.judge.differences import Difference
from compat.judge.judgment import Outcome, Run, judge, play, record, runs
from compat.judge.known import KnownDifference, known_differences
from compat.judge.normalisation import EVERY_SCENARIO
from compat.judge.recordings import Recordings
from compat.judge.report import coverage_text, differences_text, not_served_text
from compat.judge.scenario import all_scenarios
from compat.judge.session import Broker
from compat.judge.subject import Subject, gaps_at, odradeks_gaps

_PROGRESS_EVERY_S: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    scenarios = list(all_scenarios(options.only))
    if not scenarios:
        print(f"no scenario is called {options.only}", file=sys.stderr)
        return 2
    wrong = 0
    for release in options.release:
        recordings = Recordings(release)
        if not options.only:
            recordings.forget_others(scenarios)
        # A broker that somebody else runs is neither restarted nor given other properties.
        ours = [each for each in scenarios if not (options.bootstrap and (each.broker or each.restarts))]
        todo = runs(ours, release)
        if not options.replay:
            wrong += _record_what_is_missing(todo, release, recordings, fresh=options.fresh)
        if options.coverage:
            print(coverage_text(coverage(todo, recordings, release)))
        elif not options.record:
            wrong += _judge_all(todo, release, recordings, _subject(options.bootstrap))
    return 1 if wrong else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m compat.judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--bootstrap", help="judge the broker at HOST:PORT instead of starting Odradek")
    parser.add_argument("--release", action="append", choices=list(brokers.ORACLES))
    parser.add_argument("--only", default=os.environ.get("ONLY", ""), help="a module, or how names begin")
    parser.add_argument("--fresh", action="store_true", help="ask real Kafka again")
    parser.add_argument("--record", action="store_true", help="ask real Kafka and judge nobody")
    parser.add_argument(
        "--replay", action="store_true", help="start no real Kafka; skip what is not recorded"
    )
    parser.add_argument("--coverage", action="store_true", help="say what the scenarios reach; judge nobody")
    options = parser.parse_args(arguments)
    options.release = options.release or list(brokers.ORACLES)
    return options


def _record_what_is_missing(todo: list[Run], release: str, recordings: Recordings, *, fresh: bool) -> int:
    """How many scenarios broke on real Kafka, which is the scenario's fault."""
    missing = [run for run in todo if fresh or recordings.find(run.scenario, run.version) is None]
    if not missing:
        return 0
    broken: list[str] = []
    progress = _Progress(f"recording Kafka {brokers.ORACLES[release]}", len(missing))

    def tell(outcome: Outcome) -> None:
        progress.step(outcome)
        if outcome.broken is not None:
            broken.append(f"{outcome.run.scenario.name} {outcome.run.version}: {outcome.broken}")

    record(missing, recordings, brokers.real_kafka, tell)
    for line in broken:
        print(f"broke on Kafka {release}: {line}")
    return len(broken)


def _judge_all(runs_of_all: list[Run], release: str, recordings: Recordings, subject: Subject) -> int:
    """How many answers differ without being known, plus known differences that are not met."""
    not_served = subject.not_served(release)
    todo = [run for run in runs_of_all if run.scenario.api not in not_served]
    progress = _Progress(f"judging as {release}", len(todo))
    differences: list[Difference] = []
    unrecorded = 0
    for outcome in play(todo, subject.start):
        progress.step(outcome)
        found = judge(outcome, recordings, not_served)
        unrecorded += found is None
        differences += found or []
    known = known_differences()
    new = [each for each in differences if not any(entry.covers(each) for entry in known)]
    names = {run.scenario.name for run in todo}
    gone = [entry for entry in known if entry.was_asked(release, names) and not _met(entry, differences)]
    print(differences_text(new))
    for entry in gone:
        print(f"known but not met any more, take it out: {entry.scenario} {entry.field}")
    print(not_served_text(release, not_served))
    differing = {(each.scenario, each.version) for each in new}
    print(
        f"Kafka {release}: {len(todo) - unrecorded} runs, {len(differing)} differ, "
        f"{len(differences) - len(new)} known differences, {unrecorded} not recorded"
    )
    return len(new) + len(gone)


def _met(entry: KnownDifference, differences: list[Difference]) -> bool:
    return any(entry.covers(each) for each in differences)


def _subject(bootstrap: str | None) -> Subject:
    if bootstrap is None:
        return Subject(brokers.odradek, odradeks_gaps)
    brokers.make_ready(bootstrap)
    brokers.forget_scenarios(bootstrap, EVERY_SCENARIO)

    @contextlib.contextmanager
    def already_there(_release: str, _properties: Mapping[str, str]) -> Iterator[Broker]:
        yield brokers.Address(bootstrap)

    return Subject(already_there, lambda release: gaps_at(bootstrap, release))


class _Progress:
    """A line on standard error now and then."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._told = time.monotonic()

    def step(self, outcome: Outcome) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._told >= _PROGRESS_EVERY_S or self._done == self._total:
            self._told = now
            print(f"{self._what}: {self._done}/{self._total} {outcome.run.scenario.name}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
