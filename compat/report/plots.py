"""The benchmark's plots, as SVG that takes its text's colour from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compat.bench.figures import ODRADEK, Measure, Results, Scores
from compat.bench.growth import OVER_CONNECTIONS, OVER_PARTITIONS
from compat.bench.loads import produce_name

INK = "#123456"
"""Stands for the page's text colour until the SVG is written."""
COLOURS = {ODRADEK: "#d9480f", "Kafka 3.9.2": "#1c7ed6", "Kafka 4.3.0": "#74b3e8", "kfake": "#868e96"}

mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "odradek",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "axes.titleweight": "bold",
        "axes.titlesize": 10,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
)


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture with what it shows in a sentence, for those who do not see it."""

    title: str
    svg: str


def plots(results: Results) -> Iterator[Plot]:
    """What the measured parts allow."""
    for part, title, groups in _BARS:
        scores = results.parts.get(part)
        found = [(measure, label) for measure, label in _chosen(scores, groups) if scores is not None]
        if scores is not None and found:
            yield Plot(title, _bars(scores, found))
    scores = results.parts.get("growth")
    if scores is not None:
        for name, axis in ((OVER_PARTITIONS, "partitions"), (OVER_CONNECTIONS, "connections")):
            yield Plot(f"Growth with {axis}, one 200 B record a request", _lines(scores, name, axis))


_LARGE = produce_name("1 MB batches", 1, 5, -1)
_MEDIUM = produce_name("16 kB batches", 1, 5, -1)
_SMALL = produce_name("one 200 B record", 1, 5, -1)
_FETCH = "fetch 1 MB at a time, 1 MB batches, 1 connection"
_BARS: Sequence[tuple[str, str, Sequence[tuple[str, str, str]]]] = (
    (
        "loads",
        "Processor time of the broker (less is better)",
        (
            (_LARGE, "CPU", "produce 1 MB batches"),
            (_FETCH, "CPU", "fetch 1 MB batches"),
            (_MEDIUM, "CPU", "produce 16 kB batches"),
            (_SMALL, "CPU", "produce one record"),
        ),
    ),
    (
        "loads",
        "Throughput, one connection (more is better)",
        (
            (_LARGE, "throughput", "produce 1 MB batches"),
            (_FETCH, "throughput", "fetch 1 MB batches"),
            (_MEDIUM, "throughput", "produce 16 kB batches"),
            (_SMALL, "throughput", "produce one record"),
        ),
    ),
    (
        "start",
        "Start, from process begin (less is better)",
        (
            ("start", "process begin to first answer", "first answer"),
            ("start", "process begin to first record consumed", "first record consumed"),
        ),
    ),
    ("latency", "End to end at 1,000 records/s (less is better)", (("end to end", "p", ""),)),
    ("memory", "Resident memory without page cache (less is better)", (("memory", "", ""),)),
    ("restart", "Restart with many partitions (less is better)", (("restart", "", ""),)),
)


def _chosen(scores: Scores | None, groups: Sequence[tuple[str, str, str]]) -> Iterator[tuple[Measure, str]]:
    for name, figure, label in groups:
        for measure in scores.values if scores is not None else ():
            if measure.name.startswith(name) and measure.figure.startswith(figure):
                yield measure, label or measure.figure.removeprefix("process begin to all partitions serve, ")


def _bars(scores: Scores, found: list[tuple[Measure, str]]) -> str:
    figure = Figure(figsize=(2.15 * len(found) + 0.6, 2.6), layout="constrained")
    for axes, (measure, label) in zip(_row(figure, len(found)), found, strict=True):
        for position, broker in enumerate(scores.brokers):
            values = scores.values[measure].get(broker)
            middle = scores.median(measure, broker)
            if values and middle is not None:
                spread = [[middle - min(values)], [max(values) - middle]]
                bar = axes.bar(
                    position, middle, color=COLOURS.get(broker, "#adb5bd"), yerr=spread, ecolor=INK, width=0.8
                )
                axes.bar_label(bar, [f"{middle:,.3g}" if middle < 1000 else f"{middle:,.0f}"], fontsize=8)
        axes.set_title(label)
        axes.set_ylabel(measure.unit)
        axes.set_xticks([])
        axes.margins(y=0.15)
    _legend(figure, scores.brokers)
    return _svg(figure)


def _lines(scores: Scores, name: str, axis: str) -> str:
    figure = Figure(figsize=(9.2, 2.9), layout="constrained")
    for axes, kind in zip(_row(figure, 2), ("throughput", "CPU"), strict=True):
        measures = sorted(
            (each for each in scores.values if (each.name, each.figure) == (name, kind)),
            key=lambda measure: measure.at or 0,
        )
        for broker in scores.brokers:
            points = [(each.at, scores.median(each, broker)) for each in measures]
            there = [(at, value) for at, value in points if value is not None]
            axes.plot(*zip(*there, strict=True), marker="o", color=COLOURS.get(broker, "#adb5bd"))
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel(axis)
        axes.set_ylabel(measures[0].unit if measures else "")
        axes.set_title(kind)
    _legend(figure, scores.brokers)
    return _svg(figure)


def _row(figure: Figure, count: int) -> list[Axes]:
    return [figure.add_subplot(1, count, number + 1) for number in range(count)]


def _legend(figure: Figure, brokers: list[str]) -> None:
    handles = [mpl.patches.Patch(color=COLOURS.get(broker, "#adb5bd"), label=broker) for broker in brokers]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(brokers))


def _svg(figure: Figure) -> str:
    """Without the parts that only a file of its own needs, and without a date."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace(INK, "currentColor")
