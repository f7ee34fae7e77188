"""Measurements of many rounds, brought down to medians and ratios of pairs.

    {"machine": "…", "finished": "2026-01-31T12:00:00+00:00",
     "parts": {"loads": {"seconds": 812, "revision": "…", "brokers": ["Odradek", "Kafka 3.9.2"], "measures": [
        {"name": "produce, 1 MB batches, …", "figure": "CPU", "unit": "s/GB", "more_is_better": false,
         "at": null, "brokers": {"Odradek": [0.31, 0.30]}}]}}}

`at` is the number of partitions or connections in a measure of growth; a broker has one value for each round.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ODRADEK = "Odradek"
"""Our name in every table."""
LATEST = Path(__file__).parent / "latest.json"
"""The results of the latest run, which the report and the README show."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured under which load, in which unit, and which direction is better."""

    name: str
    figure: str
    unit: str
    more_is_better: bool = False
    at: int | None = None

    @property
    def title(self) -> str:
        """One line for a table."""
        return ", ".join(filter(None, (self.name, self.figure)))


@dataclass(slots=True)
class Scores:
    """One part's values: measure → broker → one value a round, in the order of rounds."""

    values: dict[Measure, dict[str, list[float]]] = field(default_factory=dict)
    seconds: float = 0.0
    revision: str = ""
    """The commit that was measured."""

    def add(self, measure: Measure, broker: str, value: float) -> None:
        """Append one round's value."""
        self.values.setdefault(measure, {}).setdefault(broker, []).append(value)

    def with_rest_of(self, earlier: Scores) -> Scores:
        """These, and what an earlier run at the same revision has measured beside them."""
        if earlier.revision != self.revision:
            return self
        rest = {measure: values for measure, values in earlier.values.items() if measure not in self.values}
        seconds = self.seconds + (earlier.seconds if rest else 0)
        return Scores({**rest, **self.values}, seconds, self.revision)

    @property
    def brokers(self) -> list[str]:
        """Every broker with a value: ours first, then by name."""
        return sorted_brokers({broker for brokers in self.values.values() for broker in brokers})

    @property
    def others(self) -> list[str]:
        """The brokers but ours."""
        return [broker for broker in self.brokers if broker != ODRADEK]

    def median(self, measure: Measure, broker: str) -> float | None:
        """The middle of the rounds, None without any."""
        values = self.values[measure].get(broker)
        return median(values) if values else None

    def ratio(self, measure: Measure, ours: str, theirs: str) -> Ratio | None:
        """Ours over theirs, None when either was not measured."""
        brokers = self.values[measure]
        if not brokers.get(ours) or not brokers.get(theirs):
            return None
        return paired_ratio(brokers[ours], brokers[theirs])


@dataclass(slots=True)
class Results:
    """All parts of the benchmark, each from its latest run."""

    machine: str = ""
    finished: str = ""
    parts: dict[str, Scores] = field(default_factory=dict)

    @property
    def revision(self) -> str:
        """The commit that was measured; several when parts were measured at several."""
        return ", ".join(dict.fromkeys(scores.revision for scores in self.parts.values()))

    @classmethod
    def read(cls, path: Path = LATEST) -> Results:
        """What an earlier run left, or nothing."""
        if not path.exists():
            return cls()
        found = json.loads(path.read_text(encoding="utf-8"))
        parts = {name: _scores(part) for name, part in found["parts"].items()}
        return cls(found["machine"], found["finished"], parts)

    def write(self, path: Path = LATEST) -> None:
        """The document above."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")

    def as_json(self) -> dict[str, Any]:
        parts = {
            name: {
                "seconds": round(scores.seconds),
                "revision": scores.revision,
                "brokers": scores.brokers,
                "measures": [
                    {
                        "name": measure.name,
                        "figure": measure.figure,
                        "unit": measure.unit,
                        "more_is_better": measure.more_is_better,
                        "at": measure.at,
                        "brokers": {
                            name: [_rounded(value) for value in them] for name, them in brokers.items()
                        },
                    }
                    for measure, brokers in scores.values.items()
                ],
            }
            for name, scores in self.parts.items()
        }
        return {"machine": self.machine, "finished": self.finished, "parts": parts}


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours over theirs, pair by pair: the median of the rounds' ratios, with the lowest and the highest."""

    low: float
    middle: float
    high: float


def paired_ratio(ours: list[float], theirs: list[float]) -> Ratio | None:
    """The ratio of rounds that ran one after the other, so that a slow spell of the machine cancels out."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=False) if b]
    return Ratio(min(ratios), median(ratios), max(ratios)) if ratios else None


def percentile(values: list[float], permille: int) -> float:
    """The `permille`-th thousandth (1 to 999) of at least two values."""
    return quantiles(values, n=1000, method="inclusive")[permille - 1]


def sorted_brokers(names: Iterable[str]) -> list[str]:
    """Ours first, then by name."""
    return sorted(names, key=lambda name: (name != ODRADEK, name))


def short(value: float) -> str:
    """Three significant digits, thousands with commas."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _scores(part: dict[str, Any]) -> Scores:
    values = {
        Measure(each["name"], each["figure"], each["unit"], each["more_is_better"], each["at"]): each[
            "brokers"
        ]
        for each in part["measures"]
    }
    return Scores(values, part["seconds"], part["revision"])


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
