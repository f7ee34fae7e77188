"""Produce: what is appended, what is refused, and in which format."""

import struct
import zlib
from uuid import UUID

from compat.judge import Session, scenario
from compat.judge.session import TIMESTAMP_MS, Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.records.batch import TimestampType
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.crc import crc32c
from odradek.records.legacy import Message, write_message_set
from odradek.records.record import Record

MAGIC_2 = 3
"""The first version that takes batches of magic 2; below it there are message sets."""

ONE_MINUTE = {"message.timestamp.before.max.ms": "60000", "message.timestamp.after.max.ms": "60000"}


def records(*values: bytes | None, timestamp: int = TIMESTAMP_MS, key: bytes | None = None) -> list[Record]:
    return [Record(i, timestamp + i, key, value) for i, value in enumerate(values)]


def batch(k: Session, *values: bytes | None, compression: Compression = Compression.NONE) -> bytes:
    """A batch in the format of the version that is judged: magic 0 or 1 for old ones, else 2."""
    made = records(*values)
    if k.version >= MAGIC_2:
        return bytes(build_batch(made, compression=compression))
    magic = 1 if k.version == 2 else 0
    messages = [Message(r.offset, r.timestamp, r.key, r.value) for r in made]
    return bytes(write_message_set(messages, magic=magic, compression=compression))


def to(topic: Topic, *batches: bytes | None, acks: int = -1, partition: int = 0) -> ProduceRequest:
    data = [PartitionProduceData(index=partition, records=each) for each in batches]
    topics = [TopicProduceData(name=topic.name, topic_id=topic.id, partition_data=data)]
    return ProduceRequest(acks=acks, timeout_ms=10_000, topic_data=topics)


def read_back(k: Session, topic: Topic, partition: int = 0) -> None:
    asked = [FetchPartition(partition=partition, fetch_offset=0, partition_max_bytes=1 << 20)]
    topics = [FetchTopic(topic=topic.name, topic_id=topic.id, partitions=asked)]
    k.send(FetchRequest(max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, topics=topics))


def end_offset(k: Session, topic: Topic) -> None:
    asked = [ListOffsetsPartition(partition_index=0, timestamp=-1)]
    topics = [ListOffsetsTopic(name=topic.name, partitions=asked)]
    k.send(ListOffsetsRequest(replica_id=-1, topics=topics))


def changed(batch: bytes, at: int, layout: str, value: int, *, crc: bool = True) -> bytes:
    """A magic-2 batch with one field of its header changed, its CRC right again unless told otherwise."""
    out = bytearray(batch)
    struct.pack_into(layout, out, at, value)
    if crc:
        struct.pack_into(">I", out, 17, crc32c(out[21:]))
    return bytes(out)


@scenario(ApiKey.PRODUCE)
def one_batch(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, batch(k, b"a", b"b", b"c")))
    k.send(to(topic, batch(k, b"d")))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE)
def every_acks(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, batch(k, b"all"), acks=-1))
    k.send(to(topic, batch(k, b"leader"), acks=1))
    k.send_only(to(topic, batch(k, b"none"), acks=0))
    k.send(to(topic, batch(k, b"after"), acks=1))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE)
def invalid_acks(k: Session) -> None:
    topic = k.create_topic()
    for acks in (2, -2, 7):
        k.send(to(topic, batch(k, b"a"), acks=acks))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def acks_none_to_an_unknown_topic_closes(k: Session) -> None:
    k.send_only(to(Topic(k.name(), UUID(int=5)), batch(k, b"a"), acks=0))
    k.send(to(k.create_topic("b"), batch(k, b"a")))


@scenario(ApiKey.PRODUCE)
def unknown_topic(k: Session) -> None:
    k.send(to(Topic(k.name(), UUID(int=5)), batch(k, b"a")))


@scenario(ApiKey.PRODUCE, until=12)
def names_that_are_no_topics(k: Session) -> None:
    for name in ("", "..", "a b", "x" * 250):
        k.send(to(Topic(name, UUID(int=0)), batch(k, b"a")))


@scenario(ApiKey.PRODUCE)
def unknown_partition(k: Session) -> None:
    topic = k.create_topic()
    for partition in (1, -1, 99):
        k.send(to(topic, batch(k, b"a"), partition=partition))


