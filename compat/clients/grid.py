"""The grid client × feat as text: one letter for each broker, Kafka's own result beside ours."""

from collections.abc import Iterable

from compat.clients.feats import FEATS
from compat.clients.results import Result, Results

_PASSED, _FAILED, _LACKS, _NOT_RUN, _NOT_ASKED = "+", "x", "-", "?", " "


def grid_text(results: Results, clients: Iterable[str], brokers: list[str]) -> str:
    """A row for each feat, a column for each of `clients`, in each cell a sign for each of `brokers`."""
    names = sorted(clients)
    width = max(max(map(len, names), default=0), len(brokers)) + 2
    lines = [
        f"each cell: {' '.join(brokers)}",
        f"{_PASSED} passed, {_FAILED} failed, {_LACKS} the client has no such thing, {_NOT_RUN} not run",
        " " * 26 + "".join(name.ljust(width) for name in names),
    ]
    for feat in FEATS:
        cells = (_cell(results, name, feat.name, brokers).ljust(width) for name in names)
        lines.append(feat.name.ljust(26) + "".join(cells).rstrip())
    return "\n".join(lines)


def _cell(results: Results, client: str, feat: str, brokers: list[str]) -> str:
    description = results.clients[client]
    if description["not_run"] is not None:
        return _NOT_RUN
    if feat in description["lacks"]:
        return _LACKS
    return "".join(_sign(results.results.get((broker, client, feat))) for broker in brokers)


def _sign(result: Result | None) -> str:
    if result is None:
        return _NOT_ASKED
    return _PASSED if result.ok else _FAILED
