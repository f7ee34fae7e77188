"""What a client did, from invocation to completion, as plain values.

Times are seconds of one clock that all clients share. An operation that never ended, or whose answer was
lost, ends at ``NEVER`` with ``Outcome.UNKNOWN``: it may take effect at any moment after its start, or not at
all. Values of writes are unique within a history: they tell where a record came from.
"""

import enum
import math
from dataclasses import dataclass
from typing import Final

NEVER: Final = math.inf


class Outcome(enum.Enum):
    """What a client knows of its own operation."""

    DONE = "done"
    REFUSED = "refused"
    """It certainly had no effect."""

    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A topic's partition."""

    topic: str
    index: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.index}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A record at its place."""

    partition: Partition
    offset: int
    value: str


@dataclass(frozen=True, slots=True)
class Write:
    """One record sent with acks=all. ``number`` counts what its producer sent, in the order of sending."""

    process: str
    number: int
    partition: Partition
    value: str
    started_s: float
    ended_s: float = NEVER
    outcome: Outcome = Outcome.UNKNOWN
    offset: int = -1
    """Where the broker said that it is; -1 while that is unknown."""

    idempotent: bool = True
    """Whether duplicates and another order than that of sending are anomalies."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Records given to a consumer, in the order in which they were given."""

    process: str
    started_s: float
    ended_s: float
    records: tuple[Seen, ...]
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Reposition:
    """A consumer was assigned partitions or sought: what it is given next need not follow what it had."""

    process: str
    at_s: float
    partitions: frozenset[Partition]


@dataclass(frozen=True, slots=True)
class LatestOffset:
    """Where the broker said that a partition ends, to readers of uncommitted records (KIP-207)."""

    process: str
    partition: Partition
    offset: int
    started_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Commit:
    """A group's position written."""

    process: str
    group: str
    partition: Partition
    offset: int
    started_s: float
    ended_s: float = NEVER
    outcome: Outcome = Outcome.UNKNOWN
    coordinator_epoch: int | None = None
    """The coordinator led the group's partition in that epoch when it had answered; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class CommitRead:
    """A group's position read; -1 where there was none."""

    process: str
    group: str
    partition: Partition
    offset: int
    started_s: float
    ended_s: float
    coordinator_epoch: int | None = None
    """When it was asked; None: nobody knows."""


Operation = Write | Poll | Reposition | LatestOffset | Commit | CommitRead
