"""A group member, run as a process: writes what it is given, stops when the group has seen it all.

    python -m tests.integration.group_member BOOTSTRAP TOPIC GROUP OUT EXPECTED

Offsets are committed only after the records were written out, so that what is committed is also on disk.
The end is reached when the group's committed offsets reach the ends of all partitions and those add up to
EXPECTED or more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

POLL_MS = 500


def consume(bootstrap: str, topic: str, group: str, out: Path, expected: int) -> None:
    """Join, read, write, commit, until the whole topic is committed by the group."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=20_000,
        fetch_max_bytes=8 << 20,
        max_partition_fetch_bytes=4 << 20,
        request_timeout_ms=30_000,
        reconnect_backoff_max_ms=500,
    )
    # One that leads a group before it knows its topic assigns nothing, and leaves it at that (3.0.12).
    while not consumer.partitions_for_topic(topic):
        continue
    with out.open("wb") as sink:
        while True:
            try:
                if _take(consumer, sink):
                    consumer.commit()
                elif _group_is_done(consumer, topic, expected):
                    break
            except KafkaError as failure:
                # kafka-python raises from any call while the broker is down; what it was to give comes again.
                print(f"member goes on after {failure!r}", file=sys.stderr)
    consumer.close()


def _take(consumer: KafkaConsumer, sink: BinaryIO) -> bool:
    """Write what one poll gives; False when it gave nothing."""
    batches = consumer.poll(timeout_ms=POLL_MS)
    for place, records in batches.items():
        sink.writelines(b"%d\t%d\t%s\t%s\n" % (place.partition, r.offset, r.key, r.value) for r in records)
    sink.flush()
    return bool(batches)


def _group_is_done(consumer: KafkaConsumer, topic: str, expected: int) -> bool:
    places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    ends = consumer.end_offsets(places)
    if sum(ends.values()) < expected:
        return False
    return all((consumer.committed(place) or 0) >= end for place, end in ends.items())


if __name__ == "__main__":
    consume(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]))
