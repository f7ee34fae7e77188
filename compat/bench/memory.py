"""Part "memory": idle, with many connections, after a gigabyte, with many topics; and how long these take."""

from __future__ import annotations

import time
from contextlib import ExitStack

from compat.bench.brokers import Contestant, address
from compat.bench.fetch_load import fetch
from compat.bench.figures import Measure, Scores
from compat.bench.plan import Plan
from compat.bench.process import resident_mib
from compat.bench.produce_load import ProduceLoad, batch_of, produce
from compat.bench.topics import create_topic, create_topics, serves_all
from compat.bench.turns import Stage, fresh_rounds
from compat.wire import Wire
from odradek.protocol.generated.api_versions_request import ApiVersionsRequest

SETTLE_S = 3
"""What a broker does after its first answer belongs to being idle."""
TOPICS_A_REQUEST = 50
TIMEOUT_S = 300


def memory(stage: Stage) -> Scores:
    """A fresh broker for each round; its memory never shrinks in between, so the order is fixed."""

    def one_broker(broker: Contestant, scores: Scores) -> None:
        time.sleep(SETTLE_S)
        scores.add(Measure("memory", "idle", "MiB"), broker.name, resident_mib(broker.pid))
        plan = stage.plan
        with ExitStack() as stack:
            for _ in range(plan.idle_connections):
                wire = stack.enter_context(Wire(broker.bootstrap))
                wire.send(ApiVersionsRequest(), version=0)
            measure = Measure("memory", f"with {plan.idle_connections:,} connections", "MiB")
            scores.add(measure, broker.name, resident_mib(broker.pid))
        _move_bytes(broker, plan)
        measure = Measure("memory", f"after {plan.moved_bytes >> 20:,} MiB in and out", "MiB")
        scores.add(measure, broker.name, resident_mib(broker.pid))
        seconds = _make_topics(broker, plan)
        scores.add(
            Measure("topics", f"create {plan.topics:,}, one partition each", "s"), broker.name, seconds
        )
        time.sleep(SETTLE_S)
        measure = Measure("memory", f"with {plan.topics:,} topics", "MiB")
        scores.add(measure, broker.name, resident_mib(broker.pid))

    return fresh_rounds(stage, "memory", one_broker, warm_up=False)


def _move_bytes(broker: Contestant, plan: Plan) -> None:
    """Produce and fetch in batches of 1 MB, and give the broker a moment to let its buffers go."""
    batch = batch_of(1000, 1_000_000)
    batches = max(1, plan.moved_bytes // len(batch.raw))
    create_topic(broker.bootstrap, "moved")
    produce(address(broker), "moved", ProduceLoad(batch, batches, in_flight=5))
    fetch(address(broker), "moved", batch, batches=batches)
    time.sleep(SETTLE_S)


def _make_topics(broker: Contestant, plan: Plan) -> float:
    """Seconds until every topic's leader answers."""
    names = [f"many-{number}" for number in range(plan.topics)]
    began = time.perf_counter()
    with Wire(broker.bootstrap, timeout_s=TIMEOUT_S) as wire:
        for start in range(0, len(names), TOPICS_A_REQUEST):
            create_topics(wire, names[start : start + TOPICS_A_REQUEST])
    while not serves_all(broker.bootstrap, names, 1):
        if time.perf_counter() - began > TIMEOUT_S:
            raise TimeoutError(f"{broker.name} does not serve its {plan.topics} topics")
        time.sleep(0.01)
    return time.perf_counter() - began
