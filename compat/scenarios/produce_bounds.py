"""Produce: small requests that open into much, which Kafka reads as a stream and without a bound.

A compacted topic makes a broker look at each record, for its key.
"""

import struct
import zlib

from compat.judge import Session, scenario
from compat.judge.session import TIMESTAMP_MS, Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.records.batch import HEADER_SIZE_BYTES
from odradek.records.builder import build_batch, write_crc
from odradek.records.compression import Compression
from odradek.records.record import Record
from odradek.records.varint import write_varint

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
