"""Real Kafka 3.9.2 as the judge: its directories and ours are the same, and either starts on the other's."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from struct import Struct

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from compat.oracle.kafka import Kafka392
from compat.oracle.tools import ToolHost
from odradek.clock import SystemClock
from odradek.config.log_config import LogConfig
from odradek.log.checkpoints import read_offsets
from odradek.log.logs import Logs, LogsConfig
from odradek.log.offload import inline
from odradek.log.partition_metadata import read_topic_id
from odradek.log.recovery import LoadRequest, load_log
from odradek.metadata.topic_partition import TopicPartition as Partition
from odradek.records.batch import (
    ATTRIBUTES_OFFSET,
    CRC_OFFSET,
    HEADER,
    TimestampType,
    assign_offsets,
    iter_headers,
)
from odradek.records.compression import Compression
from odradek.records.crc import crc32c
from odradek.records.record import read_all_records
from odradek.records.validation import AppendOrigin
from tests.log.batches import append, batch, files, marker, open_log

pytestmark = [pytest.mark.oracle, pytest.mark.xdist_group("tools")]

CONFIG = LogConfig(segment_bytes=20_000, index_interval_bytes=512)
CONFIGS = {
    "plain": CONFIG,
    "compressed": CONFIG,
    "idempotent": CONFIG,
    "transactional": CONFIG,
    "timed": replace(CONFIG, segment_ms=60_000),
    "tiny-index": replace(CONFIG, segment_index_bytes=100),
    "stamped": replace(CONFIG, message_timestamp_type="LogAppendTime"),
    "untouched": CONFIG,
}
TOPICS = tuple(CONFIGS)
CRC = Struct(">I")
ONE_SEGMENT = ("compressed", "untouched")
RECOVERY_POINTS = "recovery-point-offset-checkpoint"
REWRITTEN = ("leader-epoch-checkpoint", RECOVERY_POINTS)
"""Elections write the first, which loading cut at the log's end before; the second is in no order."""


@dataclass(frozen=True)
class Directories:
    """Copies of one Kafka's log directory at three moments."""

    stopped: Path
    killed: Path
    recovered: Path
    """What Kafka made of `killed` when it was started and stopped again."""


@pytest.fixture(scope="module")
def kafkas(tmp_path_factory) -> Iterator[Directories]:
    root = tmp_path_factory.mktemp("kafkas")
    log_dir = root / "log"
    log_dir.mkdir()
    with Kafka392(log_dir=log_dir) as kafka:
        create_topics(kafka, TOPICS)
        produce(kafka)
        send(kafka, "tiny-index", 200)
        kafka.stop()
        stopped = Path(shutil.copytree(log_dir, root / "stopped"))
        # Kafka's own recovery fails on a time index that was full.
        shutil.rmtree(log_dir / "tiny-index-0")
        kafka.restart()
        produce(kafka)
        open_transaction(kafka)
        kafka.kill()
        killed = Path(shutil.copytree(log_dir, root / "killed"))
        kafka.restart()
        kafka.stop()
        yield Directories(stopped, killed, log_dir)


def create_topics(kafka, names):
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    topics = [NewTopic(name, 1, 1, config=topic_config(CONFIGS.get(name, CONFIG))) for name in names]
    for created in admin.create_topics(topics).values():
        created.result(30)


def topic_config(config):
    return {
        "segment.bytes": str(config.segment_bytes),
        "index.interval.bytes": str(config.index_interval_bytes),
        "segment.ms": str(config.segment_ms),
        "segment.index.bytes": str(config.segment_index_bytes),
        "message.timestamp.type": config.message_timestamp_type,
    }


def produce(kafka):
    """Every kind of batch, timestamps back and forth, ten producers, aborted transactions."""
    send(kafka, "plain", 300)
    send(kafka, "timed", 100, step_ms=1500)
    send(kafka, "stamped", 200)
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        send(kafka, "compressed", 100, **{"compression.type": codec})
    for _ in range(10):
        send(kafka, "idempotent", 40, **{"enable.idempotence": True})
    for number in range(4):
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": f"id-{number}"})
        producer.init_transactions(30)
        for round_ in range(4):
            producer.begin_transaction()
            for _ in range(15):
                producer.produce("transactional", b"v" * 100, partition=0)
            producer.flush()
            if round_ % 2:
                producer.commit_transaction(30)
            else:
                producer.abort_transaction(30)


