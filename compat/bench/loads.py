"""Part "loads": raw produce and fetch loads of three batch sizes, on brokers that stay up and are warm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from statistics import median

from compat.bench.brokers import Contestant, address, page_cache_written
from compat.bench.fetch_load import fetch
from compat.bench.figures import Measure, Scores, percentile
from compat.bench.generator import Traffic
from compat.bench.plan import Plan
from compat.bench.process import MIB, measured
from compat.bench.produce_load import Batch, ProduceLoad, batch_of, produce
from compat.bench.topics import create_topic, delete_topic
from compat.bench.turns import Stage, warm_rounds

GB = 1_000_000_000
GENERATOR_BUSY = "generator busy"
"""Figure of how much of one core the load generator needed; near 1 it was the limit, and not the broker."""
IN_FLIGHT = (1, 5)
ACKS = {1: "acks 1", -1: "acks all"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of batch: its name in tables, its records, how many requests make a load of it."""

    name: str
    batch: Batch
    requests: int
    is_large: bool
    many_combinations: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """One load that has run: large ones count bytes, others count requests."""

    name: str
    is_large: bool
    payload_bytes: int
    traffic: Traffic
    cpu_seconds: float


def loads(stage: Stage) -> Scores:
    """Every shape, every number of connections and requests in flight, both acks; then reading it back."""
    shapes = [shape for shape in _shapes(stage.plan) if stage.wants(shape.name)]

    def one_round(broker: Contestant, scores: Scores) -> None:
        for shape in shapes:
            _one_shape(broker, shape, stage.plan.connections, scores)

    return warm_rounds(stage, "loads", one_round)


def produce_name(shape: str, connections: int, in_flight: int, acks: int) -> str:
    """How a produce load is called in tables."""
    return f"produce, {shape}, {_connections(connections)}, {in_flight} in flight, {ACKS[acks]}"


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{count} connections"


def _shapes(plan: Plan) -> Iterator[Shape]:
    large = batch_of(1000, 1_000_000)
    yield Shape("1 MB batches", large, _requests(plan.large_bytes, large), is_large=True)
    fine = batch_of(100, 1_000_000)
    requests = _requests(plan.large_bytes, fine)
    yield Shape("1 MB batches of 100 B records", fine, requests, is_large=True, many_combinations=False)
    medium = batch_of(1000, 16_000)
    yield Shape("16 kB batches", medium, _requests(plan.medium_bytes, medium), is_large=True)
    yield Shape("one 200 B record", batch_of(200, 200), plan.small_requests, is_large=False)


def _requests(total_bytes: int, batch: Batch) -> int:
    return max(1, total_bytes // batch.payload_bytes)


def _one_shape(broker: Contestant, shape: Shape, connections: int, scores: Scores) -> None:
    combinations = [(1, 5, -1)]
    if shape.many_combinations:
        combinations = list(product((1, connections), IN_FLIGHT, ACKS))
    for lanes, in_flight, acks in combinations:
        topic = f"load-{time.time_ns()}"
        create_topic(broker.bootstrap, topic)
        page_cache_written()
        load = ProduceLoad(shape.batch, shape.requests, lanes, in_flight, acks)
        with measured(broker.pid) as cost:
            traffic = produce(address(broker), topic, load)
        name = produce_name(shape.name, lanes, in_flight, acks)
        payload_bytes = traffic.requests * shape.batch.payload_bytes
        _score(scores, broker.name, Done(name, shape.is_large, payload_bytes, traffic, cost.cpu_seconds))
        if (lanes, in_flight, acks) == combinations[-1]:
            _read_back(broker, topic, shape, {combination[0] for combination in combinations}, scores)
        delete_topic(broker.bootstrap, topic)


def _read_back(broker: Contestant, topic: str, shape: Shape, connections: set[int], scores: Scores) -> None:
    for lanes in sorted(connections):
        batches = shape.requests // max(connections) * max(connections) // lanes
        what, max_bytes = ("1 MB at a time", 1 << 20) if shape.is_large else ("one batch at a time", 1)
        with measured(broker.pid) as cost:
            traffic = fetch(
                address(broker), topic, shape.batch, batches=batches, connections=lanes, max_bytes=max_bytes
            )
        name = f"fetch {what}, {shape.name}, {_connections(lanes)}"
        payload_bytes = batches * lanes * shape.batch.payload_bytes
        _score(scores, broker.name, Done(name, shape.is_large, payload_bytes, traffic, cost.cpu_seconds))


def _score(scores: Scores, broker: str, done: Done) -> None:
    traffic, name = done.traffic, done.name
    if done.is_large:
        rate = done.payload_bytes / traffic.seconds / MIB
        scores.add(Measure(name, "throughput", "MiB/s", more_is_better=True), broker, rate)
        scores.add(Measure(name, "CPU", "s/GB"), broker, done.cpu_seconds / (done.payload_bytes / GB))
    else:
        rate = traffic.requests / traffic.seconds
        scores.add(Measure(name, "throughput", "requests/s", more_is_better=True), broker, rate)
        million = done.cpu_seconds / traffic.requests * 1e6
        scores.add(Measure(name, "CPU", "s/million requests"), broker, million)
        trips_ms = [trip * 1000 for trip in traffic.round_trips]
        scores.add(Measure(name, "round trip p50", "ms"), broker, median(trips_ms))
        scores.add(Measure(name, "round trip p99", "ms"), broker, percentile(trips_ms, 990))
    scores.add(Measure(name, GENERATOR_BUSY, "of a core"), broker, traffic.generator_busy)
