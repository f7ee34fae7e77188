"""A disk that fails is an error code to the client and a live broker, which works again after a restart."""

import resource

import psutil
import pytest

from compat.odradek import Odradek
from compat.wire import Wire
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.describe_log_dirs_request import DescribeLogDirsRequest
from odradek.protocol.generated.metadata_request import MetadataRequest
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.records.builder import build_batch
from odradek.records.record import Record

pytestmark = pytest.mark.integration

TOPIC = "on-a-failing-disk"


def create(wire: Wire, topic: str) -> int:
    topics = [CreatableTopic(name=topic, num_partitions=1, replication_factor=1)]
    [created] = wire.send(CreateTopicsRequest(topics=topics, timeout_ms=2000), version=5).topics
    return int(created.error_code)


def produce(wire: Wire) -> tuple[int, int]:
    """The error code and the offset."""
    records = build_batch([Record(0, 0, None, bytes(10_000), ())])
    data = PartitionProduceData(index=0, records=bytes(records))
    topics = [TopicProduceData(name=TOPIC, partition_data=[data])]
    request = ProduceRequest(acks=-1, timeout_ms=5000, topic_data=topics)
    [answer] = wire.send(request, version=9).responses[0].partition_responses
    return answer.error_code, answer.base_offset


@pytest.mark.parametrize(
    "limit_bytes",
    [
        pytest.param(50_000, id="the log cannot grow"),
        pytest.param(1, id="nothing can be written, not even that"),
    ],
)
def test_the_last_log_directory_fails(limit_bytes: int):
    with Odradek() as broker:
        with Wire(broker.bootstrap) as wire:
            assert create(wire, TOPIC) == 0
            assert produce(wire) == (0, 0)
            # A file that may not grow fails as a broken disk does: not with ENOSPC, which may pass.
            process = psutil.Process(broker.pid)
            process.rlimit(psutil.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))
            stored = 1
            while (answer := produce(wire))[0] == 0:
                stored += 1
            assert stored < 10
            assert answer == (ErrorCode.KAFKA_STORAGE_ERROR, -1)
            assert produce(wire)[0] == ErrorCode.KAFKA_STORAGE_ERROR
            [directory] = wire.send(DescribeLogDirsRequest(topics=None), version=1).results
            assert directory.error_code == ErrorCode.KAFKA_STORAGE_ERROR
            assert wire.send(MetadataRequest(topics=None), version=4).controller_id == 0
            if limit_bytes == 1:
                assert create(wire, "another") == ErrorCode.KAFKA_STORAGE_ERROR
            process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert broker.stop() == 0
        broker.restart()
        with Wire(broker.bootstrap) as wire:
            assert produce(wire) == (0, stored)
        assert "Unexpected error" not in broker.log_text()
