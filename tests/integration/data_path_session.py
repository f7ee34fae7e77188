"""A session of Produce, Fetch, ListOffsets and their kin at every version, the same to any broker.

`answers` gives what the broker said, by a label that names the request; what differs between any two brokers
(names, ids, clocks, sizes of compressed data) is made equal, everything else must be.
"""

import itertools
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

from compat.wire import Request, Wire
from odradek.protocol.generated.create_topics_request import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.protocol.generated.delete_records_request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from odradek.protocol.generated.describe_log_dirs_request import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.generated.metadata_request import MetadataRequest
from odradek.protocol.generated.offset_for_leader_epoch_request import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.protocol.message import ZERO_UUID
from odradek.records.batch import HEADER, TimestampType, read_header
from odradek.records.builder import build_batch, write_crc
from odradek.records.compression import Compression
from odradek.records.record import Record, read_all_records
from tests.records.golden_batches import golden

NOW_MS: Final = int(time.time() * 1000)
FAR: Final = 10**9
UNKNOWN: Final = "nope"
"""The name and the id of no topic."""

TOPICS: Final[dict[str, dict[str, str]]] = {
    "plain": {},
    "compact": {"cleanup.policy": "compact"},
    "stamped": {"message.timestamp.type": "LogAppendTime"},
    "small": {"max.message.bytes": "200"},
    "future": {"message.timestamp.after.max.ms": "1000"},
    "past": {"message.timestamp.before.max.ms": "1000"},
    "gzip": {"compression.type": "gzip"},
    "zstd": {"compression.type": "zstd"},
    "minisr": {"min.insync.replicas": "2"},
    "segments": {"segment.bytes": "1048576"},
}


def records(count: int = 1, *, timestamp: int = NOW_MS, key: bytes | None = b"k", **fields: Any) -> bytearray:
    base = fields.get("base_offset", 0)
    return build_batch(
        [Record(base + i, timestamp + i, key, b"value-%d" % i) for i in range(count)], **fields
    )


def with_header(batch: bytearray, **fields: int) -> bytearray:
    """The same batch with other header fields and a checksum to match."""
    HEADER.pack_into(batch, 0, *read_header(batch)._replace(**fields))
    write_crc(batch)
    return batch


def patched(batch: bytearray, at: int, value: int) -> bytearray:
    batch[at] = value
    return batch


