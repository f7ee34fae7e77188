"""Running the clients, broker by broker, and remembering which code each has run against."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from compat.clients.client import Client
from compat.clients.results import Results
from compat.report.fingerprint import ROOT, fingerprint

STAMPS: Final = Path(__file__).parent.parent / "results" / "clients.stamps.json"
"""Broker → client → fingerprint of the code that ran."""

BROKERS: Final = ("kafka-3.9", "odradek-3.9", "kafka-4.3", "odradek-4.3")


def run_clients(clients: list[Client], tell: Callable[[str], None], path: Path = STAMPS) -> None:
    """Run those whose program or whose broker has changed; what they do is in `compat.clients`' results."""
    stamps: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    for broker in BROKERS:
        done = stamps.setdefault(broker, {})
        wanted = {client.name: _digest(client, broker) for client in clients}
        todo = [name for name, digest in wanted.items() if done.get(name) != digest]
        if not todo:
            continue
        tell(f"clients on {broker}: {', '.join(todo)}")
        options = [word for name in todo for word in ("--only", name)]
        command = [sys.executable, "-m", "compat.clients", "--broker", broker, *options]
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
        ran = {name for name in todo if _has_run(name, broker)}
        done.update({name: wanted[name] for name in ran})
        path.write_text(json.dumps(stamps, indent=1) + "\n")
        if missing := sorted(set(todo) - ran):
            raise RuntimeError(f"no result on {broker} of {', '.join(missing)}")


def _has_run(client: str, broker: str) -> bool:
    """Whether the results say how it went, or why it cannot run here."""
    results = Results.read()
    described = results.clients.get(client)
    if described is not None and described["not_run"] is not None:
        return True
    return any((each.client, each.broker) == (client, broker) for each in results.results.values())


def _digest(client: Client, broker: str) -> str:
    folders = [str(client.folder.relative_to(ROOT)), "compat/clients/harness"]
    if broker.startswith("odradek"):
        folders.append("src/odradek")
    return fingerprint(*folders)
