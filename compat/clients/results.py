"""What the clients did, as values and as the JSON that the report reads.

    {"brokers": ["Kafka 3.9.2", "Odradek as 3.9"],
     "clients": [{"name": "go-franz", "title": "franz-go", "language": "Go", "version": "1.19.5",
                  "not_run": null, "lacks": {"feat": "reason"}}],
     "feats": [{"name": "produce-gzip", "section": "Produce", "title": "gzip"}],
     "results": [{"broker": "Kafka 3.9.2", "client": "go-franz", "feat": "produce-gzip", "ok": true,
                  "detail": "", "seconds": 0.4}]}

A client with `not_run` set has no results. A run of some clients, feats or brokers replaces their results in
the file and leaves the others.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from compat.clients.client import Client
from compat.clients.feats import FEATS

RESULTS: Final = Path(__file__).parent.parent / "results" / "clients.json"
"""Where the latest results are; not in git."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one client did one feat on one broker; `detail` says what was wrong."""

    broker: str
    client: str
    feat: str
    ok: bool
    detail: str
    seconds: float

    @property
    def key(self) -> tuple[str, str, str]:
        return self.broker, self.client, self.feat


@dataclass(slots=True)
class Results:
    """Everything known so far; owned by the runner."""

    results: dict[tuple[str, str, str], Result] = field(default_factory=dict)
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path = RESULTS) -> "Results":
        """What an earlier run left, or nothing."""
        if not path.exists():
            return cls()
        known = json.loads(path.read_text())
        results = (Result(**each) for each in known["results"])
        return cls(
            {result.key: result for result in results}, {each["name"]: each for each in known["clients"]}
        )

    def write(self, path: Path = RESULTS) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n")

    def as_json(self) -> dict[str, Any]:
        """The document above."""
        return {
            "brokers": self.brokers(),
            "clients": sorted(self.clients.values(), key=lambda client: str(client["name"])),
            "feats": [asdict(feat) for feat in FEATS],
            "results": [asdict(self.results[key]) for key in sorted(self.results)],
        }

    def brokers(self) -> list[str]:
        return sorted({broker for broker, _, _ in self.results})

    def add(self, results: Iterable[Result]) -> None:
        self.results.update((result.key, result) for result in results)

    def add_client(self, client: Client, not_run: str | None) -> None:
        """Say what a client is and why it could not run; one that cannot run loses its earlier results."""
        self.clients[client.name] = {
            "name": client.name,
            "title": client.title,
            "language": client.language,
            "version": client.version,
            "not_run": not_run,
            "lacks": dict(client.lacks),
        }
        if not_run is not None:
            self.results = {
                key: result for key, result in self.results.items() if result.client != client.name
            }
