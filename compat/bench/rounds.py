"""The rounds: every load on one broker, then on the other, again and again, with both alive and warm."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from statistics import median

from compat.bench import brokers
from compat.bench.figures import Measure, Results, percentile
from compat.bench.load import Figures, ProduceLoad, fetch, produce
from compat.bench.process import measured, resident_bytes
from compat.bench.topics import create_topic, delete_topic

GB = 1_000_000_000
WARM_UP_BYTES = 400 << 20
WARM_UP_REQUESTS = 20_000
"""Enough for the JVM to compile its hot path; both brokers get the same."""

BATCH_BYTES = 1_000_000
RECORD_SIZES = (1000, 100)

READY = Measure("process start to first answer", "s")
IDLE_MEMORY = Measure("memory idle", "MiB")
USED_MEMORY = Measure("memory after the loads", "MiB")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is run: counted rounds and starts, and the payload of each large-batch load."""

    rounds: int
    starts: int
    large_bytes: int
    small_requests: int
    release: str


def run(plan: Plan, results: Results, progress: Callable[[str], None]) -> None:
    """Fill `results`: first the starts, then the loads of every round on two brokers that stay up."""

    def ours() -> AbstractContextManager[brokers.Running]:
        return brokers.odradek()

    def theirs() -> AbstractContextManager[brokers.Running]:
        return brokers.real_kafka(plan.release)

    for start in range(plan.starts + 1):
        for begin in (ours, theirs):
            with begin() as broker:
                progress(f"start {start}/{plan.starts}: {broker.name} {broker.ready_seconds:.3f} s")
                if start:
                    results.add(READY, broker.name, broker.ready_seconds)
                    results.add(IDLE_MEMORY, broker.name, resident_bytes(broker.pid) / (1 << 20))
    with ours() as one, theirs() as other:
        for broker in (one, other):
            progress(f"warm-up: {broker.name}")
            _loads(
                broker, replace(plan, large_bytes=WARM_UP_BYTES, small_requests=WARM_UP_REQUESTS), Results()
            )
        for number in range(1, plan.rounds + 1):
            for broker in (one, other) if number % 2 else (other, one):
                began = time.perf_counter()
                _loads(broker, plan, results)
                progress(f"round {number}/{plan.rounds}: {broker.name} {time.perf_counter() - began:.1f} s")
        for broker in (one, other):
            results.add(USED_MEMORY, broker.name, resident_bytes(broker.pid) / (1 << 20))


def _loads(broker: brokers.Running, plan: Plan, results: Results) -> None:
    for record_bytes in RECORD_SIZES:
        _large(broker, plan, results, record_bytes)
    for in_flight in (1, 5):
        _small(broker, plan, results, in_flight)


def _large(broker: brokers.Running, plan: Plan, results: Results, record_bytes: int) -> None:
    topic = f"large-{record_bytes}-{time.time_ns()}"
    create_topic(broker.address, topic)
    brokers.page_cache_written()
    load = ProduceLoad(
        record_bytes=record_bytes, batch_bytes=BATCH_BYTES, total_bytes=plan.large_bytes, in_flight=5
    )
    with measured(broker.pid) as cost:
        produced = produce(broker.address, topic, load)
    _throughput(
        results, broker.name, f"produce {record_bytes} B records in 1 MB batches", produced, cost.cpu_seconds
    )
    with measured(broker.pid) as cost:
        fetched = fetch(broker.address, topic, total_bytes=produced.payload_bytes)
    _throughput(
        results, broker.name, f"fetch {record_bytes} B records, 1 MB a request", fetched, cost.cpu_seconds
    )
    delete_topic(broker.address, topic)


def _throughput(results: Results, name: str, what: str, figures: Figures, cpu_seconds: float) -> None:
    rate = figures.records / figures.seconds / 1000
    results.add(Measure(what, "thousand records/s", more_is_better=True), name, rate)
    results.add(Measure(what, "CPU s/GB"), name, cpu_seconds / (figures.payload_bytes / GB))


def _small(broker: brokers.Running, plan: Plan, results: Results, in_flight: int) -> None:
    topic = f"small-{time.time_ns()}"
    create_topic(broker.address, topic)
    brokers.page_cache_written()
    load = ProduceLoad(
        record_bytes=200, batch_bytes=200, total_bytes=200 * plan.small_requests, in_flight=in_flight
    )
    with measured(broker.pid) as cost:
        figures = produce(broker.address, topic, load)
    what = f"produce one 200 B record a request, {in_flight} in flight"
    trips_ms = [trip * 1000 for trip in figures.round_trips]
    results.add(
        Measure(what, "requests/s", more_is_better=True), broker.name, figures.requests / figures.seconds
    )
    results.add(Measure(what, "p50 ms"), broker.name, median(trips_ms))
    results.add(Measure(what, "p99 ms"), broker.name, percentile(trips_ms, 99))
    results.add(
        Measure(what, "CPU s/million requests"), broker.name, cost.cpu_seconds / figures.requests * 1e6
    )
    delete_topic(broker.address, topic)
