"""All checks of a history."""

from collections.abc import Iterator

from compat.history.finding import Finding
from compat.history.history import History
from compat.history.offsets import check_offsets
from compat.history.places import gather
from compat.history.polls import check_polls
from compat.history.replicas import check_replicas
from compat.history.sequences import check_sequences
from compat.history.writes import check_writes


def check(history: History) -> list[Finding]:
    """Every anomaly; none for a history that a correct Kafka may have."""
    return list(_check(history))


def _check(history: History) -> Iterator[Finding]:
    places = gather(history)
    yield from check_writes(history, places)
    yield from check_polls(history, places)
    yield from check_offsets(history)
    for partition, replicas in history.replicas.items():
        yield from check_replicas(partition, replicas)
        yield from check_sequences(partition, replicas)