@scenario(ApiKey.PRODUCE)
def several_topics_and_partitions(k: Session) -> None:
    one, two = k.create_topic("a", partitions=3), k.create_topic("b")
    data = [PartitionProduceData(index=index, records=batch(k, b"x")) for index in (2, 0, 9, 1)]
    more = [PartitionProduceData(index=0, records=batch(k, b"y", b"z"))]
    topics = [
        TopicProduceData(name=one.name, topic_id=one.id, partition_data=data),
        TopicProduceData(name=two.name, topic_id=two.id, partition_data=more),
    ]
    # 4.3 goes by the hash of topic ids, which are random.
    unordered = "responses.partition_responses" if k.release >= "4" else ""
    k.send(ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=topics), unordered=unordered)


@scenario(ApiKey.PRODUCE)
def the_same_partition_twice(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, batch(k, b"a"), batch(k, b"b")))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE)
def no_topics(k: Session) -> None:
    k.send(ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=[]))


@scenario(ApiKey.PRODUCE)
def two_batches_in_one_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, batch(k, b"a") + batch(k, b"b", b"c")))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE)
def no_records(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, b""))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def null_records_are_never_answered(k: Session) -> None:
    topic = k.create_topic()
    k.take(k.post(to(topic, None), patience_s=3))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def null_records_where_there_is_no_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, None, partition=7))
    k.send(to(Topic(k.name("none"), UUID(int=7)), None))


