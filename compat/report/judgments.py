"""What the judge found, run by run, kept over interruptions: `compat/results/judge.json`.

    {"3.9": {"produce.bad_crc": {"api": "PRODUCE", "digest": "…", "versions": {
        "3": [],                                                       the same as Kafka
        "4": [{"step": "2 PRODUCE", "path": "…", "kafka": "0", "here": "2"}]}}}}

A scenario's digest is of its source and of Odradek's: another one makes its versions stale.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from compat.judge import brokers
from compat.judge.differences import Difference
from compat.judge.judgment import Run, judge, play, record, runs
from compat.judge.recordings import Recordings
from compat.judge.scenario import Scenario
from compat.judge.subject import odradeks_gaps
from compat.report.fingerprint import broker_fingerprint

RESULTS: Final = Path(__file__).parent.parent / "results" / "judge.json"
_SAVED_EVERY: Final = 50
_Kept = dict[str, dict[str, dict[str, Any]]]


class Judgments:
    """Every judged run of both releases; owned by whoever fills it."""

    def __init__(self, path: Path = RESULTS) -> None:
        self._path = path
        self._kept: dict[str, dict[str, dict[str, Any]]] = (
            json.loads(path.read_text()) if path.exists() else {}
        )
        self._broker = broker_fingerprint()

    def differences(self, release: str) -> dict[tuple[str, str, int], list[Difference]]:
        """(API, scenario, version) → how that run differed; nothing when it was the same."""
        return {
            (kept["api"], name, int(version)): [
                Difference(
                    release, name, int(version), each["step"], each["path"], each["kafka"], each["here"]
                )
                for each in found
            ]
            for name, kept in self._kept.get(release, {}).items()
            for version, found in kept["versions"].items()
        }

    def lacks(self, run: Run) -> bool:
        """Whether the run has not been judged with today's code."""
        kept = self._kept.get(run.release, {}).get(run.scenario.name, {})
        return kept.get("digest") != self._digest(run.scenario) or str(run.version) not in kept["versions"]

    def keep(self, run: Run, differences: Iterable[Difference]) -> None:
        """Put a judgment in the place of an older one."""
        scenarios = self._kept.setdefault(run.release, {})
        digest = self._digest(run.scenario)
        kept = scenarios.get(run.scenario.name)
        if kept is None or kept["digest"] != digest:
            kept = scenarios[run.scenario.name] = {
                "api": run.scenario.api.name,
                "digest": digest,
                "versions": {},
            }
        kept["versions"][str(run.version)] = [
            {"step": each.step, "path": each.path, "kafka": each.kafka, "here": each.here}
            for each in differences
        ]

    def forget_others(self, release: str, scenarios: Iterable[Scenario]) -> None:
        """Drop scenarios that do not exist any more."""
        names = {each.name for each in scenarios}
        kept = self._kept.get(release, {})
        self._kept[release] = {name: found for name, found in kept.items() if name in names}

    def write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._path.with_suffix(".new")
        scratch.write_text(json.dumps(self._kept, indent=1) + "\n")
        scratch.replace(self._path)

    def _digest(self, scenario: Scenario) -> str:
        return f"{self._broker}-{scenario.digest()}"


def judge_release(
    release: str, scenarios: list[Scenario], judgments: Judgments, tell: Callable[[str], None]
) -> None:
    """Ask real Kafka what has not been recorded, then Odradek what has not been judged since it changed."""
    recordings = Recordings(release)
    not_served = odradeks_gaps(release)
    everything = runs(scenarios, release)
    todo = [run for run in everything if run.scenario.api not in not_served and judgments.lacks(run)]
    missing = [run for run in everything if recordings.find(run.scenario, run.version) is None]
    if missing:
        tell(f"asking Kafka {brokers.ORACLES[release]} in {len(missing)} runs")
        record(missing, recordings, brokers.real_kafka, lambda _: None)
    try:
        for number, outcome in enumerate(play(todo, brokers.odradek), 1):
            found = judge(outcome, recordings, not_served)
            if found is not None:
                judgments.keep(outcome.run, found)
            if number % _SAVED_EVERY == 0:
                judgments.write()
                tell(f"judged as {release}: {number} of {len(todo)} runs, {outcome.run.scenario.name}")
    finally:
        judgments.write()
    tell(f"judged as {release}: {len(todo)} runs")
