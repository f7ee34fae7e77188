"""Part "restart": a broker with many partitions and gigabytes in them, stopped in order, and killed."""

from __future__ import annotations

import time
from dataclasses import replace

from compat.bench.brokers import Contestant, address, page_cache_written
from compat.bench.figures import Measure, Scores
from compat.bench.plan import Plan
from compat.bench.produce_load import ProduceLoad, batch_of, produce
from compat.bench.topics import create_topic, serves_all
from compat.bench.turns import Stage, all_alive, rotated

TOPIC = "restarted"
TIMEOUT_S = 300


def restarts(stage: Stage) -> Scores:
    """Brokers that keep nothing are left out. While one restarts the others are idle."""
    scores = Scores()
    plan = stage.plan
    kept = replace(stage, kinds=[kind for kind in stage.kinds if kind.keeps_data])
    with all_alive(kept) as brokers:
        for broker in brokers:
            _fill(broker, plan)
            stage.tell(f"restart: {broker.name} has {plan.restart_bytes / 1e9:g} GB")
        page_cache_written()
        for number in range(1, plan.rounds + 1):
            for kill, how in ((False, "in order"), (True, "after kill -9")):
                for broker in rotated(brokers, number):
                    measure = Measure(_name(plan), f"process begin to all partitions serve, {how}", "s")
                    scores.add(measure, broker.name, _restart(broker, plan, kill=kill))
                    stage.tell(
                        f"restart {number}/{plan.rounds} {how}: {broker.name} {broker.ready_seconds:.1f} s"
                    )
    return scores


def _name(plan: Plan) -> str:
    return f"restart with {plan.restart_partitions:,} partitions and {plan.restart_bytes / 1e9:g} GB"


def _fill(broker: Contestant, plan: Plan) -> None:
    create_topic(broker.bootstrap, TOPIC, plan.restart_partitions)
    batch = batch_of(1000, 1_000_000)
    requests = max(plan.restart_partitions, plan.restart_bytes // batch.payload_bytes)
    load = ProduceLoad(batch, requests, in_flight=2, acks=1, partitions=plan.restart_partitions)
    produce(address(broker), TOPIC, load)


def _restart(broker: Contestant, plan: Plan, *, kill: bool) -> float:
    """Seconds from the new process's begin until every partition's leader answers."""
    broker.restart(kill=kill)
    began = time.perf_counter()
    while not serves_all(broker.bootstrap, [TOPIC], plan.restart_partitions):
        if time.perf_counter() - began > TIMEOUT_S:
            raise TimeoutError(f"{broker.name} does not serve all partitions again")
        time.sleep(0.005)
    return broker.ready_seconds + time.perf_counter() - began
