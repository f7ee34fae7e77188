"""Where Kafka 3.9.2 and 4.3.0 themselves disagree: the same scenario, the same version, two answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compat.judge.differences import compare_transcripts
from compat.judge.recordings import Recordings
from compat.judge.report import version_ranges
from compat.judge.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Fact:
    """One field on which the releases disagree, with both values."""

    scenario: str
    step: str
    path: str
    older: str
    newer: str
    versions: str


def release_facts(scenarios: Iterable[Scenario], older: Recordings, newer: Recordings) -> Iterator[Fact]:
    """Every disagreement in what both releases were asked, in the order of scenarios."""
    for scenario in scenarios:
        found: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
        for version in sorted(set(scenario.versions("3.9")) & set(scenario.versions("4.3"))):
            theirs, others = older.find(scenario, version), newer.find(scenario, version)
            if theirs is None or others is None:
                continue
            for each in compare_transcripts(theirs, others):
                found[each].append(version)
        for (step, path, one, other), versions in found.items():
            yield Fact(scenario.name, step, path, one, other, version_ranges(versions))
