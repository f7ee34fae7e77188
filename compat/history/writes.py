"""Whether every write is where it must be: acknowledged ones once and in order, refused ones nowhere."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from compat.history.finding import Anomaly, Finding
from compat.history.history import History
from compat.history.operations import Outcome, Partition, Write
from compat.history.places import Places
from compat.history.sequences import ProducerEpoch, producer_epochs


def check_writes(history: History, places: Places) -> Iterator[Finding]:
    """Findings about writes and what became of them."""
    writes = {write.value: write for write in history.of(Write)}
    epochs = {partition: producer_epochs(replicas) for partition, replicas in history.replicas.items()}
    for write in writes.values():
        yield from _check_write(history, places, write)
        yield from _duplicated(places, write, epochs.get(write.partition, {}))
    yield from _never_written(places, writes)
    yield from _two_values(places)
    yield from _reordered(places, writes)


def _check_write(history: History, places: Places, write: Write) -> Iterator[Finding]:
    found = places.offsets.get(write.value, set())
    if write.outcome is Outcome.DONE:
        if not found and _must_be_there(history, places, write):
            yield _finding(Anomaly.LOST_WRITE, write, "nobody has it")
        elif found and write.offset >= 0 and (write.partition, write.offset) not in found:
            yield _finding(Anomaly.WRONG_OFFSET, write, f"it was read at {_list(found)}")
    elif write.outcome is Outcome.REFUSED and found:
        yield _finding(Anomaly.REFUSED_BUT_WRITTEN, write, f"it was read at {_list(found)}")


def _duplicated(places: Places, write: Write, epochs: Mapping[int, ProducerEpoch]) -> Iterator[Finding]:
    """An idempotent producer's record is there once; or once for each epoch, where files tell the epochs."""
    found = places.offsets.get(write.value, set())
    if not write.idempotent or len(found) < 2:
        return
    known = {epochs.get(offset) for partition, offset in found if partition == write.partition}
    if None in known or len(known) < len(found):
        yield _finding(Anomaly.DUPLICATE, write, f"it was read at {_list(found)}")


def _must_be_there(history: History, places: Places, write: Write) -> bool:
    """Whether somebody would have seen it: the final reading, or a consumer that came further."""
    final = history.final.get(write.partition)
    if final is not None:
        return write.offset < 0 or write.offset >= final.start_offset
    return 0 <= write.offset < places.furthest.get(write.partition, -1)


def _never_written(places: Places, writes: dict[str, Write]) -> Iterator[Finding]:
    for (partition, offset), values in places.values.items():
        for value, observer in values.items():
            write = writes.get(value)
            if write is None or write.partition != partition:
                yield Finding(Anomaly.NEVER_WRITTEN, partition, f"{observer} had {value!r} at {offset}")


def _two_values(places: Places) -> Iterator[Finding]:
    for (partition, offset), values in places.values.items():
        if len(values) > 1:
            said = ", ".join(f"{observer} had {value!r}" for value, observer in values.items())
            yield Finding(Anomaly.TWO_VALUES, partition, f"at {offset} {said}")


def _reordered(places: Places, writes: dict[str, Write]) -> Iterator[Finding]:
    """An idempotent producer's records lie in the order of sending; each is judged by its first place."""
    sent: defaultdict[tuple[str, Partition], list[Write]] = defaultdict(list)
    for write in writes.values():
        if write.idempotent:
            sent[write.process, write.partition].append(write)
    for (_, partition), ordered in sent.items():
        last, last_offset = None, -1
        for write in sorted(ordered, key=lambda write: write.number):
            found = [offset for where, offset in places.offsets.get(write.value, ()) if where == partition]
            if not found:
                continue
            if last is not None and min(found) < last_offset:
                behind = f"{last.value!r}, which it sent earlier, is at {last_offset}"
                yield _finding(Anomaly.REORDERED_WRITES, write, f"it is at {min(found)}, and {behind}")
            last, last_offset = write, min(found)


def _finding(anomaly: Anomaly, write: Write, detail: str) -> Finding:
    said = f"{write.outcome.value} at {write.ended_s:.3f}"
    if write.offset >= 0:
        said += f", offset {write.offset}"
    record = f"{write.value!r} of {write.process} ({said})"
    return Finding(anomaly, write.partition, f"{record}: {detail}")


def _list(places: set[tuple[Partition, int]]) -> str:
    return ", ".join(f"{partition} {offset}" for partition, offset in sorted(places))
