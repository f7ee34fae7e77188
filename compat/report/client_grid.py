"""The grid client × feat: Kafka's own result beside ours, for each release that Odradek stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compat.clients.feats import FEATS
from compat.clients.results import Result, Results
from odradek.api.gaps import GAPS
from odradek.protocol.api_keys import ApiKey

RELEASES = ("3.9", "4.3")
NEEDS = {
    "group-consumer-protocol": ApiKey.CONSUMER_GROUP_HEARTBEAT,
    **{feat.name: ApiKey.END_TXN for feat in FEATS if feat.section == "Transactions"},
}
"""What a feat is made of, where that may not be served yet; it counts from the day on which it is."""


@dataclass(frozen=True, slots=True)
class Pair:
    """How one feat went on a release of Kafka and on Odradek as that release; None: not run there."""

    release: str
    kafka: Result | None
    odradek: Result | None

    @property
    def gap(self) -> str | None:
        """With what the feat will come, while it is not there."""
        result = self.odradek
        return None if result is None or result.feat not in NEEDS else GAPS.get(NEEDS[result.feat])

    @property
    def state(self) -> str:
        """`same`, `worse` (only Kafka passes), `gap` (so, and known), `better`, `both-fail`, `not-run`."""
        if self.kafka is None or self.odradek is None:
            return "not-run"
        if self.kafka.ok and self.odradek.ok:
            return "same"
        if self.kafka.ok:
            return "worse" if self.gap is None else "gap"
        return "better" if self.odradek.ok else "both-fail"


@dataclass(frozen=True, slots=True)
class ClientCell:
    """One client and one feat."""

    pairs: tuple[Pair, ...]
    lacks: str | None
    """Why the client has no such thing."""


@dataclass(frozen=True, slots=True)
class ClientGrid:
    """Feats down, clients across."""

    results: Results

    @property
    def clients(self) -> list[dict[str, Any]]:
        return [self.results.clients[name] for name in sorted(self.results.clients)]

    def cell(self, client: str, feat: str) -> ClientCell:
        """What the grid shows at one place."""
        pairs = tuple(
            Pair(
                release,
                self.results.results.get((f"kafka-{release}", client, feat)),
                self.results.results.get((f"odradek-{release}", client, feat)),
            )
            for release in RELEASES
        )
        ran = tuple(pair for pair in pairs if pair.kafka is not None or pair.odradek is not None)
        return ClientCell(ran, self.results.clients[client]["lacks"].get(feat))

    def pairs(self) -> Iterator[Pair]:
        """Every pair that ran on both."""
        for client, feat in sorted({(client, feat) for _, client, feat in self.results.results}):
            yield from (pair for pair in self.cell(client, feat).pairs if pair.state != "not-run")

    def count(self, state: str) -> int:
        """How many pairs are in a state."""
        return sum(pair.state == state for pair in self.pairs())
