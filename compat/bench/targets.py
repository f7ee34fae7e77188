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

_WALL_OF_FETCH: Final = (
    "A loop of C around sendfile, for the same reader, takes 0.11 s/GB where the reader shares its "
    "core, 0.24 where it has the other one, and one or the other (0.10 – 0.43) where the scheduler "
    "chooses: what differs between rounds is mostly that. Pinned to one core with the reader, ours "
    "takes 0.31 s/GB and Kafka 0.18; to two, 0.40 and 0.34. What is above the bare loop is some 430 "
    "calls in Python for each MiB: 50 µs wait for the socket, 47 for the next request, 41 are the "
    "handler, 29 decode and encode, 22 hand over to the connection's task, 23 ask whether the page "
    "cache has it. Parity needs 130 µs less: a compiled path, or fetches of more than 1 MiB."
)
_WALL_OF_START: Final = (
    "Of 160 ms of processor time the interpreter takes 9, importing trio 76, importing click 6, our own "
    "modules 54 and all that is done until the first answer 13; a tenth of Kafka's start is about 148. "
    "This interpreter is built without profile-guided optimisation: one that has it (Debian's) starts "
    "the same program in 146 ms where this one takes 162."
)


@dataclass(frozen=True, slots=True)
class Target:
    """A measure, and the bound on our ratio to the judge."""

    name: str
    measure: tuple[str, str]
    bound: float
    at_least: bool = False
    """More is better."""
    wall: str = ""
    """What stands in the way where it does not hold, as profiles and bare servers beside ours showed."""


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
    Target("throughput of large batches out", (_FETCH, "throughput"), 1, at_least=True, wall=_WALL_OF_FETCH),
    Target("processor time per GB in", (_PRODUCE, "CPU"), 1),
    Target("processor time per GB out", (_FETCH, "CPU"), 1, wall=_WALL_OF_FETCH),
    Target("one request in flight, round trip", (_ROUND_TRIP, "round trip p50"), 1),
    Target("ready to answer", ("start", "process begin to first answer"), 0.1, wall=_WALL_OF_START),
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


def walls(results: Results) -> dict[str, list[str]]:
    """What stands in the way of targets that do not hold in every round: wall → the targets' names."""
    found: dict[str, list[str]] = {}
    for verdict in verdicts(results):
        if verdict.target.wall and verdict.outcome in ("misses", "on the line"):
            found.setdefault(verdict.target.wall, []).append(verdict.target.name)
    return found