def send(kafka, topic, count, step_ms=37, **config):
    first_ms = int(time.time() * 1000) - 1_000_000
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "batch.num.messages": 7, **config})
    for number in range(count):
        at_ms = first_ms + number * step_ms % 900_000
        producer.produce(topic, b"%d" % number * 60, b"key", partition=0, timestamp=at_ms)
        if number % 10 == 9:
            producer.flush()
    producer.flush()


def open_transaction(kafka):
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "open"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("transactional", b"neither committed nor aborted", partition=0)
    producer.flush()


def batches_of(directory):
    """(header, bytes) of each batch in a partition's directory."""
    for log_file in sorted(directory.glob("*.log")):
        data = log_file.read_bytes()
        for position, header in iter_headers(data):
            yield header, bytearray(data[position : position + header.size_bytes])


def unstamped(data, header):
    """The batch as its producer sent it, before a broker stamped it."""
    sent = bytearray(data)
    HEADER.pack_into(sent, 0, *header._replace(attributes=header.attributes & ~0x08, base_offset=0))
    CRC.pack_into(sent, CRC_OFFSET, crc32c(memoryview(sent)[ATTRIBUTES_OFFSET:]))
    return sent


def records_of(directory):
    return [
        (record.offset, record.timestamp, record.key, record.value)
        for _, data in batches_of(directory)
        for record in read_all_records(data)
    ]


async def reopen(log_dir):
    """Our broker starts on the directory."""

    def config_of(topic):
        return CONFIGS.get(topic, CONFIG if topic == "shared" else LogConfig())

    return await Logs.open(LogsConfig((str(log_dir),)), SystemClock(), config_of=config_of, offload=inline)


def different(ours, theirs, ignored=()):
    """Names of files that are not the same to the byte."""
    mine, yours = ({p.relative_to(d): p for p in d.rglob("*") if p.is_file()} for d in (ours, theirs))
    return [
        str(name)
        for name in sorted({*mine, *yours})
        if name.name not in ignored
        and (name not in mine or name not in yours or mine[name].read_bytes() != yours[name].read_bytes())
    ]


def assert_same_recovery_points(ours, theirs):
    assert read_offsets(str(ours / RECOVERY_POINTS)) == read_offsets(str(theirs / RECOVERY_POINTS))


@pytest.mark.parametrize("topic", TOPICS)
def test_the_same_batches_make_the_same_files(kafkas, tmp_path, topic):
    theirs = kafkas.stopped / f"{topic}-0"
    path = tmp_path / f"{topic}-0"
    log = open_log(path, CONFIGS[topic])
    topic_id = read_topic_id(str(theirs))
    assert topic_id is not None
    log.assign_topic_id(topic_id)
    for header, data in batches_of(theirs):
        assign_offsets(data, header, 0, -1)
        origin = AppendOrigin.COORDINATOR if header.is_control else AppendOrigin.CLIENT
        if header.timestamp_type is TimestampType.LOG_APPEND_TIME:
            data = unstamped(data, header)
        log.append_as_leader(
            data, leader_epoch=header.partition_leader_epoch, now_ms=header.max_timestamp, origin=origin
        )
    if topic == "untouched":
        log.assign_leader_epoch(0, 0)
    assert (len(log.segments) == 1) == (topic in ONE_SEGMENT)
    log.close()
    assert different(path, theirs) == []


async def test_a_cleanly_stopped_kafkas_directory_is_left_as_it_was(kafkas, tmp_path):
    ours = shutil.copytree(kafkas.stopped, tmp_path / "log")
    logs = await reopen(ours)
    for topic in TOPICS:
        log = logs.get(Partition(topic, 0))
        assert log is not None
        assert log.log_end_offset == len(records_of(ours / f"{topic}-0"))
        assert log.first_unstable_offset is None
    await logs.close(broker_epoch=-1)
    assert different(ours, kafkas.stopped, REWRITTEN) == []
    assert_same_recovery_points(ours, kafkas.stopped)


async def test_a_killed_kafkas_directory_is_recovered_as_kafka_does(kafkas, tmp_path):
    ours = shutil.copytree(kafkas.killed, tmp_path / "log")
    assert (ours / "plain-0" / f"{0:020d}.log").exists()
    logs = await reopen(ours)
    log = logs.get(Partition("transactional", 0))
    assert log is not None
    assert log.first_unstable_offset == log.log_end_offset - 1
    await logs.close()
    high_watermarks = "replication-offset-checkpoint"
    assert different(ours, kafkas.recovered, (*REWRITTEN, high_watermarks)) == []
    assert_same_recovery_points(ours, kafkas.recovered)


