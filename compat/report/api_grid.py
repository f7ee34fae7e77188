"""The grid API × version: what each cell shows, and the differing fields behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from compat.judge.differences import Difference
from compat.judge.known import KnownDifference
from compat.judge.report import version_ranges
from odradek.api.gaps import GAPS
from odradek.api.registry import advertised
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.releases import advertised_api_versions


class State(Enum):
    """How an API at one version compares with a release; the value is its sign in the grid."""

    SAME = "✓"
    KNOWN = "~"
    DIFFERS = "≠"
    NOT_ASKED = "?"
    NOT_SERVED = "–"

    @property
    def title(self) -> str:
        """In words, for the legend."""
        return _TITLES[self]


_TITLES = {
    State.SAME: "same in every scenario",
    State.KNOWN: "same but for known differences",
    State.DIFFERS: "differs",
    State.NOT_ASKED: "served, not judged",
    State.NOT_SERVED: "not served, and not advertised",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field that differs in a scenario, at every version that shows it with these values."""

    scenario: str
    step: str
    path: str
    kafka: str
    here: str
    versions: str
    reason: str | None
    """Why it is known; None for a new difference."""


@dataclass(slots=True)
class Cell:
    """One API at one version."""

    state: State
    scenarios: int = 0
    fields: list[Field] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One API; a version that the release does not offer has no cell."""

    api: ApiKey
    cells: Mapping[int, Cell]
    gap: str | None
    """What a missing API comes with; None when it is served."""

    @property
    def title(self) -> str:
        """`OffsetForLeaderEpoch`, as Kafka's documentation writes it."""
        return "".join(word.capitalize() for word in self.api.name.split("_"))


@dataclass(frozen=True, slots=True)
class ApiGrid:
    """One release."""

    release: str
    rows: tuple[Row, ...]

    @property
    def last_version(self) -> int:
        return max(version for row in self.rows for version in row.cells)

    def count(self, state: State) -> int:
        """How many API versions are in a state."""
        return sum(cell.state is state for row in self.rows for cell in row.cells.values())

    @property
    def served(self) -> int:
        """How many API versions are served at all."""
        return sum(map(self.count, State)) - self.count(State.NOT_SERVED)


Judged = Mapping[tuple[str, str, int], list[Difference]]
"""(API, scenario, version) → differences; see `compat.report.judgments`."""


def api_grid(release: str, judged: Judged, known: Iterable[KnownDifference]) -> ApiGrid:
    """Every API that the release offers its clients, in the order of keys."""
    by_cell: dict[tuple[str, int], list[list[Difference]]] = defaultdict(list)
    for (name, _, version), differences in judged.items():
        by_cell[name, version].append(differences)
    entries = list(known)
    rows = []
    for api, offered in sorted(advertised_api_versions(release).items()):
        served = advertised(release).get(api)
        cells = {
            version: Cell(State.NOT_SERVED)
            if served is None or version not in served
            else _cell(by_cell.get((api.name, version), []), entries)
            for version in range(offered.lowest, offered.highest + 1)
        }
        rows.append(Row(api, cells, GAPS.get(api) if served is None else None))
    return ApiGrid(release, tuple(rows))


def known_as(difference: Difference, known: Iterable[KnownDifference]) -> str | None:
    """The reason for which a difference is accepted."""
    return next((entry.reason for entry in known if entry.covers(difference)), None)


def _cell(scenarios: list[list[Difference]], known: list[KnownDifference]) -> Cell:
    if not scenarios:
        return Cell(State.NOT_ASKED)
    fields = [
        Field(
            each.scenario,
            each.step,
            each.path,
            each.kafka,
            each.here,
            version_ranges([each.version]),
            known_as(each, known),
        )
        for differences in scenarios
        for each in differences
    ]
    if not fields:
        return Cell(State.SAME, len(scenarios))
    new = any(each.reason is None for each in fields)
    return Cell(State.DIFFERS if new else State.KNOWN, len(scenarios), fields)
