"""Part "growth": the same number of requests over more and more partitions, and from more connections."""

from __future__ import annotations

import time

from compat.bench.brokers import Contestant, address
from compat.bench.figures import Measure, Scores
from compat.bench.generator import Traffic
from compat.bench.process import measured
from compat.bench.produce_load import ProduceLoad, batch_of, produce
from compat.bench.topics import create_topic, delete_topic
from compat.bench.turns import Stage, warm_rounds

OVER_PARTITIONS = "produce one 200 B record a request, over partitions"
OVER_CONNECTIONS = "produce one 200 B record a request, from connections"


def growth(stage: Stage) -> Scores:
    """Throughput and processor time at 1, 10, 100 and 1,000 of each."""
    batch = batch_of(200, 200)
    requests = stage.plan.small_requests

    def one_round(broker: Contestant, scores: Scores) -> None:
        for count in stage.plan.growth if stage.wants("partitions") else ():
            load = ProduceLoad(batch, requests, in_flight=5, acks=1, partitions=count)
            _score(broker, scores, OVER_PARTITIONS, count, load)
        for count in stage.plan.growth if stage.wants("connections") else ():
            load = ProduceLoad(batch, max(requests, count), connections=count, acks=1)
            _score(broker, scores, OVER_CONNECTIONS, count, load)

    return warm_rounds(stage, "growth", one_round)


def _score(broker: Contestant, scores: Scores, name: str, at: int, load: ProduceLoad) -> None:
    topic = f"growth-{time.time_ns()}"
    create_topic(broker.bootstrap, topic, load.partitions)
    with measured(broker.pid) as cost:
        traffic: Traffic = produce(address(broker), topic, load)
    rate = traffic.requests / traffic.seconds
    scores.add(Measure(name, "throughput", "requests/s", more_is_better=True, at=at), broker.name, rate)
    million = cost.cpu_seconds / traffic.requests * 1e6
    scores.add(Measure(name, "CPU", "s/million requests", at=at), broker.name, million)
    delete_topic(broker.bootstrap, topic)
