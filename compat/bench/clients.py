"""Part "clients": what users run. Java's own performance tools of 3.9.2, and confluent-kafka."""

from __future__ import annotations

import re
import subprocess
import time

from confluent_kafka import Consumer, Producer

from compat.bench.brokers import Contestant, page_cache_written
from compat.bench.figures import Measure, Scores
from compat.bench.loads import GB
from compat.bench.process import MIB, measured
from compat.bench.topics import create_topic, delete_topic
from compat.bench.turns import Stage, warm_rounds
from compat.oracle.java import Jvm, LogTo, java_command
from compat.oracle.tools import tool_class

RELEASE = "3.9.2"
RECORD_BYTES = 100
TIMEOUT_S = 300
_MEGABYTES_PER_SECOND = re.compile(r"\(([\d.]+) MB/sec\)")


def clients(stage: Stage) -> Scores:
    """Each tool with its own defaults but for acks=all; every record is written and read once."""
    records = stage.plan.client_records

    def one_round(broker: Contestant, scores: Scores) -> None:
        for client, write, read in (
            ("Java", java_produces, java_consumes),
            ("confluent-kafka", confluent_produces, confluent_consumes),
        ):
            topic = f"client-{time.time_ns()}"
            create_topic(broker.bootstrap, topic)
            page_cache_written()
            for what, work in ((f"{client} producer", write), (f"{client} consumer", read)):
                name = f"{what}, {RECORD_BYTES} B records"
                with measured(broker.pid) as cost:
                    rate = work(broker.bootstrap, topic, records)
                scores.add(Measure(name, "throughput", "MiB/s", more_is_better=True), broker.name, rate)
                spent = cost.cpu_seconds / (records * RECORD_BYTES / GB)
                scores.add(Measure(name, "CPU", "s/GB"), broker.name, spent)
            delete_topic(broker.bootstrap, topic)

    return warm_rounds(stage, "clients", one_round)


def java_produces(bootstrap: str, topic: str, records: int) -> float:
    """MiB/s as ProducerPerformance says at its end."""
    arguments = ["--topic", topic, "--num-records", str(records), "--record-size", str(RECORD_BYTES)]
    arguments += ["--throughput", "-1", "--producer-props", f"bootstrap.servers={bootstrap}", "acks=all"]
    output = _tool("ProducerPerformance", arguments)
    return float(_MEGABYTES_PER_SECOND.findall(output)[-1])


def java_consumes(bootstrap: str, topic: str, records: int) -> float:
    """MiB/s while it fetched, without the time to join the group: the last but one column of its line."""
    arguments = ["--topic", topic, "--messages", str(records), "--bootstrap-server", bootstrap]
    output = _tool("ConsumerPerformance", [*arguments, "--hide-header", "--timeout", "60000"])
    row = [column.strip() for column in output.strip().splitlines()[-1].split(",")]
    return float(row[8])


def confluent_produces(bootstrap: str, topic: str, records: int) -> float:
    """MiB/s from the first call to the end of the flush."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    value = bytes(RECORD_BYTES)
    began = time.perf_counter()
    for number in range(records):
        while True:
            try:
                producer.produce(topic, value)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 10_000 == 0:
            producer.poll(0)
    left = producer.flush(TIMEOUT_S)
    if left:
        raise RuntimeError(f"{left} records were not delivered")
    return records * RECORD_BYTES / (time.perf_counter() - began) / MIB


def confluent_consumes(bootstrap: str, topic: str, records: int) -> float:
    """MiB/s from the first record to the last."""
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": f"{topic}-readers",
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    found, began = 0, 0.0
    deadline = time.monotonic() + TIMEOUT_S
    try:
        while found < records and time.monotonic() < deadline:
            messages = consumer.consume(10_000, timeout=1)
            began = began or (time.perf_counter() if messages else 0.0)
            found += sum(1 for message in messages if not message.error())
    finally:
        consumer.close()
    if found < records:
        raise TimeoutError(f"{found} of {records} records came")
    return records * RECORD_BYTES / (time.perf_counter() - began) / MIB


def _tool(name: str, arguments: list[str]) -> str:
    command = java_command(
        RELEASE, tool_class(RELEASE, name), *arguments, jvm=Jvm.KAFKA_TOOL, log_to=LogTo.ERRORS
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
