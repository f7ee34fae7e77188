"""Whether consumers were given each partition's records in order, none left out, and none taken back."""

from collections import defaultdict
from collections.abc import Iterator

from compat.history.finding import Anomaly, Finding
from compat.history.history import History
from compat.history.operations import Partition, Poll, Reposition, Seen
from compat.history.places import Places


def check_polls(history: History, places: Places) -> Iterator[Finding]:
    """Findings about what consumers were given."""
    yield from _check_order(history, places)
    yield from _vanished(history)
    yield from _undelivered(history)


def _check_order(history: History, places: Places) -> Iterator[Finding]:
    positions: dict[tuple[str, Partition], int] = {}
    for operation in history.operations:
        if isinstance(operation, Reposition):
            for partition in operation.partitions:
                positions.pop((operation.process, partition), None)
        elif isinstance(operation, Poll):
            for seen in operation.records:
                last = positions.get((operation.process, seen.partition))
                if last is not None:
                    yield from _check_step(operation, seen, last, places)
                positions[operation.process, seen.partition] = seen.offset


def _check_step(poll: Poll, seen: Seen, last: int, places: Places) -> Iterator[Finding]:
    given = f"{poll.process} was given {seen.offset} after {last} at {poll.ended_s:.3f}"
    if seen.offset <= last:
        yield Finding(Anomaly.REORDERED_POLL, seen.partition, given)
    missed = [offset for offset in range(last + 1, seen.offset) if places.holds(seen.partition, offset)]
    if missed:
        yield Finding(Anomaly.SKIPPED_POLL, seen.partition, f"{given}, past {missed[0]}")


def _vanished(history: History) -> Iterator[Finding]:
    """A record that was given stays, until the log start offset passes it."""
    last = {partition: {each.offset for each in log.records} for partition, log in history.final.items()}
    told: set[tuple[Partition, int]] = set()
    for poll in history.of(Poll):
        for seen in poll.records:
            final = history.final.get(seen.partition)
            place = seen.partition, seen.offset
            if final is None or seen.offset < final.start_offset or place in told:
                continue
            if seen.offset not in last[seen.partition]:
                told.add(place)
                given = f"{poll.process} was given {seen.value!r} at {seen.offset}"
                yield Finding(Anomaly.VANISHED, seen.partition, f"{given}, {poll.ended_s:.3f}")


def _undelivered(history: History) -> Iterator[Finding]:
    given: defaultdict[str, set[tuple[Partition, int]]] = defaultdict(set)
    for poll in history.of(Poll):
        if poll.group is not None:
            given[poll.group].update((seen.partition, seen.offset) for seen in poll.records)
    for group in sorted(history.drained_groups):
        for partition, log in history.final.items():
            for seen in log.records:
                if (partition, seen.offset) not in given[group]:
                    detail = f"{seen.value!r} at {seen.offset}, group {group}"
                    yield Finding(Anomaly.UNDELIVERED, partition, detail)
