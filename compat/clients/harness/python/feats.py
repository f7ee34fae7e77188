"""The feats as any Python client does them, over `surface`."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from compat.clients.harness.python import groups
from compat.clients.harness.python.program import Run
from compat.clients.harness.python.reading import equal, poll, produced, read, topic, wait_until
from compat.clients.harness.python.surface import Consumer, Record, Refused


def refused(code: str, action: Callable[[], object]) -> None:
    try:
        action()
    except Refused as answer:
        equal(code, answer.code)
    else:
        raise AssertionError(f"it must be refused with {code}")


def produce_and_consume(
    run: Run, *, acks: str = "all", codec: str = "none", idempotent: bool = False
) -> None:
    name = topic(run)
    records = [Record(b"value %d" % number) for number in range(200)]
    answers = run.client.produce(run.bootstrap, name, records, acks=acks, codec=codec, idempotent=idempotent)
    if acks != "0":
        equal([(0, number) for number in range(200)], list(answers))
    found = read(run, name, 200)
    equal([record.value for record in records], [record.value for record in found])
    equal(list(range(200)), [record.offset for record in found])


def keys(run: Run) -> None:
    name = topic(run, 5)
    records = [Record(b"%d" % number, b"key %d" % (number % 20)) for number in range(100)]
    answers = run.client.produce(run.bootstrap, name, records)
    placed: dict[bytes | None, int] = {}
    for record, (partition, _) in zip(records, answers, strict=True):
        equal(placed.setdefault(record.key, partition), partition)
    if len(set(placed.values())) < 3:
        raise AssertionError(f"20 keys are in partitions {placed}")
    last: dict[bytes | None, int] = {}
    for record in read(run, name, 100, partitions=5):
        equal(placed[record.key], record.partition)
        number = int(record.value or b"")
        equal(last.get(record.key, number - 20), number - 20)
        last[record.key] = number


def headers(run: Run) -> None:
    name = topic(run)
    sent = (("a", b"1"), ("a", b"2"), ("empty", b""), ("ключ", "значение".encode()))
    run.client.produce(run.bootstrap, name, [Record(b"v", headers=sent)])
    equal(sent, read(run, name, 1)[0].headers)


def timestamps(run: Run) -> None:
    name = topic(run)
    now = time.time_ns() // 1_000_000
    times = [now - 86_400_000, now, now - 5_000]
    run.client.produce(run.bootstrap, name, [Record(b"v", timestamp=each) for each in times])
    equal(times, [record.timestamp for record in read(run, name, 3)])
    appended = topic(run, part="appended", configs={"message.timestamp.type": "LogAppendTime"})
    run.client.produce(run.bootstrap, appended, [Record(b"v", timestamp=1)])
    found = read(run, appended, 1)[0].timestamp
    if found is None or not now <= found <= now + 60_000:
        raise AssertionError(f"appended at {found}, began at {now}")


def empty_and_null(run: Run) -> None:
    name = topic(run)
    sent = [Record(b"", b""), Record(None, b"k"), Record(b"v", None)]
    run.client.produce(run.bootstrap, name, sent)
    found = [(record.key, record.value) for record in read(run, name, 3)]
    equal([(record.key, record.value) for record in sent], found)


def one_megabyte(run: Run) -> None:
    name = topic(run)
    large = bytes((i * 31 + i // 251) % 256 for i in range(1_000_000))
    run.client.produce(run.bootstrap, name, [Record(large)])
    if read(run, name, 1)[0].value != large:
        raise AssertionError("other bytes came back")
    refused("MESSAGE_TOO_LARGE", lambda: run.client.produce(run.bootstrap, name, [Record(bytes(2_000_000))]))


def from_beginning(run: Run) -> None:
    name = topic(run, 3)
    records = [Record(b"%d" % number, partition=number % 3) for number in range(90)]
    run.client.produce(run.bootstrap, name, records)
    next_offset = {0: 0, 1: 0, 2: 0}
    for record in read(run, name, 90, partitions=3):
        partition = record.partition or 0
        equal(next_offset[partition], record.offset)
        equal(b"%d" % (next_offset[partition] * 3 + partition), record.value)
        next_offset[partition] += 1


def from_offset(run: Run) -> None:
    name = produced(run, 50)
    consumer = run.client.consumer(run.bootstrap)
    consumer.assign(name, {0: 37})
    found = poll(consumer, 13)
    equal((37, b"value 49"), (found[0].offset, found[12].value))
    consumer.close()


def from_time(run: Run) -> None:
    name = topic(run)
    base = time.time_ns() // 1_000_000 - 100_000
    for number in range(20):
        record = Record(b"value %d" % number, timestamp=base + number * 1000)
        run.client.produce(run.bootstrap, name, [record])
    consumer = run.client.consumer(run.bootstrap)
    offset = consumer.offset_for_time(name, 0, base + 6500)
    equal(7, offset)
    consumer.assign(name, {0: offset})
    equal(b"value 7", poll(consumer, 13)[0].value)
    consumer.close()


def pause(run: Run) -> None:
    name = topic(run, 2)
    consumer = run.client.consumer(run.bootstrap)
    consumer.assign(name, {0: 0, 1: 0})
    consumer.pause(name, 0)
    records = [Record(b"%d" % number, partition=number % 2) for number in range(20)]
    run.client.produce(run.bootstrap, name, records)
    equal({1}, {record.partition for record in poll(consumer, 10)})
    equal([], list(consumer.poll(10)))
    consumer.resume(name, 0)
    equal([b"%d" % number for number in range(0, 20, 2)], [record.value for record in poll(consumer, 10)])
    consumer.close()


def seek(run: Run) -> None:
    name = produced(run, 30)
    consumer = run.client.consumer(run.bootstrap)
    consumer.assign(name, {0: 0})
    equal(29, poll(consumer, 30)[29].offset)
    for offset in (3, 29):
        consumer.seek(name, 0, offset)
        found = poll(consumer, 30 - offset)
        equal((offset, b"value 29"), (found[0].offset, found[-1].value))
    consumer.close()


def create_topic(run: Run) -> None:
    admin = run.client.admin(run.bootstrap)
    name = run.name("topic")
    admin.create_topic(name, 4, {"retention.ms": "3600000"})
    wait_until(lambda: admin.partitions(name) == 4)
    equal("3600000", admin.config(name, "retention.ms"))
    refused("TOPIC_ALREADY_EXISTS", lambda: admin.create_topic(name, 4, {}))
    refused("INVALID_PARTITIONS", lambda: admin.create_topic(run.name("none"), 0, {}))
    admin.close()


def describe_topic(run: Run) -> None:
    name = topic(run, 3, configs={"segment.bytes": "1048576"})
    admin = run.client.admin(run.bootstrap)
    equal(3, admin.partitions(name))
    equal("1048576", admin.config(name, "segment.bytes"))
    equal("delete", admin.config(name, "cleanup.policy"))
    admin.close()


def alter_configs(run: Run) -> None:
    name = topic(run)
    admin = run.client.admin(run.bootstrap)
    admin.alter_config(name, "segment.ms", "1234567")
    wait_until(lambda: admin.config(name, "segment.ms") == "1234567")
    refused("INVALID_CONFIG", lambda: admin.alter_config(name, "segment.ms", "soon"))
    admin.close()


def add_partitions(run: Run) -> None:
    name = topic(run, 2)
    admin = run.client.admin(run.bootstrap)
    admin.add_partitions(name, 5)
    wait_until(lambda: admin.partitions(name) == 5)
    refused("INVALID_PARTITIONS", lambda: admin.add_partitions(name, 3))
    equal([(4, 0)], list(run.client.produce(run.bootstrap, name, [Record(b"v", partition=4)])))
    admin.close()


def delete_records(run: Run) -> None:
    name = produced(run, 20)
    admin = run.client.admin(run.bootstrap)
    equal(12, admin.delete_records(name, 0, 12))
    consumer = run.client.consumer(run.bootstrap)
    consumer.assign(name, {0: 0})
    found = poll(consumer, 8)
    equal((12, b"value 12"), (found[0].offset, found[0].value))
    consumer.close()
    admin.close()


def delete_topic(run: Run) -> None:
    name = produced(run, 5)
    admin = run.client.admin(run.bootstrap)
    admin.delete_topic(name)
    wait_until(lambda: admin.partitions(name) == 0)
    refused("UNKNOWN_TOPIC_OR_PARTITION", lambda: admin.delete_topic(name))
    admin.close()


def transaction_commit(run: Run) -> None:
    name = topic(run)
    producer = run.client.transactional(run.bootstrap, run.name("id"))
    producer.begin()
    for number in range(20):
        producer.send(name, b"%d" % number)
    consumer = run.client.consumer(run.bootstrap, committed_only=True)
    consumer.assign(name, {0: 0})
    equal([], [record for _ in range(5) for record in consumer.poll(20)])
    producer.commit()
    equal([b"%d" % number for number in range(20)], [record.value for record in poll(consumer, 20)])
    consumer.close()
    producer.close()


def transaction_abort(run: Run) -> None:
    name = topic(run)
    producer = run.client.transactional(run.bootstrap, run.name("id"))
    producer.begin()
    producer.send(name, b"aborted")
    producer.abort()
    producer.begin()
    producer.send(name, b"committed")
    producer.commit()
    consumer = run.client.consumer(run.bootstrap, committed_only=True)
    consumer.assign(name, {0: 0})
    found = poll(consumer, 1)
    equal((2, b"committed"), (found[0].offset, found[0].value))
    equal([b"aborted", b"committed"], [record.value for record in read(run, name, 2)])
    consumer.close()
    producer.close()


def transaction_offsets(run: Run) -> None:
    source, sink = produced(run, 10), topic(run, part="sink")
    group = run.name("group")
    consumer = run.client.consumer(run.bootstrap, group=group)
    consumer.subscribe(source)
    found = poll(consumer, 10)
    producer = run.client.transactional(run.bootstrap, run.name("id"))
    for end, expected in ((producer.abort, None), (producer.commit, 10)):
        producer.begin()
        for record in found:
            producer.send(sink, (record.value or b"") + b" seen")
        producer.send_offset(consumer, group, source, 10)
        end()
        witness = run.client.consumer(run.bootstrap, group=group)
        witness.assign(source, {0: 0})
        # The offset counts once the coordinator has written its marker, after the producer was answered.
        wait_until(partial(_has_committed, witness, source, expected))
        witness.close()
    consumer.close()
    producer.close()
    committed = run.client.consumer(run.bootstrap, committed_only=True)
    committed.assign(sink, {0: 0})
    equal(b"value 9 seen", poll(committed, 10)[9].value)
    committed.close()


def _has_committed(consumer: Consumer, name: str, offset: int | None) -> bool:
    return consumer.committed(name, 0) == offset


def _produce_variants() -> Mapping[str, Callable[[Run], None]]:
    variants: dict[str, Callable[[Run], None]] = {
        "produce-idempotent": partial(produce_and_consume, idempotent=True)
    }
    for acks in ("0", "1", "all"):
        variants[f"produce-acks-{acks}"] = partial(produce_and_consume, acks=acks)
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        variants[f"produce-{codec}"] = partial(produce_and_consume, codec=codec)
    return variants


def _named(functions: Sequence[Callable[[Run], None]], section: str) -> Mapping[str, Callable[[Run], None]]:
    return {f"{section}-{function.__name__}".replace("_", "-"): function for function in functions}


ALL: Final[Mapping[str, Callable[[Run], None]]] = {
    **_produce_variants(),
    **_named((keys, headers, timestamps, empty_and_null), "produce"),
    "produce-1mb": one_megabyte,
    **_named((from_beginning, from_offset, from_time, pause, seek), "consume"),
    **groups.FEATS,
    **_named((create_topic, describe_topic, alter_configs, add_partitions), "admin"),
    **_named((delete_records, delete_topic), "admin"),
    "transaction-commit": transaction_commit,
    "transaction-abort": transaction_abort,
    "transaction-offsets": transaction_offsets,
}
