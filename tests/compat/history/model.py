"""A correct Kafka in a few lines, and the histories that its clients would write down."""

from collections import defaultdict
from dataclasses import replace
from random import Random

from compat.history.history import FinalLog, History
from compat.history.operations import (
    NEVER,
    Commit,
    CommitRead,
    LatestOffset,
    Outcome,
    Partition,
    Poll,
    Reposition,
    Seen,
    Write,
)
from compat.history.replicas import ReplicaLog

PARTITIONS = (Partition("orders", 0), Partition("orders", 1))
PRODUCERS = ("producer-0", "producer-1")
CONSUMERS = ("consumer-0", "consumer-1")
GROUP = "readers"
MAX_RECORDS = 3


class Model:
    """Logs that only grow, clients that do one thing at a time, in an order of ``random``'s choice."""

    def __init__(self, random: Random) -> None:
        self.history = History()
        self._random = random
        self._now_s = 0.0
        self._logs: dict[Partition, list[str]] = {partition: [] for partition in PARTITIONS}
        self._numbers: defaultdict[str, int] = defaultdict(int)
        self._positions: dict[tuple[str, Partition], int] = {}
        self._committed: dict[Partition, int] = {}

    def run(self, steps: int) -> History:
        """A history of so many operations, with the final logs and three replicas of each."""
        actions = (self._write, self._write, self._poll, self._ask_latest, self._commit, self._read_commit)
        for _ in range(steps):
            self._random.choice(actions)()
        for consumer in CONSUMERS[:1]:
            self._reposition(consumer, to_start=True)
            while any(self._positions[consumer, each] < len(self._logs[each]) for each in PARTITIONS):
                self._take(consumer)
        self.history.drained_groups.add(GROUP)
        for partition, values in self._logs.items():
            records = tuple(Seen(partition, offset, value) for offset, value in enumerate(values))
            self.history.final[partition] = FinalLog(0, len(values), records)
            batches = {offset: value.encode() for offset, value in enumerate(values)}
            log = ReplicaLog(0, len(values), batches)
            behind = ReplicaLog(0, 0, {offset: batches[offset] for offset in range(len(values) // 2)})
            self.history.replicas[partition] = {1: log, 2: behind, 3: log}
        return self.history

    def _tick(self) -> float:
        self._now_s += self._random.choice((0.001, 0.5, 7))
        return self._now_s

    def _write(self) -> None:
        partition, process = self._random.choice(PARTITIONS), self._random.choice(PRODUCERS)
        self._numbers[process] += 1
        value = f"{process}:{self._numbers[process]}"
        write = Write(process, self._numbers[process], partition, value, self._tick())
        outcome = self._random.choice((Outcome.DONE, Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN))
        if outcome is Outcome.DONE:
            write = replace(write, ended_s=self._tick(), outcome=outcome, offset=len(self._logs[partition]))
        elif outcome is Outcome.REFUSED:
            write = replace(write, ended_s=self._tick(), outcome=outcome)
        if outcome is Outcome.DONE or (outcome is Outcome.UNKNOWN and self._random.random() < 0.5):
            self._logs[partition].append(value)
        self.history.add(write)

    def _poll(self) -> None:
        process = self._random.choice(CONSUMERS)
        if (process, PARTITIONS[0]) not in self._positions or self._random.random() < 0.1:
            self._reposition(process)
        self._take(process)

    def _take(self, process: str) -> None:
        started_s, records = self._tick(), []
        for partition in PARTITIONS:
            position = self._positions[process, partition]
            values = self._logs[partition][position : position + self._random.randint(0, MAX_RECORDS)]
            records += [Seen(partition, position + index, value) for index, value in enumerate(values)]
            self._positions[process, partition] = position + len(values)
        self.history.add(Poll(process, started_s, self._tick(), tuple(records), GROUP))

    def _reposition(self, process: str, *, to_start: bool = False) -> None:
        for partition in PARTITIONS:
            end = len(self._logs[partition])
            self._positions[process, partition] = 0 if to_start else self._random.randint(0, end)
        self.history.add(Reposition(process, self._tick(), frozenset(PARTITIONS)))

    def _ask_latest(self) -> None:
        partition, process = self._random.choice(PARTITIONS), self._random.choice(CONSUMERS)
        offset, started_s = len(self._logs[partition]), self._tick()
        self.history.add(LatestOffset(process, partition, offset, started_s, self._tick()))

    def _commit(self) -> None:
        partition, process = self._random.choice(PARTITIONS), self._random.choice(CONSUMERS)
        offset = self._random.randint(0, len(self._logs[partition]))
        commit = Commit(process, GROUP, partition, offset, self._tick())
        if self._random.random() < 0.8:
            commit = replace(commit, ended_s=self._tick(), outcome=Outcome.DONE)
            self._committed[partition] = offset
        elif self._random.random() < 0.5:
            self._committed[partition] = offset
        else:
            commit = replace(commit, ended_s=NEVER)
        self.history.add(commit)

    def _read_commit(self) -> None:
        partition, process = self._random.choice(PARTITIONS), self._random.choice(CONSUMERS)
        offset, started_s = self._committed.get(partition, -1), self._tick()
        self.history.add(CommitRead(process, GROUP, partition, offset, started_s, self._tick()))
