"""What Odradek is to reach, as ratios to Kafka 3.9.2 in one run, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Final

from compat.bench.figures import ODRADEK, Ratio, Results
from compat.bench.loads import produce_name

JUDGE: Final = "Kafka 3.9.2"
"""Whom the targets name."""

_PRODUCE: Final = produce_name("1 MB batches", 1, 5, -1)
_FETCH: Final = "fetch 1 MB at a time, 1 MB batches, 1 connection"
_ROUND_TRIP: Final = produce_name("one 200 B record", 1, 1, -1)


@dataclass(frozen=True, slots=True)
class Target:
    """A measure, and the bound on our ratio to the judge."""

    name: str
    measure: tuple[str, str]
    bound: float
    at_least: bool = False
    """More is better."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what was measured; no ratio: it was not."""

    target: Target
    ratio: Ratio | None

    @property
    def bound(self) -> str:
        return f"{'≥' if self.target.at_least else '≤'} {self.target.bound:g}"

    @property
    def outcome(self) -> str:
        """`holds`, `misses`, or `on the line` where rounds differ about it; `not measured`."""
        if self.ratio is None:
            return "not measured"
        bound, at_least = self.target.bound, self.target.at_least
        inside = [value >= bound if at_least else value <= bound for value in astuple(self.ratio)]
        if all(inside):
            return "holds"
        return "on the line" if any(inside) else "misses"


TARGETS: Final = (
    Target("throughput of large batches in", (_PRODUCE, "throughput"), 1, at_least=True),
    Target("throughput of large batches out", (_FETCH, "throughput"), 1, at_least=True),
    Target("processor time per GB in", (_PRODUCE, "CPU"), 1),
    Target("processor time per GB out", (_FETCH, "CPU"), 1),
    Target("one request in flight, round trip", (_ROUND_TRIP, "round trip p50"), 1),
    Target("ready to answer", ("start", "process begin to first answer"), 0.1),
    Target("memory when idle", ("memory", "idle"), 0.2),
)


def verdicts(results: Results) -> Iterator[Verdict]:
    """Each target, in the order above."""
    measured = {
        (measure.name, measure.figure): scores.ratio(measure, ODRADEK, JUDGE)
        for scores in results.parts.values()
        for measure in scores.values
    }
    for target in TARGETS:
        yield Verdict(target, measured.get(target.measure))
