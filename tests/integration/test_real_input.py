"""A large file through real producers into a real group, whole and in order, also over a `kill -9` midway.

`ODRADEK_REAL_LINES` sets the size: 60,000 lines by default; `make real-input` runs a million (over 200 MB).
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from confluent_kafka import KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from compat.oracle.ports import wait_until
from tests.integration.real_input import by_key, read_consumed, read_lines, start_member, write_lines

LINES = int(os.environ.get("ODRADEK_REAL_LINES", "60000"))
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PARTITIONS = 4
MEMBERS = 2
DEADLINE_S = 180 + LINES // 1000
"""For a slow machine: the work itself takes a tenth of it."""

pytestmark = pytest.mark.integration


class Broker(Protocol):
    """What these tests need of a broker process."""

    bootstrap: str

    def kill(self) -> None: ...
    def restart(self) -> None: ...


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("input") / "lines.tsv"
    write_lines(path, LINES)
    yield path
    path.unlink()


def create_topic(broker: Broker, word: str) -> str:
    """A topic with a name of its own."""
    name = f"{word}-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(120)
    return name


def consume_all(broker: Broker, topic: str, scratch: Path) -> list[tuple[bytes, bytes]]:
    """What a group of two kafka-python members was given, by partition and offset."""
    outputs = [scratch / f"member-{number}.tsv" for number in range(MEMBERS)]
    members = [start_member(broker.bootstrap, topic, f"group-of-{topic}", out, LINES) for out in outputs]
    try:
        for member in members:
            _, stderr = member.communicate(timeout=DEADLINE_S)
            assert member.returncode == 0, stderr.decode()
    finally:
        for member in members:
            member.kill()
            member.wait()
    return [(record.key, record.value) for record in read_consumed(outputs)]


def start_kcat(broker: Broker, topic: str, codec: str, **properties: str) -> subprocess.Popen[bytes]:
    """A kcat that produces the lines of its standard input, and goes on (-E) while no broker is up."""
    settings = {"acks": "all", "message.timeout.ms": str(DEADLINE_S * 1000), "linger.ms": "5", **properties}
    options = [word for name, value in settings.items() for word in ("-X", f"{name}={value}")]
    command = ["kcat", "-P", "-E", "-b", broker.bootstrap, "-t", topic, "-K", "\t", "-z", codec, *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)


def feed_with_kcat(
    lines: Path, kcat: subprocess.Popen[bytes], midway: Callable[[], None] | None = None
) -> None:
    """Give kcat every line; `midway` is called when it has taken half of them."""
    assert kcat.stdin is not None
    content = lines.read_bytes()
    half = content.index(b"\n", len(content) // 2) + 1
    kcat.stdin.write(content[:half])
    if midway is not None:
        midway()
    kcat.stdin.write(content[half:])
    _, stderr = kcat.communicate(timeout=DEADLINE_S)
    assert kcat.returncode == 0, stderr.decode()


def feed_with_confluent(
    lines: Path,
    broker: Broker,
    topic: str,
    codec: str,
    *,
    midway: Callable[[], None] | None = None,
    **properties: str,
) -> None:
    """Produce every line; `midway` is called once, from a thread, when half of them were acknowledged."""
    failures: list[object] = []
    acknowledged = 0
    half_way = threading.Event()

    def delivered(error: object, _: Message) -> None:
        nonlocal acknowledged
        if error is not None:
            failures.append(error)
        acknowledged += 1
        if acknowledged == LINES // 2:
            half_way.set()

    producer = Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "acks": "all",
            "compression.type": codec,
            "linger.ms": 5,
            "message.timeout.ms": DEADLINE_S * 1000,
            **properties,
        }
    )

    def interrupt() -> None:
        assert half_way.wait(DEADLINE_S)
        assert midway is not None
        midway()

    thread = threading.Thread(target=interrupt) if midway else None
    if thread:
        thread.start()
    for key, value in read_lines(lines):
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.5)
            except KafkaException as failure:
                raise AssertionError(failure) from failure
        producer.poll(0)
    assert producer.flush(DEADLINE_S) == 0
    if thread:
        thread.join()
    assert not failures
    assert acknowledged == LINES


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_through_confluent_kafka_comes_out_whole_and_in_order(broker, lines, tmp_path, codec):
    topic = create_topic(broker, f"real-confluent-{codec}")
    feed_with_confluent(lines, broker, topic, codec)
    assert by_key(consume_all(broker, topic, tmp_path)) == by_key(read_lines(lines))


def test_a_file_through_kcat_comes_out_whole_and_in_order(broker, lines, tmp_path):
    topic = create_topic(broker, "real-kcat")
    feed_with_kcat(lines, start_kcat(broker, topic, "lz4"))
    assert by_key(consume_all(broker, topic, tmp_path)) == by_key(read_lines(lines))


def kill_and_restart(broker: Broker) -> Callable[[], None]:
    def interrupt() -> None:
        broker.kill()
        broker.restart()

    return interrupt


def test_nothing_is_lost_when_the_broker_is_killed_midway(own_broker, lines, tmp_path):
    topic = create_topic(own_broker, "killed")
    feed_with_confluent(
        lines, own_broker, topic, "lz4", midway=kill_and_restart(own_broker), retries="1000000"
    )
    came = by_key(consume_all(own_broker, topic, tmp_path))
    for key, values in by_key(read_lines(lines)).items():
        assert set(values) <= set(came[key])


def test_nothing_is_doubled_by_an_idempotent_producer_when_the_broker_is_killed_midway(
    own_broker, lines, tmp_path
):
    topic = create_topic(own_broker, "killed-idempotent")
    feed_with_confluent(
        lines,
        own_broker,
        topic,
        "none",
        midway=kill_and_restart(own_broker),
        **{"enable.idempotence": "true"},
    )
    assert by_key(consume_all(own_broker, topic, tmp_path)) == by_key(read_lines(lines))


def test_nothing_is_lost_or_doubled_by_kcat_when_the_broker_is_killed_midway(own_broker, lines, tmp_path):
    topic = create_topic(own_broker, "killed-kcat")
    kcat = start_kcat(own_broker, topic, "none", **{"enable.idempotence": "true"})
    feed_with_kcat(lines, kcat, kill_and_restart(own_broker))
    assert by_key(consume_all(own_broker, topic, tmp_path)) == by_key(read_lines(lines))


def test_a_group_reads_everything_although_the_broker_is_killed_while_it_reads(own_broker, lines, tmp_path):
    topic = create_topic(own_broker, "killed-reading")
    feed_with_confluent(lines, own_broker, topic, "snappy")
    outputs = [tmp_path / f"member-{number}.tsv" for number in range(MEMBERS)]
    members = [start_member(own_broker.bootstrap, topic, "reading", out, LINES) for out in outputs]
    try:
        wait_for_bytes(outputs, members)
        own_broker.kill()
        own_broker.restart()
        for member in members:
            _, stderr = member.communicate(timeout=DEADLINE_S)
            assert member.returncode == 0, stderr.decode()
    finally:
        for member in members:
            member.kill()
            member.wait()
    came = [(record.key, record.value) for record in read_consumed(outputs)]
    assert by_key(came) == by_key(read_lines(lines))


def wait_for_bytes(outputs: list[Path], members: list[subprocess.Popen[bytes]]) -> None:
    """Until a member has written something: the group is reading."""

    def reading() -> bool:
        assert all(member.poll() is None for member in members)
        return any(out.exists() and out.stat().st_size for out in outputs)

    assert wait_until(reading, timeout_s=DEADLINE_S)
