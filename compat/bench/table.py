"""The figures as Markdown: everything, and the few that the README shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compat.bench.figures import ODRADEK, Measure, Ratio, Results, Scores, short, sorted_brokers
from compat.bench.loads import GENERATOR_BUSY, produce_name
from compat.bench.targets import JUDGE, verdicts, walls

LIMIT = 0.9
"""From this part of a core on the generator is taken to be the limit of a load, and the row is marked."""
MARK = "†"
NOTE = (
    "Medians of the rounds; a ratio is the median of the rounds' ratios (lowest – highest). Broker and load "
    "share the machine, so the broker's own processor time is the figure that is distorted least. "
    f"{MARK} The load generator needed a whole core: the broker could have done more."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: each broker's median, and our ratio to each other; None where it was not measured."""

    measure: Measure
    medians: dict[str, float | None]
    ratios: dict[str, Ratio | None]
    limited: frozenset[str]
    """Brokers under whose load the generator was at its limit."""

    def median_text(self, broker: str) -> str:
        """A cell of a table; the mark says that the generator was at its limit."""
        value = self.medians.get(broker)
        return "–" if value is None else short(value) + (MARK if broker in self.limited else "")

    def is_better(self, other: str) -> bool | None:
        """Whether ours is the better median of the two; None without a ratio."""
        ratio = self.ratios.get(other)
        return None if ratio is None else (ratio.middle >= 1) == self.measure.more_is_better


def rows(scores: Scores) -> Iterator[Row]:
    """Every measure of a part but the generator's own."""
    for measure in scores.values:
        if measure.figure == GENERATOR_BUSY:
            continue
        yield Row(
            measure,
            {broker: scores.median(measure, broker) for broker in scores.brokers},
            {broker: scores.ratio(measure, ODRADEK, broker) for broker in scores.others},
            frozenset(_limited(scores, measure)),
        )


def full_table(results: Results) -> str:
    """Each part under its own heading."""
    parts = [f"{results.machine}; revision {results.revision}, {results.finished}", NOTE]
    for name, scores in results.parts.items():
        parts.append(f"### {name}\n\n" + _markdown(scores.brokers, scores.others, rows(scores)))
    return "\n\n".join(parts)


def readme_table(results: Results) -> str:
    """The measures that the targets are about, as ratios to the release that they name."""
    wanted = {
        (produce_name("1 MB batches", 1, 5, -1), None),
        ("fetch 1 MB at a time, 1 MB batches, 1 connection", None),
        (produce_name("one 200 B record", 1, 1, -1), "CPU"),
        (produce_name("one 200 B record", 1, 1, -1), "round trip p50"),
    }
    short_parts = ("start", "latency", "memory", "restart")
    chosen: list[Row] = []
    brokers: set[str] = set()
    for name, scores in results.parts.items():
        for row in rows(scores):
            measure = row.measure
            if name in short_parts or {(measure.name, None), (measure.name, measure.figure)} & wanted:
                chosen.append(row)
                brokers.update(scores.brokers)
    others = [JUDGE] if JUDGE in brokers else []
    table = _markdown(sorted_brokers(brokers), others, chosen)
    return f"{table}\n\n{NOTE}\n{results.machine}; revision {results.revision}."


def targets_table(results: Results) -> str:
    """Every target with its ratio, and whether it holds in all rounds, in some or in none."""
    head = (_line((f"ratio to {JUDGE}", "target", "measured", "")), _line(("---", "---:", "---:", "---")))
    found = (
        _line((each.target.name, each.bound, ratio_text(each.ratio), each.outcome))
        for each in verdicts(results)
    )
    return "\n".join((*head, *found))


def walls_list(results: Results) -> str:
    """What stands in the way of each target that does not hold."""
    return "\n".join(f"- {' and '.join(names)}: {wall}" for wall, names in walls(results).items())


def ratio_text(ratio: Ratio | None) -> str:
    """`0.31 (0.30 – 0.35)`, or a dash."""
    return "–" if ratio is None else f"{ratio.middle:.2f} ({ratio.low:.2f} – {ratio.high:.2f})"


def _markdown(brokers: list[str], others: list[str], found: Iterable[Row]) -> str:
    """Medians of `brokers` and our ratio to `others`."""
    headings = ["measure", *brokers, *(f"ratio to {other}" for other in others)]
    lines = [_line(headings), _line(["---", *["---:"] * (len(headings) - 1)])]
    for row in found:
        measure = row.measure
        title = measure.title if measure.at is None else f"{measure.title}, {measure.at:,}"
        medians = [row.median_text(broker) for broker in brokers]
        lines.append(
            _line(
                [f"{title}, {measure.unit}", *medians, *(ratio_text(row.ratios.get(each)) for each in others)]
            )
        )
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _limited(scores: Scores, measure: Measure) -> Iterator[str]:
    if measure.figure != "throughput":
        return
    busy = next(
        (each for each in scores.values if (each.name, each.figure) == (measure.name, GENERATOR_BUSY)), None
    )
    if busy is not None:
        for broker in scores.brokers:
            value = scores.median(busy, broker)
            if value is not None and value >= LIMIT:
                yield broker
