"""Readers of old messages: nobody is held up by what is converted for them, however many batches it is in."""

import inspect

import cramjam
import pytest

from odradek.api.fetch import api
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.records.batch import MAX_RECORDS
from odradek.records.builder import build_batch
from odradek.records.compression import Compression, TakesLong
from odradek.records.conversion import down_convert, down_convert_at_leisure
from odradek.records.record import Record, read_all_records
from odradek.records.window import drive
from tests.api.data_broker import data_broker
from tests.api.test_fetch import append


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


def batches(records: list[Record], size: int, compression: Compression) -> bytes:
    parts = [records[at : at + size] for at in range(0, len(records), size)]
    return b"".join(build_batch(part, base_offset=part[0].offset, compression=compression) for part in parts)


@pytest.mark.parametrize(
    ("count", "size", "compression"),
    [(MAX_RECORDS + 1, 100, Compression.NONE), (100, 2, Compression.GZIP)],
    ids=["many records", "many compressed batches"],
)
def test_many_batches_are_converted_at_leisure(count, size, compression):
    records = [Record(offset, 1_000, b"k", b"v") for offset in range(count)]
    source = batches(records, size, compression)
    with pytest.raises(TakesLong):
        down_convert(source, to_magic=1, first_offset=0)
    steps = down_convert_at_leisure(source, to_magic=1, first_offset=0, zstd=zstd_as_a_whole)
    converted = list(read_all_records(drive(steps)))
    assert converted == records[: len(converted)]
    assert len(converted) > count // 4  # as many as fit into the bytes that the batches had


async def test_only_one_partition_is_converted_at_once(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        for index in range(3):
            append(broker.host.lead("t", index), build_batch([Record(0, 1_000, b"k", b"v")]))
        asked = [FetchPartition(index, fetch_offset=0, partition_max_bytes=10**6) for index in range(3)]
        request = FetchRequest(max_bytes=10**6, topics=[FetchTopic("t", partitions=asked)])
        started = api.handle(request, broker.context(api, 3))
        assert inspect.isawaitable(started)
        response = await started
        [topic] = response.responses
        for answer in topic.partitions:
            assert answer.error_code == 0
            assert list(read_all_records(answer.records)) == [Record(0, 1_000, b"k", b"v")]
        [segment] = broker.host.lead("t").local_log().segments
        assert segment.file.leases == 0