def test_producers_are_those_of_the_directory_with_their_last_batch(kafkas):
    for topic in ("idempotent", "transactional"):
        path = kafkas.stopped / f"{topic}-0"
        request = LoadRequest(Partition(topic, 0), str(path), CONFIG, int(time.time() * 1000), 86_400_000)
        loaded = load_log(request)
        entries = loaded.producers.producers.values()
        assert len(entries) == {"idempotent": 10, "transactional": 4}[topic]
        assert all(len(entry.batches) == 1 for entry in entries if topic == "idempotent")


def write_everything(path):
    """A log of ours with every codec, producers, transactions, leader epochs and a truncation."""
    log = open_log(path, CONFIG)
    now_ms = int(time.time() * 1000)
    for number in range(200):
        append(
            log,
            batch([b"v" * (number % 90)] * 3, timestamp=now_ms + number % 7 * 1000),
            leader_epoch=number // 50,
        )
    for codec in Compression:
        log.config = LogConfig(
            segment_bytes=20_000, index_interval_bytes=512, compression_type=codec_name(codec)
        )
        for _ in range(20):
            append(log, batch([b"compress me " * 20] * 5, timestamp=now_ms), leader_epoch=4)
    for number in range(60):
        sent = batch(
            [b"t"], producer_id=number % 3, producer_epoch=0, base_sequence=number // 3, is_transactional=True
        )
        append(log, sent, leader_epoch=4)
    append(
        log,
        marker(0, is_abort=True),
        marker(1, is_abort=False),
        leader_epoch=4,
        origin=AppendOrigin.COORDINATOR,
    )
    log.truncate_to(log.log_end_offset - 1)
    append(log, marker(2, is_abort=True), leader_epoch=5, origin=AppendOrigin.COORDINATOR)
    return log


def codec_name(codec):
    return "uncompressed" if codec is Compression.NONE else codec.name.lower()


BAD_WORDS = ("isvalid: false", "mismatch", "non-consecutive", "corrupt", "exception", "error", "out of order")


@pytest.mark.parametrize("closed", [True, False])
def test_dump_log_segments_finds_nothing_wrong(tmp_path, tools_392: ToolHost, closed):
    log = write_everything(tmp_path / "topic-0")
    if closed:
        log.close()
    names = sorted(str(path) for path in (tmp_path / "topic-0").iterdir())
    logs = [name for name in names if name.endswith(".log")]
    indexes = [name for name in names if name.endswith((".index", ".timeindex", ".txnindex", ".snapshot"))]
    assert len(logs) > 3
    assert any(name.endswith(".txnindex") for name in indexes)
    for flags, chosen in (
        (["--deep-iteration", "--print-data-log"], logs),
        (["--deep-iteration"], [*logs, *indexes]),
        (["--index-sanity-check"], indexes),
        (["--verify-index-only"], [name for name in indexes if not name.endswith(".snapshot")]),
    ):
        result = tools_392.run("DumpLogSegments", *flags, "--files", ",".join(chosen))
        output = result.stdout + result.stderr
        assert output.count("Dumping ") == len(chosen), output
        found = [line for line in output.splitlines() if any(word in line.lower() for word in BAD_WORDS)]
        assert found == []


def consume(kafka, topic, count):
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"}
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[tuple[int | None, bytes | None]] = []
        while len(found) < count:
            messages = consumer.consume(count - len(found), 20)
            assert messages, f"{len(found)} of {count} records"
            found += [(message.offset(), message.value()) for message in messages if not message.error()]
        return found
    finally:
        consumer.close()


async def test_kafka_starts_on_our_directory_after_a_stop_and_after_a_kill(tmp_path):
    partition = Partition("shared", 0)
    with Kafka392(log_dir=tmp_path) as kafka:
        create_topics(kafka, [partition.topic])
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
        for number in range(50):
            producer.produce(partition.topic, b"kafka %d" % number, partition=0)
            producer.flush()
        for is_clean in (True, False):
            kafka.stop()
            logs = await reopen(tmp_path)
            log = logs.get(partition)
            assert log is not None
            epoch = log.latest_epoch or 0
            now_ms = int(time.time() * 1000)
            for number in range(300):
                append(log, batch([b"ours %d" % number] * 2, timestamp=now_ms), leader_epoch=epoch)
            end_offset = log.log_end_offset
            expected = records_of(Path(log.path))
            if is_clean:
                await logs.close()
            else:
                logs._abandon()
            kafka.restart()
            found = consume(kafka, partition.topic, end_offset)
            assert found == [(offset, value) for offset, _, _, value in expected]
            producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
            producer.produce(partition.topic, b"kafka again", partition=0)
            producer.flush()
        assert len(files(Path(log.path), lambda name: name.endswith(".log"))) > 1