@scenario(ApiKey.PRODUCE)
def shorter_than_the_header_in_one_of_two(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    good = batch(k, b"v")
    whole = bytes(build_batch(records(b"a value that makes it longer than all headers")))
    for length in (14, 15, 22, 38):
        short = struct.pack(">qi", 0, length) + whole[12 : 12 + length]
        k.send(to(topic, short, partition=7))
        request = to(topic, good)
        request.topic_data[0].partition_data.append(PartitionProduceData(index=1, records=short))
        k.send(request, unordered="responses.partition_responses")
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def bad_crc(k: Session) -> None:
    topic = k.create_topic()
    broken = bytearray(batch(k, b"value"))
    broken[-1] ^= 1
    k.send(to(topic, bytes(broken)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def cut_off(k: Session) -> None:
    topic = k.create_topic()
    whole = batch(k, b"value")
    for length in (5, 12, 16, 17, 30, len(whole) - 1):
        k.send(to(topic, whole[:length]))
    k.send(to(topic, whole + whole[:-1]))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def other_magic(k: Session) -> None:
    topic = k.create_topic()
    for magic in (0, 1):
        k.send(to(topic, bytes(write_message_set([Message(0, TIMESTAMP_MS, None, b"old")], magic=magic))))
    k.send(to(topic, bytes(build_batch(records(b"new")))))
    for magic in (3, 127, -1):
        k.send(to(topic, changed(bytes(build_batch(records(b"x"))), 16, ">b", magic)))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE)
def every_codec(k: Session) -> None:
    topic = k.create_topic()
    for codec in Compression:
        if k.version >= MAGIC_2 or codec is not Compression.ZSTD:
            k.send(to(topic, batch(k, b"a" * 50, b"b" * 50, compression=codec)))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def a_codec_that_does_not_exist(k: Session) -> None:
    topic = k.create_topic()
    for attributes in (5, 6, 7):
        k.send(to(topic, changed(batch(k, b"a"), 21, ">h", attributes)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def what_does_not_decompress(k: Session) -> None:
    topic = k.create_topic()
    for codec in (1, 2, 3, 4):
        k.send(to(topic, changed(batch(k, b"value"), 21, ">h", codec)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def too_large_for_the_topic(k: Session) -> None:
    topic = k.create_topic(configs={"max.message.bytes": "200"})
    k.send(to(topic, batch(k, b"x" * 300)))
    k.send(to(topic, batch(k, b"x" * 20)))
    k.send(to(topic, batch(k, b"x" * 20) + batch(k, b"x" * 300)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def too_large_for_the_broker(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, batch(k, b"x" * 1_048_588)))
    k.send(to(topic, batch(k, b"x" * 1_000_000)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def too_large_for_the_segment(k: Session) -> None:
    topic = k.create_topic(configs={"segment.bytes": "1048576", "max.message.bytes": "2000000"})
    k.send(to(topic, batch(k, b"x" * 1_048_700)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def timestamps_out_of_range(k: Session) -> None:
    topic = k.create_topic(configs=ONE_MINUTE)
    k.send(to(topic, batch(k, b"old")))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def timestamps_in_the_future(k: Session) -> None:
    topic = k.create_topic(configs=ONE_MINUTE)
    far = records(b"a", timestamp=4_000_000_000_000)
    made = build_batch(far)
    if k.version < MAGIC_2:
        made = write_message_set([Message(0, far[0].timestamp, None, b"a")], magic=min(k.version, 1))
    k.send(to(topic, bytes(made)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def log_append_time(k: Session) -> None:
    topic = k.create_topic(configs={"message.timestamp.type": "LogAppendTime"})
    k.send(to(topic, batch(k, b"a", b"b")))
    k.send(to(topic, batch(k, b"c" * 60, compression=Compression.GZIP)))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def a_producer_may_not_stamp_append_time(k: Session) -> None:
    topic = k.create_topic()
    stamped = build_batch(records(b"a"), timestamp_type=TimestampType.LOG_APPEND_TIME, log_append_time_ms=5)
    k.send(to(topic, bytes(stamped)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def recompressed_by_the_topic(k: Session) -> None:
    for codec in ("gzip", "snappy", "lz4", "zstd", "uncompressed"):
        topic = k.create_topic(codec, configs={"compression.type": codec})
        k.send(to(topic, batch(k, b"a" * 40, b"b")))
        k.send(to(topic, batch(k, b"c" * 40, compression=Compression.GZIP)))
        read_back(k, topic)


@scenario(ApiKey.PRODUCE)
def compacted_topics_need_keys(k: Session) -> None:
    topic = k.create_topic(configs={"cleanup.policy": "compact"})
    k.send(to(topic, batch(k, b"no key", b"nor here")))
    made = build_batch(records(b"value", key=b"key"))
    if k.version < MAGIC_2:
        made = write_message_set([Message(0, TIMESTAMP_MS, b"key", b"value")], magic=min(k.version // 2, 1))
    k.send(to(topic, bytes(made)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def headers_nulls_and_empty_values(k: Session) -> None:
    topic = k.create_topic()
    made = [
        Record(0, TIMESTAMP_MS, b"k", None),
        Record(1, TIMESTAMP_MS - 5, None, b""),
        Record(2, TIMESTAMP_MS + 5, b"", b"v", (("h", b"1"), ("h", None), ("", b""))),
    ]
    k.send(to(topic, bytes(build_batch(made))))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def headers_that_contradict_the_records(k: Session) -> None:
    topic = k.create_topic()
    good = batch(k, b"a", b"b")
    k.send(to(topic, changed(good, 57, ">i", 1)))
    k.send(to(topic, changed(good, 57, ">i", 3)))
    k.send(to(topic, changed(good, 57, ">i", 0)))
    k.send(to(topic, changed(good, 57, ">i", -1)))
    k.send(to(topic, changed(good, 23, ">i", 5)))
    k.send(to(topic, changed(good, 23, ">i", -1)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def lengths_that_contradict_the_frame(k: Session) -> None:
    topic = k.create_topic()
    good = batch(k, b"a", b"b")
    for length in (0, -1, 20, len(good) - 12 - 1, len(good), 1 << 30):
        k.send(to(topic, changed(good, 8, ">i", length, crc=False)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def shorter_than_the_header(k: Session) -> None:
    topic = k.create_topic()
    good = batch(k, b"a", b"b")
    for length in (14, 15, 38, 39, 48):
        for base_offset in (0, 5):
            k.send(to(topic, struct.pack(">qi", base_offset, length) + good[12 : 12 + length]))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def base_offset_and_leader_epoch_are_the_brokers(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, changed(batch(k, b"a", b"b"), 0, ">q", 1000, crc=False)))
    k.send(to(topic, changed(batch(k, b"c"), 12, ">i", 77, crc=False)))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def control_batches_are_not_for_clients(k: Session) -> None:
    topic = k.create_topic()
    k.send(to(topic, bytes(build_batch(records(b"a"), is_control=True))))
    k.send(to(topic, bytes(build_batch(records(b"a"), is_control=True, is_transactional=True))))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def sequences(k: Session) -> None:
    topic = k.create_topic()
    producer = k.send(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000))

    def sequenced(sequence: int, count: int = 1, epoch: int = 0) -> ProduceRequest:
        made = build_batch(
            records(*[b"v"] * count),
            producer_id=producer.producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
        )
        return to(topic, bytes(made))

    k.send(sequenced(0, 2))
    k.send(sequenced(2))
    k.send(sequenced(0, 2))
    k.send(sequenced(2))
    k.send(sequenced(4))
    k.send(sequenced(1))
    k.send(sequenced(3, epoch=1))
    k.send(sequenced(0, epoch=1))
    k.send(sequenced(1, epoch=0))
    k.send(sequenced(-1, epoch=1))
    for sequence in range(1, 8):
        k.send(sequenced(sequence, epoch=1))
    k.send(sequenced(2, epoch=1))
    k.send(sequenced(3, epoch=1))
    k.send(sequenced(7, 2, epoch=1))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def a_producer_nobody_knows(k: Session) -> None:
    topic = k.create_topic()
    for sequence in (5, 0, 1):
        made = build_batch(records(b"a"), producer_id=999_999, producer_epoch=3, base_sequence=sequence)
        k.send(to(topic, bytes(made)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def two_sequenced_batches_in_one_partition(k: Session) -> None:
    topic = k.create_topic()
    made = [
        bytes(build_batch(records(b"a"), producer_id=9, producer_epoch=0, base_sequence=each))
        for each in (0, 1)
    ]
    k.send(to(topic, b"".join(made)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def sequences_wrap_around(k: Session) -> None:
    topic = k.create_topic()
    last = 2**31 - 1
    for sequence, count in ((last - 1, 2), (0, 1)):
        made = build_batch(records(*[b"v"] * count), producer_id=11, producer_epoch=0, base_sequence=sequence)
        k.send(to(topic, bytes(made)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def fewer_replicas_than_required(k: Session) -> None:
    topic = k.create_topic(configs={"min.insync.replicas": "2"})
    k.send(to(topic, batch(k, b"a"), acks=-1))
    k.send(to(topic, batch(k, b"a"), acks=1))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE)
def internal_topics_are_the_brokers(k: Session) -> None:
    topic = Topic("__consumer_offsets", k.topic_id("__consumer_offsets"))
    k.send(to(topic, batch(k, b"a")))


@scenario(ApiKey.PRODUCE, until=2)
def wrapped_messages(k: Session) -> None:
    topic = k.create_topic()
    for magic in (0, 1):
        messages = [Message(i, TIMESTAMP_MS + i if magic else -1, None, b"v%d" % i) for i in range(3)]
        for codec in (Compression.GZIP, Compression.SNAPPY, Compression.LZ4):
            k.send(to(topic, bytes(write_message_set(messages, magic=magic, compression=codec))))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE, until=2)
def wrong_crc_of_one_message_of_several(k: Session) -> None:
    topic = k.create_topic()
    good = bytes(write_message_set([Message(0, -1, None, b"good")], magic=0))
    bad = bytearray(good)
    bad[-1] ^= 1
    k.send(to(topic, good + bytes(bad)))
    end_offset(k, topic)


@scenario(ApiKey.PRODUCE, until=2)
def message_attributes(k: Session) -> None:
    topic = k.create_topic()
    for attributes in (4, 5, 8, 0x40):
        out = bytearray(write_message_set([Message(0, TIMESTAMP_MS, None, b"v")], magic=1))
        out[17] = attributes
        struct.pack_into(">I", out, 12, zlib.crc32(out[16:]))
        k.send(to(topic, bytes(out)))
    read_back(k, topic)


@scenario(ApiKey.PRODUCE, since=3)
def a_transaction_without_its_id(k: Session) -> None:
    topic = k.create_topic()
    made = build_batch(
        records(b"a"), is_transactional=True, producer_id=13, producer_epoch=0, base_sequence=0
    )
    k.send(to(topic, bytes(made)))
    end_offset(k, topic)
