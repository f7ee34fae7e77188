"""`python -m compat.bench`: Odradek and real Kafka in turns; writes JSON and prints a Markdown table.

--rounds N     counted rounds of each load (5)
--megabytes N  payload of each large-batch load (1024)
--release R    the Kafka to compare with (3.9.2)
--out FILE     where the JSON goes (standard output has the table)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from compat.bench.figures import Results, table
from compat.bench.machine import describe
from compat.bench.rounds import Plan, run


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rounds", default=5, show_default=True, type=click.IntRange(1), help="Counted rounds of each load."
)
@click.option(
    "--megabytes", default=1024, show_default=True, type=click.IntRange(1), help="Payload of a large load."
)
@click.option(
    "--requests", default=20_000, show_default=True, type=click.IntRange(100), help="One-record requests."
)
@click.option(
    "--starts", default=5, show_default=True, type=click.IntRange(1), help="Counted starts of each broker."
)
@click.option("--release", default="3.9.2", show_default=True, type=click.Choice(["3.9.2", "4.3.0"]))
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Write all values as JSON.")
def main(rounds: int, megabytes: int, requests: int, starts: int, release: str, out: Path | None) -> None:
    """Measure Odradek against real Kafka, in turns within one run, as medians and paired ratios."""
    results = Results()
    plan = Plan(
        rounds=rounds, starts=starts, large_bytes=megabytes << 20, small_requests=requests, release=release
    )
    run(plan, results, progress=lambda line: print(line, file=sys.stderr, flush=True))
    machine = describe()
    print(machine + "\n")
    print(table(results, "Odradek", f"Kafka {release}"))
    if out is not None:
        out.write_text(json.dumps({"machine": machine, "measures": results.as_json()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