class DataPathSession:
    """One broker's side of the session, on topics of its own."""

    def __init__(self, bootstrap: str, *, since_4_0: bool) -> None:
        self._bootstrap = bootstrap
        self._since_4_0 = since_4_0
        self._prefix = f"data-path-{time.time_ns()}-"
        self._ids: dict[str, UUID] = {}
        self._wire = Wire(bootstrap)

    def answers(self) -> dict[str, str]:
        """What the broker answers to each request; "closed" where it closes the connection instead."""
        self._create_topics()
        answers: dict[str, str] = {}
        for label, request, version in itertools.chain(
            self._produces(),
            self._fetches(),
            self._list_offsets(),
            self._epochs(),
            self._deletions(),
            self._log_dirs(),
        ):
            answers[f"{len(answers)} {label} v{version}"] = self._ask(request, version)
        answers |= self._fetch_session()
        self._wire.close()
        return answers

    def _create_topics(self) -> None:
        configs = {name: {"retention.ms": "-1", **config} for name, config in TOPICS.items()}
        if not self._since_4_0:
            configs["forbidden"] = {"message.downconversion.enable": "false"}
        topics = [
            CreatableTopic(
                self._prefix + name, 2, 1, configs=[CreatableTopicConfig(*each) for each in config.items()]
            )
            for name, config in configs.items()
        ]
        response = self._wire.send(CreateTopicsRequest(topics, timeout_ms=10_000), version=7)
        for topic in response.topics:
            assert topic.error_code == 0, topic
            self._ids[topic.name] = topic.topic_id
        while not self._all_topics_are_led():
            continue

    def _all_topics_are_led(self) -> bool:
        """Metadata may name a leader that does not know yet that it is one."""
        asked = [ListOffsetsPartition(index, timestamp=-1) for index in range(2)]
        request = ListOffsetsRequest(-1, topics=[ListOffsetsTopic(name, asked) for name in self._ids])
        topics = self._wire.send(request, version=1).topics
        return not any(answer.error_code for topic in topics for answer in topic.partitions)

    def _ask(self, request: Request, version: int) -> str:
        """A connection for each Produce, which may cost it; closed is an answer."""
        if not isinstance(request, ProduceRequest):
            return self._normal(self._wire.send(request, version=version))
        with Wire(self._bootstrap) as wire:
            try:
                if request.acks == 0:
                    wire.post(request, version=version)
                    wire.send(MetadataRequest(topics=[]), version=1)
                    return "alive"
                return self._normal(wire.send(request, version=version))
            except ConnectionError:
                return "closed"

    def _normal(self, response: Any) -> str:
        for topic in getattr(response, "responses", ()):
            for answer in getattr(topic, "partition_responses", ()):
                answer.log_append_time_ms = min(answer.log_append_time_ms, 1)
            for answer in getattr(topic, "partitions", ()):
                answer.records = self._contents(answer.records)
        for directory in getattr(response, "results", ()):
            directory.log_dir = "directory"
            directory.total_bytes = min(directory.total_bytes, 1)
            directory.usable_bytes = min(directory.usable_bytes, 1)
            directory.topics = [topic for topic in directory.topics if topic.name.startswith(self._prefix)]
            directory.topics.sort(key=lambda topic: topic.name)
            for topic in directory.topics:
                topic.partitions.sort(key=lambda partition: partition.partition_index)
                for partition in topic.partitions:
                    partition.partition_size = min(partition.partition_size, 1)
        if hasattr(response, "session_id"):
            response.session_id = bool(response.session_id)
        text = repr(response)
        for name, topic_id in self._ids.items():
            text = text.replace(repr(topic_id), name)
        text = text.replace(self._prefix, "").replace(f"port={self._bootstrap.rpartition(':')[2]}", "port=1")
        return re.sub(r"within \[.*?\]", "within []", text)

    @staticmethod
    def _contents(data: memoryview | None) -> list[Record] | None:
        return None if data is None else list(read_all_records(data))

    def _produce(
        self,
        batch: bytes | bytearray,
        version: int = 9,
        *,
        topic: str = "plain",
        acks: int = -1,
        partition: int = 0,
    ) -> tuple[ProduceRequest, int]:
        name, topic_id = self._topic(topic, by_id=version >= 13)
        data = TopicProduceData(name, topic_id, [PartitionProduceData(partition, batch)])
        return ProduceRequest(acks=acks, timeout_ms=2000, topic_data=[data]), version

    def _topic(self, topic: str, *, by_id: bool) -> tuple[str, UUID]:
        if by_id:
            return "", self._ids.get(self._prefix + topic, UUID(int=5))
        return topic if topic == UNKNOWN or topic.startswith("__") else self._prefix + topic, ZERO_UUID

    def _produces(self) -> Iterator[tuple[str, Request, int]]:
        for version in range(3 if self._since_4_0 else 0, 14 if self._since_4_0 else 12):
            batch = records(2) if version >= 3 else bytearray(golden("1-none"))
            for acks in (1, -1):
                yield "produce", *self._produce(batch, version, acks=acks)
        torn = records()[:-1]
        for acks in (2, -2, 5):
            yield f"acks {acks}", *self._produce(records(), acks=acks)
        for acks in (2, 0):
            yield f"torn with acks {acks}", *self._produce(torn, acks=acks)
            yield f"unknown topic with acks {acks}", *self._produce(records(), topic=UNKNOWN, acks=acks)
        yield "acks 0", *self._produce(records(), acks=0)
        yield "unknown topic", *self._produce(records(), topic=UNKNOWN)
        yield "unknown partition", *self._produce(records(), partition=9)
        yield "internal topic", *self._produce(records(), topic="__consumer_offsets")
        for label, bad in self._bad_batches().items():
            yield label, *self._produce(bad)
        yield "bad codec", *self._produce(with_header(records(), attributes=7), 3)
        for version in (6, 7):
            yield "zstd", *self._produce(records(compression=Compression.ZSTD), version)
        yield from self._produces_by_topic()
        if not self._since_4_0:
            yield from self._old_produces()

    @staticmethod
    def _bad_batches() -> dict[str, bytes | bytearray]:
        producer: dict[str, Any] = {"producer_id": 900, "producer_epoch": 0}
        return {
            "empty": b"",
            "torn": records()[:-1],
            "two batches": records() + records(),
            "trailing batch": records() + records()[:30],
            "trailing zeros": records() + bytes(5),
            "more trailing zeros": records() + bytes(40),
            "wrong checksum": patched(records(), -1, 1),
            "old magic": golden("1-none"),
            "magic 3": patched(records(), 16, 3),
            "base offset": records(base_offset=5),
            "count 3": with_header(records(2), record_count=3),
            "count 0": with_header(records(2), record_count=0),
            "count -1": with_header(records(2), record_count=-1),
            "last offset delta -1": with_header(records(2), last_offset_delta=-1),
            "last offset delta 5": with_header(records(2), last_offset_delta=5),
            "control": with_header(records(), attributes=0x20),
            "no sequence": records(**producer),
            "transaction without id": records(base_sequence=0, is_transactional=True, **producer),
            "stamped by the producer": records(
                timestamp_type=TimestampType.LOG_APPEND_TIME, log_append_time_ms=NOW_MS
            ),
            "not stamped by anybody": records(timestamp_type=TimestampType.LOG_APPEND_TIME),
        }

    def _produces_by_topic(self) -> Iterator[tuple[str, Request, int]]:
        yield "small", *self._produce(records(), topic="small")
        yield "too large", *self._produce(records(30), topic="small")
        yield "compacted", *self._produce(records(3), topic="compact")
        for version in (7, 9):
            yield "compacted without keys", *self._produce(records(5, key=None), version, topic="compact")
        batch = records(2, key=None, compression=Compression.GZIP)
        yield "compacted and compressed without keys", *self._produce(batch, topic="compact")
        batch = with_header(records(), attributes=Compression.GZIP)
        yield "compacted and not compressed as it says", *self._produce(batch, topic="compact")
        yield "stamped", *self._produce(records(2, compression=Compression.SNAPPY), topic="stamped")
        batch = records(2, timestamp_type=TimestampType.LOG_APPEND_TIME, log_append_time_ms=NOW_MS)
        yield "stamped twice", *self._produce(batch, topic="stamped")
        yield "compressed", *self._produce(records(2), topic="gzip")
        batch = records(2, compression=Compression.ZSTD)
        yield "compressed anew", *self._produce(batch, topic="gzip")
        yield "compressed with zstd", *self._produce(records(2), topic="zstd")
        for acks in (-1, 1):
            yield f"minisr with acks {acks}", *self._produce(records(), topic="minisr", acks=acks)
        yield "too old", *self._produce(records(2, timestamp=1000), topic="past")
        yield "too new", *self._produce(records(2, timestamp=NOW_MS + 10**10), topic="future")
        for epoch, sequence in ((1, 0), (1, 1), (1, 0), (1, 5), (0, 2), (2, 3), (2, 0)):
            batch = records(producer_id=901, producer_epoch=epoch, base_sequence=sequence)
            yield f"epoch {epoch} sequence {sequence}", *self._produce(batch, partition=1)
        batch = records(producer_id=902, producer_epoch=0, base_sequence=7)
        yield "a first sequence of 7", *self._produce(batch, partition=1)
        for _ in range(8):
            yield "segments", *self._produce(records(10), topic="segments")

    def _old_produces(self) -> Iterator[tuple[str, Request, int]]:
        names = [f"{magic}-{codec}" for magic in (0, 1) for codec in ("none", "gzip", "snappy", "lz4")]
        names += ["1-appendtime", "2-none", "2-gzip"]
        for version in range(3):
            for name in names:
                yield name, *self._produce(golden(name), version)
            yield "empty", *self._produce(b"", version)
            yield "torn", *self._produce(golden("1-none")[:20], version)
        yield "wrong checksum", *self._produce(patched(bytearray(golden("1-none")), -1, 1), 2)
        yield "two magics", *self._produce(golden("1-none") + golden("0-none"), 2)
        yield "two wrappers", *self._produce(golden("1-gzip") * 2, 2)
        yield "without keys", *self._produce(golden("1-none"), 2, topic="compact")
        yield "stamped", *self._produce(golden("1-none"), 2, topic="stamped")

    def _fetch(
        self,
        version: int,
        offset: int = 0,
        *,
        topic: str = "plain",
        partition: int = 0,
        max_bytes: int = 700,
        epoch: int = -1,
        last_epoch: int = -1,
        **fields: Any,
    ) -> tuple[FetchRequest, int]:
        asked = FetchPartition(partition, epoch, offset, last_epoch, partition_max_bytes=max_bytes)
        topics = [FetchTopic(*self._topic(topic, by_id=version >= 13), [asked])]
        return FetchRequest(max_bytes=10**6 if version >= 3 else 2**31 - 1, topics=topics, **fields), version

    def _fetches(self) -> Iterator[tuple[str, Request, int]]:
        for version in range(4 if self._since_4_0 else 0, 19 if self._since_4_0 else 18):
            for offset in (0, 1, FAR):
                yield f"fetch {offset}", *self._fetch(version, offset)
            yield "unknown topic", *self._fetch(version, topic=UNKNOWN)
            yield "unknown partition", *self._fetch(version, partition=7)
            yield "one byte", *self._fetch(version, max_bytes=1)
            for topic in ("gzip", "zstd") if self._since_4_0 else ("gzip", "zstd", "forbidden"):
                yield topic, *self._fetch(version, topic=topic)
            if version >= 4:
                for offset in (0, FAR):
                    yield f"committed {offset}", *self._fetch(version, offset, isolation_level=1)
            if version >= 7:
                for session_id, epoch in ((77, 3), (0, 3), (0, 0)):
                    yield (
                        f"session {session_id} epoch {epoch}",
                        *self._fetch(version, session_id=session_id, session_epoch=epoch),
                    )
            if version >= 9:
                for epoch in (0, 1):
                    yield f"leader epoch {epoch}", *self._fetch(version, epoch=epoch)
            if version >= 12:
                for offset, epoch in ((0, 0), (0, 3), (10**6, 0)):
                    yield f"fetched epoch {epoch}", *self._fetch(version, offset, last_epoch=epoch)

    def _fetch_session(self) -> dict[str, str]:
        """An incremental session from its beginning to its end."""
        name = self._prefix + "plain"
        asked = [FetchPartition(index, fetch_offset=0, partition_max_bytes=100) for index in (0, 1, 5)]
        request = FetchRequest(session_epoch=0, topics=[FetchTopic(name, ZERO_UUID, asked)])
        session_id = self._wire.send(request, version=12).session_id
        answers: dict[str, str] = {}

        def ask(epoch: int, version: int = 12, moved: Iterable[int] = (), forget: Iterable[int] = ()) -> None:
            partitions = [FetchPartition(index, fetch_offset=FAR) for index in moved]
            forgotten = list(forget)
            request = FetchRequest(
                session_id=session_id,
                session_epoch=epoch,
                topics=[FetchTopic(name, ZERO_UUID, partitions)] if partitions else [],
                forgotten_topics_data=[ForgottenTopic(name, ZERO_UUID, forgotten)] if forgotten else [],
            )
            label = f"session step {len(answers)}"
            answers[label] = self._normal(self._wire.send(request, version=version))

        ask(1)
        ask(1)
        ask(2, version=13)
        ask(2, moved=[0])
        ask(3, forget=[0, 5])
        ask(4)
        ask(5, forget=[1])
        ask(6)
        return answers

    def _list_offsets(self) -> Iterator[tuple[str, Request, int]]:
        def request(
            topic: str = "plain", *asked: ListOffsetsPartition, replica: int = -1
        ) -> ListOffsetsRequest:
            name = self._topic(topic, by_id=False)[0]
            return ListOffsetsRequest(replica, topics=[ListOffsetsTopic(name, list(asked))])

        timestamps = (-1, -2, -3, -4, -5, -6, -7, 0, NOW_MS, NOW_MS + 1, 2**62)
        for version in range(1 if self._since_4_0 else 0, 12 if self._since_4_0 else 10):
            count = 5 if version == 0 else 1
            for timestamp in timestamps:
                if version == 0 and 0 <= timestamp < 2**62:
                    continue  # Goes by the segments' modification time.
                for topic, index in (("plain", 0), ("segments", 0), (UNKNOWN, 0), ("zstd", 1)):
                    asked = ListOffsetsPartition(index, timestamp=timestamp, max_num_offsets=count)
                    yield f"offsets of {topic} at {timestamp}", request(topic, asked), version
            for replica in (-2, 5):
                asked = ListOffsetsPartition(timestamp=-1)
                yield f"replica {replica}", request("plain", asked, replica=replica), version
            if version >= 1:
                yield "named twice", request("plain", asked, asked), version
            if version >= 4:
                for epoch in (0, 1):
                    asked = ListOffsetsPartition(current_leader_epoch=epoch, timestamp=-1)
                    yield f"leader epoch {epoch}", request("plain", asked), version

    def _epochs(self) -> Iterator[tuple[str, Request, int]]:
        for version in range(2 if self._since_4_0 else 0, 5):
            for topic, index in (("plain", 0), (UNKNOWN, 0), ("plain", 9), ("zstd", 1)):
                for current, epoch in ((-1, -1), (-1, 0), (-1, 1), (0, 0), (1, 0)):
                    if version < 2 and current >= 0:
                        continue
                    name = self._topic(topic, by_id=False)[0]
                    asked = OffsetForLeaderPartition(index, current, epoch)
                    request = OffsetForLeaderEpochRequest(
                        -1 if version >= 3 else -2, [OffsetForLeaderTopic(name, [asked])]
                    )
                    yield f"end of epoch {epoch} of {topic}-{index} in {current}", request, version

    def _deletions(self) -> Iterator[tuple[str, Request, int]]:
        for version in range(3):
            for topic, index, offset in (
                ("segments", 0, 3 + version),
                ("segments", 0, 1),
                ("segments", 0, FAR),
                ("segments", 0, -2),
                (UNKNOWN, 0, 0),
                ("compact", 0, 0),
                ("plain", 9, 0),
                ("zstd", 1, 0),
                ("segments", 0, -1 if version == 2 else 3),
            ):
                name = self._topic(topic, by_id=False)[0]
                request = DeleteRecordsRequest(
                    [DeleteRecordsTopic(name, [DeleteRecordsPartition(index, offset)])], 1000
                )
                yield f"delete {topic}-{index} before {offset}", request, version
        for offset in (1, 80):
            yield f"fetch of what was deleted at {offset}", *self._fetch(12, offset, topic="segments")

    def _log_dirs(self) -> Iterator[tuple[str, Request, int]]:
        name = self._prefix + "gzip"
        for version in range(1, 6 if self._since_4_0 else 5):
            for topics in (None, [], [DescribableLogDirTopic(name, [0, 1, 7])]):
                yield f"log directories of {len(topics or ())}", DescribeLogDirsRequest(topics), version
