"""Measurements of many rounds, brought down to medians and ratios of pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure's name and unit, and which direction is better."""

    name: str
    unit: str
    more_is_better: bool = False


@dataclass(slots=True)
class Results:
    """What every broker scored: measure → broker → one value a round, in the order of rounds."""

    values: dict[Measure, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, measure: Measure, broker: str, value: float) -> None:
        """Append one round's value."""
        self.values.setdefault(measure, {}).setdefault(broker, []).append(value)

    def as_json(self) -> list[dict[str, object]]:
        """A list of objects: measure, unit, and each broker's values and median."""
        return [
            {
                "measure": measure.name,
                "unit": measure.unit,
                "more_is_better": measure.more_is_better,
                "brokers": {
                    name: {"median": median(values), "rounds": values} for name, values in brokers.items()
                },
            }
            for measure, brokers in self.values.items()
        ]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours over theirs, pair by pair: the median of the rounds' ratios, with the lowest and the highest."""

    low: float
    middle: float
    high: float


def paired_ratio(ours: list[float], theirs: list[float]) -> Ratio:
    """The ratio of rounds that ran one after the other, so that a slow spell of the machine cancels out."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True) if b]
    return Ratio(min(ratios), median(ratios), max(ratios)) if ratios else Ratio(0.0, 0.0, 0.0)


def percentile(values: list[float], percent: int) -> float:
    """The `percent`-th percentile (1 to 99) of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def table(results: Results, ours: str, theirs: str) -> str:
    """A Markdown table: each measure's medians and the paired ratio with its spread."""
    lines = [
        f"| measure | {ours} | {theirs} | ratio (lowest – highest) | better |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for measure, brokers in results.values.items():
        mine, other = brokers.get(ours, []), brokers.get(theirs, [])
        if not mine or not other:
            continue
        ratio = paired_ratio(mine, other)
        won = (ratio.middle >= 1) == measure.more_is_better
        lines.append(
            f"| {measure.name}, {measure.unit} | {_short(median(mine))} | {_short(median(other))} "
            f"| {ratio.middle:.2f} ({ratio.low:.2f} – {ratio.high:.2f}) | {ours if won else theirs} |"
        )
    return "\n".join(lines)


def _short(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
