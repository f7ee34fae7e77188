"""ListOffsets: ends of a log, offsets by time, and the special timestamps."""

from compat.judge import Session, scenario
from compat.judge.session import TIMESTAMP_MS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.delete_records_request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.record import Record

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING = -1, -2, -3, -4, -5, -6


def ask(
    topic: str, *timestamps: int, partition: int = 0, count: int = 1, isolation: int = 0
) -> ListOffsetsRequest:
    asked = [
        ListOffsetsPartition(partition_index=partition, timestamp=each, max_num_offsets=count)
        for each in timestamps
    ]
    topics = [ListOffsetsTopic(name=topic, partitions=asked)]
    return ListOffsetsRequest(replica_id=-1, isolation_level=isolation, topics=topics)


@scenario(ApiKey.LIST_OFFSETS)
def both_ends(k: Session) -> None:
    topic = k.create_topic()
    for timestamp in (LATEST, EARLIEST):
        k.send(ask(topic.name, timestamp))
    k.produce(topic, b"a", b"b", b"c")
    for timestamp in (LATEST, EARLIEST):
        k.send(ask(topic.name, timestamp))


@scenario(ApiKey.LIST_OFFSETS)
def by_time(k: Session) -> None:
    topic = k.create_topic()
    for number in range(3):
        k.produce(topic, b"a", b"b", timestamp=TIMESTAMP_MS + 10 * number)
    for delta in (-5, 0, 1, 2, 5, 10, 11, 15, 21, 22, 1000):
        k.send(ask(topic.name, TIMESTAMP_MS + delta))


@scenario(ApiKey.LIST_OFFSETS)
def by_time_where_time_goes_back(k: Session) -> None:
    topic = k.create_topic()
    for delta in (50, 10, 30, 90, 0):
        k.produce(topic, b"x", timestamp=TIMESTAMP_MS + delta)
    for delta in (0, 10, 20, 30, 50, 51, 90, 91):
        k.send(ask(topic.name, TIMESTAMP_MS + delta))


@scenario(ApiKey.LIST_OFFSETS)
def by_time_in_compressed_batches(k: Session) -> None:
    topic = k.create_topic()
    for number in range(2):
        records = [Record(i, TIMESTAMP_MS + number * 10 + i, None, b"v") for i in range(4)]
        k.append(topic, bytes(build_batch(records, compression=Compression.GZIP)))
    for delta in (0, 2, 3, 4, 11, 13, 14):
        k.send(ask(topic.name, TIMESTAMP_MS + delta))


@scenario(ApiKey.LIST_OFFSETS)
def the_largest_timestamp(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(topic.name, MAX_TIMESTAMP))
    for delta in (5, 90, 30):
        k.produce(topic, b"x", b"y", timestamp=TIMESTAMP_MS + delta)
    k.send(ask(topic.name, MAX_TIMESTAMP))


@scenario(ApiKey.LIST_OFFSETS)
def special_timestamps(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"x", b"y")
    for timestamp in (EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING, -7, -100):
        k.send(ask(topic.name, timestamp))


@scenario(ApiKey.LIST_OFFSETS)
def after_records_are_deleted(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b", b"c", b"d")
    gone = [DeleteRecordsPartition(partition_index=0, offset=2)]
    topics = [DeleteRecordsTopic(name=topic.name, partitions=gone)]
    k.send(DeleteRecordsRequest(topics=topics, timeout_ms=10_000))
    for timestamp in (LATEST, EARLIEST, TIMESTAMP_MS, TIMESTAMP_MS + 3, EARLIEST_LOCAL):
        k.send(ask(topic.name, timestamp))


@scenario(ApiKey.LIST_OFFSETS)
def unknown_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(k.name("none"), LATEST))
    k.send(ask(topic.name, LATEST, partition=1))
    k.send(ask(topic.name, EARLIEST, partition=-1))


@scenario(ApiKey.LIST_OFFSETS)
def the_same_partition_twice(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    k.send(ask(topic.name, LATEST, EARLIEST))


@scenario(ApiKey.LIST_OFFSETS)
def several_topics(k: Session) -> None:
    one, two = k.create_topic("a", partitions=2), k.create_topic("b")
    k.produce(one, b"x", partition=1)
    asked = [ListOffsetsPartition(partition_index=p, timestamp=LATEST) for p in (1, 0)]
    other = [ListOffsetsPartition(partition_index=p, timestamp=LATEST) for p in (0, 3)]
    topics = [
        ListOffsetsTopic(name=one.name, partitions=asked),
        ListOffsetsTopic(name=two.name, partitions=other),
    ]
    k.send(ListOffsetsRequest(replica_id=-1, topics=topics))


@scenario(ApiKey.LIST_OFFSETS)
def no_topics(k: Session) -> None:
    k.send(ListOffsetsRequest(replica_id=-1, topics=[]))


@scenario(ApiKey.LIST_OFFSETS, until=0)
def several_offsets(k: Session) -> None:
    topic = k.create_topic(configs={"segment.bytes": "1048576"})
    for _ in range(4):
        k.produce(topic, b"x" * 600_000)
    for count in (0, 1, 3, 10):
        for timestamp in (LATEST, EARLIEST, TIMESTAMP_MS, 4_000_000_000_000):
            k.send(ask(topic.name, timestamp, count=count))


@scenario(ApiKey.LIST_OFFSETS, since=4)
def leader_epochs(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    for epoch in (0, 1, 99, -1, -2):
        request = ask(topic.name, LATEST)
        request.topics[0].partitions[0].current_leader_epoch = epoch
        k.send(request)


@scenario(ApiKey.LIST_OFFSETS, since=2)
def isolation_levels(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b")
    for isolation in (0, 1, 2):
        k.send(ask(topic.name, LATEST, isolation=isolation))


@scenario(ApiKey.LIST_OFFSETS, since=2)
def an_isolation_level_that_does_not_exist_and_a_partition_twice(k: Session) -> None:
    topic = k.create_topic()
    request = ask(topic.name, LATEST, LATEST, isolation=7)
    request.topics += ask(k.name("none"), LATEST).topics
    k.send(request)
    request.replica_id = -2
    k.send(request)


@scenario(ApiKey.LIST_OFFSETS)
def as_a_replica(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    for replica in (-2, 5):
        request = ask(topic.name, LATEST)
        request.replica_id = replica
        k.send(request)


@scenario(ApiKey.LIST_OFFSETS, newest_only=True)
def by_time_over_segments(k: Session) -> None:
    topic = k.create_topic(configs={"segment.bytes": "1048576"})
    for number in range(4):
        k.produce(topic, b"%d" % number * 600_000, b"x", timestamp=TIMESTAMP_MS + 10 * number)
    for delta in (0, 5, 10, 25, 30, 31, 32):
        k.send(ask(topic.name, TIMESTAMP_MS + delta))
    k.send(ask(topic.name, MAX_TIMESTAMP))
