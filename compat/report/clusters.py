"""The scenarios of three brokers, judged and kept over interruptions: `compat/results/clusters.json`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from compat.cluster.judgment import RELEASE, cluster_recordings, cluster_runs, play, record
from compat.cluster.node import Kind
from compat.judge.differences import Difference
from compat.judge.judgment import judge
from compat.report.judgments import RESULTS as JUDGE_RESULTS
from compat.report.judgments import Judgments

RESULTS: Final = JUDGE_RESULTS.with_name("clusters.json")


@dataclass(slots=True)
class ClusterApi:
    """What three brokers were asked of one API."""

    scenarios: set[str] = field(default_factory=set)
    runs: int = 0
    differing: list[Difference] = field(default_factory=list)


def judge_clusters(tell: Callable[[str], None]) -> None:
    """Ask three real brokers what is not recorded, then ours what has not been judged since it changed."""
    recordings, judgments = cluster_recordings(), Judgments(RESULTS)
    everything = cluster_runs()
    judgments.forget_others(RELEASE, [run.scenario for run in everything])
    missing = [run for run in everything if recordings.find(run.scenario, run.version) is None]
    if missing:
        tell(f"asking three brokers of Kafka in {len(missing)} runs")
        record(missing, recordings, lambda _: None)
    todo = [run for run in everything if judgments.lacks(run)]
    try:
        for outcome in play(todo, Kind.ODRADEK) if todo else ():
            found = judge(outcome, recordings)
            if found is not None:
                judgments.keep(outcome.run, found)
    finally:
        judgments.write()
    tell(f"judged three brokers: {len(todo)} runs")


def clusters(path: Path = RESULTS) -> dict[str, ClusterApi]:
    """What was found, by API; empty before the first run."""
    found: dict[str, ClusterApi] = {}
    for (api, name, _), differences in Judgments(path).differences(RELEASE).items():
        each = found.setdefault(api, ClusterApi())
        each.scenarios.add(name)
        each.runs += 1
        each.differing += differences
    return dict(sorted(found.items()))
