"""Part "latency": from when a record is due until a consumer that waits for it has it, 1,000 a second.

One thread produces by the clock on one connection and reads with a long poll on another. A record that is
sent late counts from when it was due, so that a stall of the broker is not forgiven (coordinated omission).
"""

from __future__ import annotations

import select
import time

from compat.bench.brokers import Contestant, address
from compat.bench.connection import Connection
from compat.bench.fetch_load import FetchLane
from compat.bench.figures import Measure, Scores, percentile
from compat.bench.produce_load import batch_of, check_produced, produce_message
from compat.bench.topics import create_topic, delete_topic
from compat.bench.turns import Stage, warm_rounds

RECORDS_PER_SECOND = 1000
NAME = "end to end, 1,000 records/s of 200 B, acks all"
SILENCE_S = 60


def latency(stage: Stage) -> Scores:
    """p50, p99 and p99.9 of each round."""

    def one_round(broker: Contestant, scores: Scores) -> None:
        topic = f"latency-{time.time_ns()}"
        create_topic(broker.bootstrap, topic)
        found = delays(address(broker), topic, stage.plan.latency_seconds * RECORDS_PER_SECOND)
        for figure, permille in (("p50", 500), ("p99", 990), ("p99.9", 999)):
            scores.add(Measure(NAME, figure, "ms"), broker.name, percentile(found, permille) * 1000)
        delete_topic(broker.bootstrap, topic)

    return warm_rounds(stage, "latency", one_round)


def delays(address: tuple[str, int], topic: str, records: int) -> list[float]:
    """Seconds from due to received, of each record in order."""
    batch = batch_of(200, 200)
    message = produce_message(topic, batch)
    lane = FetchLane(topic, batch, batches=records)
    producer, consumer = Connection(address), Connection(address)
    found: list[float] = []
    sent = 0
    try:
        began = time.perf_counter()
        _ask(consumer, lane)
        while len(found) < records:
            now = time.perf_counter()
            while sent < records and began + sent / RECORDS_PER_SECOND <= now:
                producer.post(message)
                sent += 1
            due = began + sent / RECORDS_PER_SECOND - time.perf_counter() if sent < records else SILENCE_S
            ready, _, _ = select.select([producer, consumer], [], [], max(0, due))
            if not ready and sent == records:
                raise TimeoutError(f"{records - len(found)} records did not come")
            if consumer in ready:
                found += _received(consumer, lane, began)
            if producer in ready:
                _acknowledged(producer)
            producer.send_more()
    finally:
        producer.close()
        consumer.close()
    return found


def _ask(consumer: Connection, lane: FetchLane) -> None:
    request = lane.next_request()
    if request is not None:
        consumer.post(request)


def _received(consumer: Connection, lane: FetchLane, began: float) -> list[float]:
    consumer.receive()
    answer = consumer.next_answer()
    if answer is None:
        return []
    now, first = time.perf_counter(), lane.offset
    lane.answered(answer)
    consumer.drop(answer)
    _ask(consumer, lane)
    return [now - (began + offset / RECORDS_PER_SECOND) for offset in range(first, lane.offset)]


def _acknowledged(producer: Connection) -> None:
    producer.receive()
    while (answer := producer.next_answer()) is not None:
        check_produced(answer)
        producer.drop(answer)
