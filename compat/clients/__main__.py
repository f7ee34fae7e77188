"""Run clients in every language against real Kafka and Odradek.

python -m compat.clients                                   every client on every broker
python -m compat.clients --only go-franz --feat group-join
python -m compat.clients --broker odradek-3.9              one broker; may be repeated
python -m compat.clients --bootstrap localhost:9092        a broker that is already there
python -m compat.clients --prepare                         install and build, run nothing

Results are written to compat/results/clients.json after each client. The exit status is 1 when Odradek fails
a feat that the Kafka it stands for passes, 2 for a client that nobody knows, else 0.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from compat.clients.client import Client, clients_named
from compat.clients.feats import NAMES
from compat.clients.grid import grid_text
from compat.clients.preparation import NotInstallable, Prepared, prepared
from compat.clients.results import Result, Results
from compat.clients.run import run
from compat.judge import brokers
from compat.judge.session import Broker

_Start = Callable[[], contextlib.AbstractContextManager[Broker]]

BROKERS: Final[Mapping[str, _Start]] = {
    "kafka-3.9": lambda: brokers.real_kafka("3.9", {}),
    "odradek-3.9": lambda: brokers.odradek("3.9", {}),
    "kafka-4.3": lambda: brokers.real_kafka("4.3", {}),
    "odradek-4.3": lambda: brokers.odradek("4.3", {}),
}
"""Real releases, and Odradek as each of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    try:
        clients = clients_named(options.only)
    except ValueError as stranger:
        print(stranger, file=sys.stderr)
        return 2
    results = Results.read()
    ready = list(_prepare(clients, results))
    results.write()
    if options.prepare:
        return 0
    subjects = _subjects(options)
    for name, start in subjects.items():
        with start() as broker:
            for each in ready:
                results.add(_run(each, name, broker.bootstrap, options.feat))
                results.write()
    print(grid_text(results, (client.name for client in clients), list(subjects)))
    return 1 if worse_than_kafka(results) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m compat.clients", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", action="append", default=[], help="how a client's name begins")
    parser.add_argument("--feat", action="append", default=[], choices=sorted(NAMES), metavar="FEAT")
    parser.add_argument("--broker", action="append", default=[], choices=list(BROKERS))
    parser.add_argument("--bootstrap", help="run against the broker at HOST:PORT instead")
    parser.add_argument("--prepare", action="store_true", help="install and build; run nothing")
    return parser.parse_args(arguments)


def _subjects(options: argparse.Namespace) -> Mapping[str, _Start]:
    if options.bootstrap:
        address = brokers.Address(options.bootstrap)
        return {options.bootstrap: lambda: contextlib.nullcontext(address)}
    return {name: BROKERS[name] for name in options.broker or BROKERS}


def _prepare(clients: Sequence[Client], results: Results) -> Iterator[Prepared]:
    for client in clients:
        began = time.monotonic()
        try:
            made = prepared(client)
        except NotInstallable as reason:
            results.add_client(client, str(reason))
            print(f"{client.name}: not run: {reason}", flush=True)
            continue
        results.add_client(client, None)
        print(f"{client.name}: ready in {time.monotonic() - began:.1f} s", flush=True)
        yield made


def _run(each: Prepared, broker: str, bootstrap: str, only: Sequence[str]) -> list[Result]:
    began = time.monotonic()
    feats = [feat for feat in each.client.feats() if not only or feat.name in only]
    found = run(each, broker, bootstrap, feats)
    passed = sum(result.ok for result in found)
    print(
        f"{each.client.name} on {broker}: {passed} of {len(found)} feats in {time.monotonic() - began:.0f} s",
        flush=True,
    )
    for result in found:
        if not result.ok:
            print(f"    {result.feat}: {result.detail}", flush=True)
    return found


def worse_than_kafka(results: Results) -> list[Result]:
    """Odradek's failures of what the release that it stands for passes."""
    found = []
    for result in results.results.values():
        kafka = results.results.get((result.broker.replace("odradek", "kafka"), result.client, result.feat))
        if not result.ok and kafka is not None and kafka.ok:
            found.append(result)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
