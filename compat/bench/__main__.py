"""`python -m compat.bench`: Odradek, real Kafka and kfake in turns; figures into compat/bench/latest.json.

python -m compat.bench                         everything: up to an hour, on a machine that does nothing else
python -m compat.bench --quick                 a few minutes: shows that it works, no more
python -m compat.bench --only start            one part; the others' figures stay as they are
python -m compat.bench --only loads --load 16  of the part "loads" what begins so: 1 MB, 16 kB, one; of
                                               "growth": partitions, connections; the rest stays if it
                                               was measured at this revision
python -m compat.bench --broker odradek --broker 3.9.2
python -m compat.bench --readme                measure nothing; write the table into README.md
"""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from compat.bench.brokers import all_kinds
from compat.bench.clients import clients
from compat.bench.figures import LATEST, Results, Scores
from compat.bench.growth import growth
from compat.bench.latency import latency
from compat.bench.loads import loads
from compat.bench.machine import machine, revision
from compat.bench.memory import memory
from compat.bench.plan import FULL, QUICK
from compat.bench.readme import write_into
from compat.bench.restarts import restarts
from compat.bench.starts import starts
from compat.bench.table import full_table
from compat.bench.turns import Part, Stage

PARTS: dict[str, Part] = {
    "start": starts,
    "loads": loads,
    "latency": latency,
    "clients": clients,
    "memory": memory,
    "restart": restarts,
    "growth": growth,
}
"""Every part, in the order in which they run."""

README = Path(__file__).parent.parent.parent / "README.md"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, type=click.Choice(list(PARTS)), help="One part; may be repeated.")
@click.option("--load", multiple=True, help="How a load of a part begins; may be repeated.")
@click.option("--broker", multiple=True, help="odradek, 3.9.2, 4.3.0 or kfake; may be repeated.")
@click.option("--quick", is_flag=True, help="Small sizes and one round.")
@click.option("--rounds", type=click.IntRange(1), help="Counted rounds of each load.  [5]")
@click.option("--restart-gigabytes", type=float, help="What the restart part writes.  [5]")
@click.option("--out", type=click.Path(path_type=Path), default=LATEST, help="Where the figures go.")
@click.option("--readme", is_flag=True, help="Measure nothing; write the table of --out into README.md.")
def main(
    only: tuple[str, ...],
    load: tuple[str, ...],
    broker: tuple[str, ...],
    quick: bool,
    rounds: int | None,
    restart_gigabytes: float | None,
    out: Path,
    readme: bool,
) -> None:
    """Measure Odradek against real Kafka, in turns within one run, as medians and paired ratios."""
    if readme:
        write_into(README, Results.read(out))
        return
    kinds = all_kinds()
    if strangers := set(broker) - kinds.keys():
        raise click.BadParameter(f"{', '.join(sorted(strangers))}: not among {', '.join(kinds)}")
    plan = QUICK if quick else FULL
    plan = replace(plan, rounds=rounds or plan.rounds)
    if restart_gigabytes is not None:
        plan = replace(plan, restart_bytes=round(restart_gigabytes * 1e9))
    chosen = [kinds[key] for key in kinds if key in broker or not broker]
    stage = Stage(plan, chosen, _tell(time.monotonic()), load)
    _open_files()
    results = Results.read(out)
    results.machine = machine()
    broken = []
    for name in only or PARTS:
        began = time.monotonic()
        try:
            scores = PARTS[name](stage)
        except Exception:  # noqa: BLE001 - one part that breaks must not cost the others their hour
            traceback.print_exc()
            broken.append(name)
            continue
        scores.seconds, scores.revision = time.monotonic() - began, revision()
        results.parts[name] = scores.with_rest_of(results.parts.get(name, Scores())) if load else scores
        results.finished = datetime.now(UTC).isoformat(timespec="seconds")
        results.write(out)
    print(full_table(results))
    if broken:
        raise click.ClickException(f"broken: {', '.join(broken)}")


def _open_files() -> None:
    """As many as the system allows, for us and for the brokers that inherit it: a thousand connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _tell(began: float) -> Callable[[str], None]:
    """Progress goes to standard error, with the minutes since the beginning."""

    def tell(line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        print(f"{minutes:3}:{seconds:02} {line}", file=sys.stderr, flush=True)

    return tell


if __name__ == "__main__":
    main()
