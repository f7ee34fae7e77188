"""Where every value was seen, and which value every offset had, over all of a history's observers."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from compat.history.history import History
from compat.history.operations import Outcome, Partition, Poll, Seen, Write


@dataclass(slots=True)
class Places:
    """Gathered from polls, final logs and, where they say an offset, acknowledgements."""

    values: dict[tuple[Partition, int], dict[str, str]] = field(default_factory=dict)
    """Place → value → who saw it there first."""

    offsets: dict[str, set[tuple[Partition, int]]] = field(default_factory=lambda: defaultdict(set))
    """Value → places where it was read; acknowledgements do not count."""

    furthest: dict[Partition, int] = field(default_factory=dict)
    """The highest offset that was read."""

    def note(self, seen: Seen, observer: str, *, read: bool = True) -> None:
        place = seen.partition, seen.offset
        self.values.setdefault(place, {}).setdefault(seen.value, observer)
        if read:
            self.offsets[seen.value].add(place)
            self.furthest[seen.partition] = max(seen.offset, self.furthest.get(seen.partition, -1))

    def holds(self, partition: Partition, offset: int) -> bool:
        """Whether somebody saw a record there."""
        return (partition, offset) in self.values


def gather(history: History) -> Places:
    """All that was seen."""
    places = Places()
    for seen, observer in _read(history):
        places.note(seen, observer)
    for write in history.of(Write):
        if write.outcome is Outcome.DONE and write.offset >= 0:
            seen = Seen(write.partition, write.offset, write.value)
            places.note(seen, f"{write.process} (acknowledged)", read=False)
    return places


def _read(history: History) -> Iterator[tuple[Seen, str]]:
    for poll in history.of(Poll):
        for seen in poll.records:
            yield seen, f"{poll.process} at {poll.ended_s:.3f}"
    for log in history.final.values():
        for seen in log.records:
            yield seen, "the final reading"
