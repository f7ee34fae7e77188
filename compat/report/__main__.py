"""Judge Odradek by real Kafka in every way there is, and write the report: `make compat`.

python -m compat.report                  everything that has not been run with today's code
python -m compat.report --only produce   what begins so; or a part: judge, clusters, clients, malformed
python -m compat.report --page           run nothing; write the report of what there is

Interrupted, it goes on where it was. The exit status is 1 when Odradek does worse than Kafka anywhere.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from compat.clients.client import all_clients
from compat.judge.brokers import ORACLES
from compat.judge.scenario import all_scenarios
from compat.report import page
from compat.report.api_grid import State
from compat.report.attacks import attack_release
from compat.report.client_runs import run_clients
from compat.report.clusters import judge_clusters
from compat.report.judgments import Judgments, judge_release

PARTS = ("judge", "clusters", "clients", "malformed")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    if not options.page and not _run(options.only, _tell(time.monotonic())):
        print(f"nothing is called {options.only}", file=sys.stderr)
        return 2
    found = page.findings()
    page.write(found)
    for path in (page.MARKDOWN, page.HTML):
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return 1 if _is_worse(found) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m compat.report", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", default=os.environ.get("ONLY", ""), help="a part, or how names begin")
    parser.add_argument("--page", action="store_true", help="run nothing; write what there is")
    return parser.parse_args(arguments)


def _run(only: str, tell: Callable[[str], None]) -> bool:
    """Run what is asked for; false when there is no such thing."""
    prefix = "" if only in PARTS else only
    scenarios = list(all_scenarios(prefix)) if only in ("", "judge") or prefix else []
    clients = [each for each in all_clients() if each.name.startswith(prefix)]
    clients = clients if only in ("", "clients") or prefix else []
    if scenarios:
        judgments = Judgments()
        for release in ORACLES:
            if not prefix:
                judgments.forget_others(release, scenarios)
            judge_release(release, scenarios, judgments, tell)
    if only in ("", "clusters"):
        judge_clusters(tell)
    if only in ("", "malformed"):
        for release in ORACLES:
            tell(f"malformed frames as {release}")
            attack_release(release)
    if clients:
        run_clients(clients, tell)
    return bool(scenarios or clients or only in PARTS)


def _is_worse(found: page.Findings) -> bool:
    return bool(
        any(grid.count(State.DIFFERS) for grid in found.grids)
        or any(each.differing for each in found.clusters.values())
        or found.clients.count("worse")
        or not all(result["survived"] for result in found.malformed.values())
    )


def _tell(began: float) -> Callable[[str], None]:
    """Progress goes to standard error, with the minutes since the beginning."""

    def tell(line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        print(f"{minutes:3}:{seconds:02} {line}", file=sys.stderr, flush=True)

    return tell


if __name__ == "__main__":
    raise SystemExit(main())
