"""DescribeLogDirs: sizes by directory, at every version."""

import os

import pytest

from odradek.api.describe_log_dirs import api
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_log_dirs_request import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)
from odradek.records.validation import AppendOrigin
from tests.api.data_broker import data_broker
from tests.replication.hosting import batch


@pytest.mark.parametrize("version", range(6))
async def test_all_logs_of_a_directory(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path) as broker:
        broker.host.lead("t")
        partition = broker.host.lead("t", 1)
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        response = await broker.ask(api, DescribeLogDirsRequest(None), version)
        [directory] = response.results
        assert (directory.error_code, directory.log_dir) == (0, str(tmp_path))
        [topic] = directory.topics
        assert topic.name == "t"
        assert [(of.partition_index, of.partition_size, of.offset_lag) for of in topic.partitions] == [
            (0, 0, 0),
            (1, len(batch(5)), 0),
        ]
        space = os.statvfs(tmp_path)
        total_bytes = space.f_frsize * space.f_blocks if version >= 4 else -1
        assert directory.total_bytes == total_bytes


async def test_only_what_was_asked_for(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        for name in ("t", "u"):
            broker.host.lead(name)
        asked = DescribeLogDirsRequest([DescribableLogDirTopic("u", [0, 1]), DescribableLogDirTopic("x", [])])
        response = await broker.ask(api, asked, 4)
        assert [topic.name for topic in response.results[0].topics] == ["u"]
        response = await broker.ask(api, DescribeLogDirsRequest([]), 4)
        assert response.results[0].topics == []


async def test_a_failed_directory(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        assert partition.log is not None
        partition.log.directory.fail(OSError(), "test")
        response = await broker.ask(api, DescribeLogDirsRequest(None), 4)
        [directory] = response.results
        assert (directory.error_code, directory.topics) == (ErrorCode.KAFKA_STORAGE_ERROR, [])
        assert (directory.total_bytes, directory.usable_bytes) == (-1, -1)
