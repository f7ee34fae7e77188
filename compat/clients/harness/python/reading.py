"""Topics made, filled and read back: what feats are made of."""

import time
from collections.abc import Callable, Mapping

from compat.clients.harness.python.program import Run
from compat.clients.harness.python.surface import Consumer, Record


def equal(expected: object, found: object) -> None:
    if expected != found:
        raise AssertionError(f"expected {str(expected)[:200]}, found {str(found)[:200]}")


def wait_until(holds: Callable[[], bool]) -> None:
    """Poll for what others bring about; the feat's deadline bounds it."""
    while not holds():
        time.sleep(0.02)


def topic(
    run: Run, partitions: int = 1, *, part: str = "topic", configs: Mapping[str, str] | None = None
) -> str:
    """A new topic, known to the broker with every partition."""
    name = run.name(part)
    admin = run.client.admin(run.bootstrap)
    admin.create_topic(name, partitions, configs or {})
    wait_until(lambda: admin.partitions(name) == partitions)
    admin.close()
    return name


def produced(run: Run, count: int) -> str:
    """A new topic with `value 0`, `value 1`, … in its one partition."""
    name = topic(run)
    run.client.produce(run.bootstrap, name, [Record(b"value %d" % number) for number in range(count)])
    return name


def poll(consumer: Consumer, count: int) -> list[Record]:
    """Exactly `count` records."""
    records: list[Record] = []
    while len(records) < count:
        records += consumer.poll(count - len(records))
    equal(count, len(records))
    return records


def read(run: Run, name: str, count: int, *, partitions: int = 1) -> list[Record]:
    """Everything in a topic, which must be exactly `count` records."""
    consumer = run.client.consumer(run.bootstrap)
    consumer.assign(name, dict.fromkeys(range(partitions), 0))
    records = poll(consumer, count)
    equal([], list(consumer.poll(1)))
    consumer.close()
    return records
