"""The two documents: one self-contained HTML page, and Markdown for whoever reads the repository."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from compat.bench.figures import ODRADEK
from compat.bench.figures import Results as BenchResults
from compat.bench.machine import revision
from compat.bench.profile import Profile, profiles
from compat.bench.table import NOTE, ratio_text, readme_table, rows, targets_table, walls_list
from compat.bench.table import Row as BenchRow
from compat.bench.targets import verdicts, walls
from compat.clients.feats import FEATS
from compat.clients.results import Results as ClientResults
from compat.judge.brokers import ORACLES
from compat.judge.coverage import Coverage, coverage
from compat.judge.judgment import runs
from compat.judge.known import KnownDifference, known_differences
from compat.judge.recordings import Recordings
from compat.judge.report import refusals
from compat.judge.scenario import all_scenarios
from compat.malformed.known import KNOWN as KNOWN_OUTCOMES
from compat.report.api_grid import ApiGrid, Row, State, api_grid
from compat.report.attacks import attacks
from compat.report.client_grid import ClientGrid
from compat.report.clusters import ClusterApi, clusters
from compat.report.judgments import Judgments
from compat.report.plots import Plot, plots
from compat.report.release_facts import Fact, release_facts

HOME: Final = Path(__file__).parent.parent
HTML: Final = HOME / "REPORT.html"
MARKDOWN: Final = HOME / "REPORT.md"
_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the report shows."""

    grids: list[ApiGrid]
    clusters: dict[str, ClusterApi]
    coverages: list[Coverage]
    facts: list[Fact]
    known: list[tuple[KnownDifference, int]]
    """Each accepted difference, and in how many answers it was met."""
    clients: ClientGrid
    malformed: dict[str, dict[str, Any]]
    bench: BenchResults
    bench_rows: dict[str, list[BenchRow]]
    plots: list[Plot]
    profiles: list[Profile]

    @property
    def not_served(self) -> list[Row]:
        """Every API of either release that is missing, in the order of keys."""
        missing = {row.api: row for grid in self.grids for row in grid.rows if row.gap is not None}
        return [missing[api] for api in sorted(missing)]


def findings() -> Findings:
    """Read every result there is; what was never run is empty."""
    judgments, known = Judgments(), known_differences()
    scenarios = list(all_scenarios())
    recordings = {release: Recordings(release) for release in ORACLES}
    judged = {release: judgments.differences(release) for release in ORACLES}
    differences = [each for found in judged.values() for group in found.values() for each in group]
    bench = BenchResults.read()
    return Findings(
        [api_grid(release, judged[release], known) for release in ORACLES],
        clusters(),
        [coverage(runs(scenarios, release), recordings[release], release) for release in ORACLES],
        list(release_facts(scenarios, recordings["3.9"], recordings["4.3"])),
        [(entry, sum(entry.covers(each) for each in differences)) for entry in known],
        ClientGrid(ClientResults.read()),
        attacks(),
        bench,
        {name: list(rows(scores)) for name, scores in bench.parts.items()},
        list(plots(bench)),
        profiles(),
    )


def write(found: Findings, html: Path = HTML, markdown: Path = MARKDOWN) -> None:
    """Render both documents."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=lambda name: name is not None and ".html" in name,
    )
    values = {
        "found": found,
        "State": State,
        "releases": dict(ORACLES),
        "feats": FEATS,
        "known_outcomes": KNOWN_OUTCOMES,
        "revision": revision(),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "ours": ODRADEK,
        "note": NOTE,
        "ratio_text": ratio_text,
        "readme_table": readme_table(found.bench),
        "targets_table": targets_table(found.bench),
        "verdicts": list(verdicts(found.bench)),
        "walls": walls(found.bench),
        "walls_list": walls_list(found.bench),
        "details": _details(found.grids),
        "refusals": refusals,
    }
    for path, name in ((html, "report.html.j2"), (markdown, "report.md.j2")):
        path.write_text(environment.get_template(name).render(values).rstrip() + "\n", encoding="utf-8")


def _details(grids: Iterable[ApiGrid]) -> str:
    """What a click on a cell shows, as JSON that cannot end its script element."""
    cells = {
        f"{grid.release}/{row.api.name}/{version}": [asdict(each) for each in cell.fields]
        for grid in grids
        for row in grid.rows
        for version, cell in row.cells.items()
        if cell.fields
    }
    return json.dumps(cells, separators=(",", ":")).replace("</", "<\\/")
