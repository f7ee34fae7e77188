"""The broker under judgment: how it starts, and which APIs it does not serve at all.

Not served is a state of its own, neither the same nor different. No scenario of such an API is played, and
ApiVersions is judged without its row: a row that is there all the same is a difference, and so is one that is
missing without being not served. Whoever shows results lists what is not served.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from compat.judge.session import Broker
from compat.judge.transcript import Tree
from compat.wire import Wire
from odradek.api.gaps import GAPS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.api_versions_request import ApiVersionsRequest
from odradek.protocol.releases import advertised_api_versions

Start = Callable[[str, Mapping[str, str]], AbstractContextManager[Broker]]
"""Starts a broker as a release (`"3.9"`) with properties."""

_STEP: Final = ApiKey.API_VERSIONS.name


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a run judges; `not_served` takes a release and names those of its APIs that the broker lacks."""

    start: Start
    not_served: Callable[[str], frozenset[ApiKey]]


def odradeks_gaps(release: str) -> frozenset[ApiKey]:
    """What `odradek.api.gaps` lists of a release, so that a new API is judged from its first commit on."""
    return frozenset(GAPS) & advertised_api_versions(release).keys()


def gaps_at(bootstrap: str, release: str) -> frozenset[ApiKey]:
    """What a broker that we know nothing of does not claim to serve."""
    with Wire(bootstrap) as wire:
        offered = {each.api_key for each in wire.send(ApiVersionsRequest(), version=0).api_keys}
    return frozenset(api for api in advertised_api_versions(release) if api not in offered)


def without_rows_of(not_served: frozenset[ApiKey], transcript: Sequence[Tree]) -> list[Tree]:
    """Real Kafka's transcript, as a broker without these APIs owes it: ApiVersions lacks their rows."""
    return [_without_rows_of(not_served, step) for step in transcript]


def _without_rows_of(not_served: frozenset[ApiKey], step: Any) -> Tree:
    if step.get("sent", "").partition(" ")[0] != _STEP or "api_keys" not in step.get("answer", {}):
        rest: Tree = step
        return rest
    answer = step["answer"]
    rows = [row for row in answer["api_keys"] if row.get("api_key", 0) not in not_served]
    return {**step, "answer": {**answer, "api_keys": rows}}
