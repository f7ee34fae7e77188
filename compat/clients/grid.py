"""The grid client × feat as text: one letter for each broker, Kafka's own result beside ours."""

from collections.abc import Iterator

from compat.clients.feats import FEATS
from compat.clients.results import Result, Results

_PASSED, _FAILED, _LACKS, _NOT_RUN, _NOT_ASKED = "+", "x", "-", "?", " "


def grid_text(results: Results, brokers: list[str]) -> str:
    """A row for each feat, a column for each client, in each cell a sign for each of `brokers`."""
    names = sorted(results.clients)
    width = max(max(map(len, names), default=0), len(brokers)) + 2
    lines = [
        "each cell: "
        + " ".join(brokers)
        + f"   ({_PASSED} passed, {_FAILED} failed, {_LACKS} the client has "
        f"no such thing, {_NOT_RUN} not run)",
        " " * 26 + "".join(name.ljust(width) for name in names),
    ]
    for feat in FEATS:
        cells = (_cell(results, name, feat.name, brokers).ljust(width) for name in names)
        lines.append(feat.name.ljust(26) + "".join(cells).rstrip())
    return "\n".join(lines)


def failures_text(results: Results, brokers: list[str]) -> Iterator[str]:
    """A line for each failed feat and each client that did not run."""
    for name, client in sorted(results.clients.items()):
        if client["not_run"] is not None:
            yield f"not run: {name}: {client['not_run']}"
    for result in sorted(results.results.values(), key=lambda each: (each.client, each.feat, each.broker)):
        if not result.ok and result.broker in brokers:
            yield f"{result.client} {result.feat} on {result.broker}: {result.detail}"


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
