"""What Odradek leaves on disk is Kafka's: DumpLogSegments finds nothing wrong, a broker goes on with it."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient, NewTopic

from compat.odradek import Odradek
from compat.oracle.kafka import Kafka392
from compat.oracle.ports import wait_until
from compat.oracle.tools import ToolHost
from compat.oracle.zookeeper import ZooKeeper
from compat.zookeeper_tree import read_tree, write_tree
from odradek.broker.metadata_store import STORE_FILE

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("tools")]

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
GROUP = "readers"
PATIENCE_S = 120
"""For what takes milliseconds, on a machine that has other things to do."""
SEGMENT = {"segment.bytes": "200000", "index.interval.bytes": "300"}
INSPECTED = (".log", ".index", ".timeindex", ".snapshot", ".txnindex")
WRONG = re.compile(
    r"isvalid: false|mismatch|non-consecutive|out of order|not found|exception|corrupt", re.IGNORECASE
)
"""DumpLogSegments never fails by itself; these are its words for what it found."""

FALSE_ALARM = re.compile(r"Non-consecutive offsets in .*\n  -1 is followed by \d+\n(?!  )")
"""4.3.0's tool says so of every segment that does not begin at offset 0, a real Kafka's too."""

Contents = dict[tuple[Any, Any], list[tuple[Any, ...]]]
"""Topic and partition → offset, timestamp, key, value and headers of each record."""


@dataclass(frozen=True, slots=True)
class Legacy:
    """A log directory whose broker has stopped, and what its clients had been told."""

    log_dir: Path
    contents: Contents
    committed: dict[tuple[str, int], int]


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Legacy]:
    """Small segments of every codec, a killed and recovered broker, deleted records, committed offsets."""
    directory = tmp_path_factory.mktemp("log-files")
    with Odradek(log_dir=directory / "logs") as broker:
        create_topics(broker.bootstrap)
        fill(broker.bootstrap, "before")
        broker.kill()
        broker.restart()
        fill(broker.bootstrap, "after")
        delete_records(broker.bootstrap, "topic-lz4", 700)
        commit(broker.bootstrap, "topic-zstd", 123)
        contents, committed = read_all(broker.bootstrap), read_committed(broker.bootstrap)
        assert broker.stop() == 0
        yield Legacy(broker.log_dir, contents, committed)
    shutil.rmtree(directory)


def create_topics(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [NewTopic(f"topic-{codec}", 2, 1, config=SEGMENT) for codec in CODECS]
    for future in admin.create_topics(topics).values():
        future.result(PATIENCE_S)


def fill(bootstrap: str, word: str) -> None:
    """An idempotent and a plain producer for each codec, with keys, headers and null values among them."""
    for codec in CODECS:
        for idempotent in (True, False):
            producer = Producer(
                {
                    "bootstrap.servers": bootstrap,
                    "compression.type": codec,
                    "enable.idempotence": idempotent,
                    "batch.num.messages": 20,
                }
            )
            for n in range(1000):
                value = None if n % 50 == 0 else f"{word}-{n}-".encode() * 30
                producer.produce(f"topic-{codec}", value, f"key-{n}", n % 2, headers=[("n", str(n))])
                producer.poll(0)
            assert producer.flush(PATIENCE_S) == 0


def delete_records(bootstrap: str, topic: str, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    (future,) = admin.delete_records([Place(topic, 0, offset)]).values()
    future.result(PATIENCE_S)


def commit(bootstrap: str, topic: str, offset: int) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP})
    consumer.commit(offsets=[Place(topic, 0, offset)], asynchronous=False)
    consumer.close()


def places() -> list[Place]:
    return [Place(f"topic-{codec}", partition) for codec in CODECS for partition in (0, 1)]


def wait_for_leaders(bootstrap: str) -> None:
    """Until the broker has told itself about all partitions."""
    admin = AdminClient({"bootstrap.servers": bootstrap})

    def led() -> bool:
        topics = admin.list_topics(timeout=PATIENCE_S).topics
        return all(
            place.topic in topics
            and place.partition in topics[place.topic].partitions
            and topics[place.topic].partitions[place.partition].leader >= 0
            for place in places()
        )

    assert wait_until(led, timeout_s=PATIENCE_S)


def read_all(bootstrap: str) -> Contents:
    """Every record of every partition, from the log start offset to the end."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "check.crcs": True})
    contents: Contents = {}
    expected = 0
    for place in places():
        low, high = consumer.get_watermark_offsets(place, PATIENCE_S)
        contents[place.topic, place.partition] = []
        expected += high - low
    consumer.assign(
        [Place(place.topic, place.partition, consumer.get_watermark_offsets(place)[0]) for place in places()]
    )

    def done() -> bool:
        for message in consumer.consume(5000, 0.2):
            assert message.error() is None
            entry = (message.offset(), message.timestamp(), message.key(), message.value(), message.headers())
            contents[message.topic(), message.partition()].append(entry)
        return sum(map(len, contents.values())) >= expected

    assert wait_until(done, timeout_s=PATIENCE_S)
    consumer.close()
    return contents


def read_committed(bootstrap: str) -> dict[tuple[str, int], int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP})
    found = {
        (place.topic, place.partition): place.offset for place in consumer.committed(places(), PATIENCE_S)
    }
    consumer.close()
    return found


def test_it_holds_what_the_other_tests_mean_it_to(legacy: Legacy) -> None:
    assert len(list((legacy.log_dir / "topic-none-0").glob("*.log"))) > 3
    assert legacy.committed["topic-zstd", 0] == 123
    assert [offset for offset, *_ in legacy.contents["topic-lz4", 0]] == list(range(700, 2000))
    assert sum(map(len, legacy.contents.values())) == 5 * 2 * 2000 - 700


@pytest.mark.parametrize("release", ["3.9.2", "4.3.0"])
@pytest.mark.parametrize("how", ["--deep-iteration", "--index-sanity-check", "--verify-index-only"])
def test_the_inspector_finds_nothing_wrong(
    legacy: Legacy, request: pytest.FixtureRequest, release: str, how: str
) -> None:
    tools: ToolHost = request.getfixturevalue("tools_" + release.replace(".", ""))
    files = sorted(str(path) for path in legacy.log_dir.rglob("*") if path.suffix in INSPECTED)
    assert {Path(file).suffix for file in files} >= {".log", ".index", ".timeindex", ".snapshot"}
    found = tools.run("DumpLogSegments", how, "--files", ",".join(files), timeout_s=120)
    assert found.returncode == 0
    assert FALSE_ALARM.sub("", found.stderr) == ""
    assert [line for line in found.stdout.splitlines() if WRONG.search(line)] == []


def test_a_real_kafka_goes_on_with_a_copy(legacy: Legacy, tmp_path: Path) -> None:
    copy = tmp_path / "logs"
    shutil.copytree(legacy.log_dir, copy)
    with ZooKeeper() as zookeeper:
        client = zookeeper.client()
        write_tree(client, read_tree(copy / STORE_FILE))
        client.stop()
        client.close()
        with Kafka392(zookeeper=zookeeper, log_dir=copy) as kafka:
            wait_for_leaders(kafka.bootstrap)
            assert read_all(kafka.bootstrap) == legacy.contents
            assert read_committed(kafka.bootstrap) == legacy.committed
            fill(kafka.bootstrap, "by Kafka")
            assert "ERROR" not in kafka.log_text()
            assert "Found directory" not in kafka.log_text()
            # A clean stop leaves nothing to recover.
            assert "Recovering unflushed segment" not in kafka.log_text()
            assert "Rebuilding producer state" not in kafka.log_text()
