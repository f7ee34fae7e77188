"""Produce: small requests that open into much, which Kafka reads as a stream and without a bound.

A compacted topic makes a broker look at each record, for its key.
"""

import struct
import zlib

from compat.judge import Session, scenario
from compat.judge.session import TIMESTAMP_MS, Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.records.batch import HEADER_SIZE_BYTES
from odradek.records.builder import build_batch, write_crc
from odradek.records.compression import Compression
from odradek.records.record import Record
from odradek.records.varint import write_varint

MAX_TIMESTAMP = -3
COMPACTED = {"cleanup.policy": "compact"}
MIB = 1 << 20


def to(topic: Topic, batch: bytes) -> ProduceRequest:
    data = [PartitionProduceData(index=0, records=batch)]
    topics = [TopicProduceData(name=topic.name, topic_id=topic.id, partition_data=data)]
    return ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=topics)


def zeros(size_bytes: int) -> bytes:
    """A batch of one record with a value of so many zeros, made without having them in memory."""
    record = bytearray(b"\0\0\0\2k")
    write_varint(record, size_bytes)
    whole = bytearray()
    write_varint(whole, len(record) + size_bytes + 1)
    packed = zlib.compressobj(wbits=31)
    parts = [packed.compress(whole + record)]
    parts += [packed.compress(bytes(MIB)) for _ in range(size_bytes // MIB)]
    parts += [packed.compress(b"\0"), packed.flush()]
    batch = bytearray(build_batch([Record(0, TIMESTAMP_MS, b"k", b"")], compression=Compression.GZIP))
    batch[HEADER_SIZE_BYTES:] = b"".join(parts)
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    write_crc(batch)
    return bytes(batch)


@scenario(ApiKey.PRODUCE, newest_only=True)
def many_records(k: Session) -> None:
    topic = k.create_topic(configs=COMPACTED)
    for count in (100, 300_000):
        made = (Record(i, TIMESTAMP_MS, b"k", b"") for i in range(count))
        k.send(to(topic, bytes(build_batch(made, compression=Compression.ZSTD))))


@scenario(ApiKey.PRODUCE, newest_only=True)
def many_bytes(k: Session) -> None:
    topic = k.create_topic(configs=COMPACTED)
    for size_mib in (1, 257):
        k.send(to(topic, zeros(size_mib * MIB)))


@scenario(ApiKey.PRODUCE, newest_only=True)
def many_records_compressed_anew(k: Session) -> None:
    topic = k.create_topic(configs={"compression.type": "lz4"})
    for codec in (Compression.NONE, Compression.GZIP, Compression.ZSTD):
        made = (Record(i, TIMESTAMP_MS + i % 3, None, b"some value") for i in range(40_000))
        k.send(to(topic, bytes(build_batch(made, compression=codec))))
    for timestamp in (TIMESTAMP_MS + 1, MAX_TIMESTAMP):
        asked = [ListOffsetsPartition(partition_index=0, timestamp=timestamp)]
        k.send(
            ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=topic.name, partitions=asked)])
        )


@scenario(ApiKey.PRODUCE, newest_only=True)
def many_records_without_keys(k: Session) -> None:
    topic = k.create_topic(configs=COMPACTED)
    made = [Record(i, TIMESTAMP_MS, b"k" if i % 100 else None, b"") for i in range(20_000)]
    k.send(to(topic, bytes(build_batch(made, compression=Compression.SNAPPY))))
