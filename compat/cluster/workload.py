"""Concurrent clients of a cluster that write down what they see: producers, consumers, a group, observers.

    with Workload(cluster.bootstrap, partitions) as workload:
        cluster.nodes[1].kill()
    assert check(workload.history) == []

Each client is a librdkafka of its own in a thread of its own. Leaving the block stops the producers, has the
group read to the end, and reads every log once more from its beginning.
"""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
)
from confluent_kafka import TopicPartition as Place

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

IMPATIENT: Final[dict[str, Any]] = {
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 200,
    "retry.backoff.ms": 50,
    "retry.backoff.max.ms": 200,
    "topic.metadata.refresh.fast.interval.ms": 100,
    "topic.metadata.refresh.interval.ms": 5000,
    "coordinator.query.interval.ms": 1000,
    "log_level": 0,
}
"""What a librdkafka client needs to find the next leader soon; its defaults wait up to 10 s."""

_PAUSE_S: Final = 0.01
_ANSWER_S: Final = 5
_POLL_S: Final = 0.2
_BATCH: Final = 500
_END_S: Final = 180
"""For a slow machine: what is waited for takes seconds."""


class Unfinished(Exception):
    """Clients did not come to an end after the last fault was healed; the message says which."""


class Workload:
    """Two producers, a consumer, a group of two, an observer of offsets; all inside ``with``."""

    def __init__(self, bootstrap: str, partitions: Sequence[Partition], *, group: str = "readers") -> None:
        """``partitions`` exist already and are of no interest to anyone else; so does ``group``."""
        self.history = History()
        self.unexpected: list[str] = []
        """Errors that a client must never be told, such as an offset that is out of range."""
        self.failures: list[str] = []
        """Writes that were given up, and why; that a broker stops, or moves away, is no reason."""
        self.bootstrap = bootstrap
        """For clients that are still to be made; the cluster may have changed since."""
        self._partitions = tuple(partitions)
        self._group = group
        self._acknowledged: list[tuple[float, Partition]] = []
        self._delivered: set[tuple[Partition, int]] = set()
        self._no_more_writes = threading.Event()
        self._stopped = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._producers: list[str] = []

    def __enter__(self) -> Self:
        self._start_producer("idempotent", idempotent=True)
        self._start_producer("plain", idempotent=False)
        self._start("consumer", partial(self._consume, "consumer"))
        for member in ("member-0", "member-1"):
            self._start(member, partial(self._consume_in_group, member))
        self._start("observer", self._observe)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._no_more_writes.set()
        try:
            if error is None:
                self._end()
        finally:
            self._stopped.set()
            for thread in self._threads.values():
                thread.join(_END_S)

    @property
    def acknowledged(self) -> int:
        """How many writes were acknowledged so far."""
        return len(self._acknowledged)

    def longest_silence_s(self, since_s: float, until_s: float) -> dict[Partition, float]:
        """For each partition, the longest time between two acknowledgements within a span."""
        moments: defaultdict[Partition, list[float]] = defaultdict(list)
        for at_s, partition in list(self._acknowledged):
            if since_s <= at_s <= until_s:
                moments[partition].append(at_s)
        silences = {}
        for partition in self._partitions:
            marks = [since_s, *moments[partition], until_s]
            silences[partition] = max(later - earlier for earlier, later in pairwise(marks))
        return silences

    def _start(self, name: str, run: Callable[[], None]) -> None:
        self._threads[name] = threading.Thread(target=run, name=name, daemon=True)
        self._threads[name].start()

    def _start_producer(self, name: str, *, idempotent: bool) -> None:
        self._producers.append(name)
        self._start(name, partial(self._produce, name, idempotent=idempotent))

    def _end(self) -> None:
        for name in self._producers:
            self._join(name)
        self._read_all()
        expected = {
            (partition, seen.offset) for partition, log in self.history.final.items() for seen in log.records
        }
        deadline = time.monotonic() + _END_S
        while not expected <= self._delivered:
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_S)
        self.history.drained_groups.add(self._group)

    def _join(self, name: str) -> None:
        self._threads[name].join(_END_S)
        if self._threads[name].is_alive():
            raise Unfinished(name)

    # The clients.

    def _produce(self, process: str, *, idempotent: bool) -> None:
        settings = {"enable.idempotence": idempotent, "acks": "all", "linger.ms": 0}
        if not idempotent:
            settings["max.in.flight.requests.per.connection"] = 1
        producer = Producer({**self._settings, **settings, "message.timeout.ms": _END_S * 1000})
        try:
            self._write_until_told(producer, process, idempotent=idempotent)
            producer.flush(_END_S)
        except KafkaException as fatal:
            # Its sequence is broken: it may write no more.
            self.unexpected.append(f"{process}: {fatal}")

    def _write_until_told(self, producer: Producer, process: str, *, idempotent: bool) -> None:
        number = 0
        while not self._no_more_writes.is_set():
            partition = self._partitions[number % len(self._partitions)]
            write = Write(
                process, number, partition, f"{process}:{number}", time.monotonic(), idempotent=idempotent
            )
            # With too many on their way some must arrive first.
            with contextlib.suppress(BufferError):
                producer.produce(
                    partition.topic,
                    write.value,
                    partition=partition.index,
                    on_delivery=partial(self._written, write),
                )
                number += 1
            producer.poll(_PAUSE_S)

    def _written(self, write: Write, error: KafkaError | None, message: Message) -> None:
        now = time.monotonic()
        outcome, offset, ended_s = Outcome.UNKNOWN, -1, NEVER
        if error is None:
            outcome, ended_s = Outcome.DONE, now
            told = message.offset()
            # A duplicate was acknowledged without one.
            offset = -1 if told is None else told
            self._acknowledged.append((now, write.partition))
        else:
            age_s = now - write.started_s
            self.failures.append(f"{write.value} to {write.partition} after {age_s:.1f} s: {error}")
        self.history.add(
            Write(
                write.process,
                write.number,
                write.partition,
                write.value,
                write.started_s,
                ended_s,
                outcome,
                offset,
                write.idempotent,
            )
        )

    def _consume(self, process: str) -> None:
        consumer = self._consumer(f"{self._group}-{process}")
        consumer.assign([Place(each.topic, each.index, OFFSET_BEGINNING) for each in self._partitions])
        while not self._stopped.is_set():
            self._take(consumer, process, None)
        consumer.close()

    def _consume_in_group(self, process: str) -> None:
        consumer = self._consumer(self._group, **{"auto.offset.reset": "earliest"})

        def assigned(_: Consumer, places: list[Place]) -> None:
            moved = frozenset(Partition(place.topic, place.partition) for place in places)
            self.history.add(Reposition(process, time.monotonic(), moved))

        consumer.subscribe(sorted({each.topic for each in self._partitions}), on_assign=assigned)
        while not self._stopped.is_set():
            taken = self._take(consumer, process, self._group)
            if taken:
                self._commit(consumer, process, taken)
        consumer.close()

    def _take(self, consumer: Consumer, process: str, group: str | None) -> dict[Partition, int]:
        """Give a consumer what there is; partition → where it goes on."""
        started_s = time.monotonic()
        records = []
        for message in consumer.consume(_BATCH, _POLL_S):
            error = message.error()
            if error is not None:
                self._judge(process, error)
                continue
            records.append(_seen(message))
        if records:
            self.history.add(Poll(process, started_s, time.monotonic(), tuple(records), group))
        if group is not None:
            self._delivered.update((seen.partition, seen.offset) for seen in records)
        return {seen.partition: seen.offset + 1 for seen in records}

    def _commit(self, consumer: Consumer, process: str, positions: dict[Partition, int]) -> None:
        started_s = time.monotonic()
        outcome = Outcome.DONE
        places = [Place(each.topic, each.index, offset) for each, offset in positions.items()]
        try:
            committed = consumer.commit(offsets=places, asynchronous=False) or []
            if any(place.error is not None for place in committed):
                outcome = Outcome.UNKNOWN
        except KafkaException:
            outcome = Outcome.UNKNOWN
        ended_s = time.monotonic() if outcome is Outcome.DONE else NEVER
        for partition, offset in positions.items():
            commit = Commit(process, self._group, partition, offset, started_s, ended_s, outcome)
            self.history.add(commit)

    def _observe(self) -> None:
        """Ask again and again where partitions end and where the group is."""
        consumer = self._consumer(self._group)
        while not self._stopped.is_set():
            for partition in self._partitions:
                place = Place(partition.topic, partition.index)
                started_s = time.monotonic()
                try:
                    _, latest = consumer.get_watermark_offsets(place, _ANSWER_S)
                    answer = LatestOffset("observer", partition, latest, started_s, time.monotonic())
                    self.history.add(answer)
                    started_s = time.monotonic()
                    (committed,) = consumer.committed([place], _ANSWER_S)
                except KafkaException:
                    continue
                if committed.error is None:
                    offset = max(committed.offset, -1)
                    read = CommitRead("observer", self._group, partition, offset, started_s, time.monotonic())
                    self.history.add(read)
            self._stopped.wait(_POLL_S)
        consumer.close()

    def _read_all(self) -> None:
        """Every log from its beginning to its end."""
        consumer = self._consumer(f"{self._group}-final")
        for partition in self._partitions:
            place = Place(partition.topic, partition.index)
            ask = partial(consumer.get_watermark_offsets, place, _ANSWER_S)
            start, end = self._until_answered(ask)
            consumer.assign([Place(partition.topic, partition.index, start)])
            records: list[Seen] = []
            position = start
            deadline = time.monotonic() + _END_S
            while position < end:
                if time.monotonic() > deadline:
                    raise Unfinished(f"the final reading of {partition} at {position} of {end}")
                for message in consumer.consume(_BATCH, _POLL_S):
                    if (error := message.error()) is not None:
                        self._judge("the final reading", error)
                        continue
                    records.append(_seen(message))
                    position = records[-1].offset + 1
            self.history.final[partition] = FinalLog(start, end, tuple(records))
        consumer.close()

    def _until_answered(self, ask: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + _END_S
        while True:
            try:
                return ask()
            except KafkaException as refused:
                if time.monotonic() > deadline:
                    raise Unfinished(str(refused)) from refused

    def _consumer(self, group: str, **settings: Any) -> Consumer:
        return Consumer(
            {
                **self._settings,
                "group.id": group,
                "auto.offset.reset": "error",
                "enable.auto.commit": False,
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 500,
                **settings,
            }
        )

    def _judge(self, process: str, error: KafkaError) -> None:
        """Consumers are told of lost connections and moved leaders; that is no news."""
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            self.unexpected.append(f"{process}: {error}")

    @property
    def _settings(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.bootstrap, **IMPATIENT}


def _seen(message: Message) -> Seen:
    """A record that came without an error."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Seen(Partition(topic, partition), offset, (message.value() or b"").decode())
