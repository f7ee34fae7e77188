"""AlterReplicaLogDirs: what it answers, and what DescribeLogDirs shows of it."""

import pytest
import trio
import trio.testing

from odradek.api.alter_replica_log_dirs import api
from odradek.api.describe_log_dirs import api as describe
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_replica_log_dirs_request import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from odradek.protocol.generated.describe_log_dirs_request import DescribeLogDirsRequest
from odradek.records.validation import AppendOrigin
from tests.api.data_broker import DataBroker, data_broker
from tests.replication.hosting import NODE_ID, batch


def ask(*wanted: tuple[object, str, int]) -> AlterReplicaLogDirsRequest:
    return AlterReplicaLogDirsRequest(
        [AlterReplicaLogDir(str(path), [AlterReplicaLogDirTopic(*at)]) for path, *at in _lists(wanted)]
    )


def _lists(wanted):
    return [(path, topic, [partition]) for path, topic, partition in wanted]


def codes(response) -> dict[tuple[str, int], int]:
    return {
        (topic.topic_name, each.partition_index): each.error_code
        for topic in response.results
        for each in topic.partitions
    }


async def shown(broker: DataBroker) -> list[tuple[str, int, int, bool]]:
    """(directory, bytes, lag, is future) of every log."""
    response = await broker.ask(describe, DescribeLogDirsRequest(None), 4)
    return [
        (directory.log_dir[-1], each.partition_size, each.offset_lag, each.is_future_key)
        for directory in response.results
        for topic in directory.topics
        for each in topic.partitions
    ]


@pytest.mark.parametrize("version", range(3))
async def test_what_cannot_be_moved(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path / "a", tmp_path / "b") as broker:
        broker.host.lead("t")
        broker.host.announce("elsewhere", leader=NODE_ID + 1)
        failed = broker.host.lead("failed")
        assert failed.log is not None
        request = ask(
            (tmp_path / "a", "t", 0),
            (tmp_path / "c", "u", 0),
            (tmp_path / "a", "none", 0),
            (tmp_path / "a", "elsewhere", 0),
            (tmp_path / "a", "t", 9),
        )
        assert codes(await broker.ask(api, request, version)) == {
            ("t", 0): ErrorCode.NONE,
            ("u", 0): ErrorCode.LOG_DIR_NOT_FOUND,
            ("none", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ("elsewhere", 0): ErrorCode.REPLICA_NOT_AVAILABLE,
            ("t", 9): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        }
        failed.log.directory.fail(OSError(), "test")
        request = ask((tmp_path / "a", "failed", 0), (tmp_path / "b", "t", 0))
        assert set(codes(await broker.ask(api, request, version)).values()) == {ErrorCode.KAFKA_STORAGE_ERROR}


async def test_both_logs_are_shown_until_one_is_left(tmp_path, autojump_clock):
    async with data_broker(tmp_path / "a", tmp_path / "b") as broker, trio.open_nursery() as nursery:
        partition = broker.host.lead("t")
        for _ in range(3):
            partition.append(batch(2), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        size_bytes = len(batch(2))
        broker.host.relocation_rate = 1
        response = await broker.ask(api, ask((tmp_path / "b", "t", 0)), 2)
        assert codes(response) == {("t", 0): ErrorCode.NONE}
        assert await shown(broker) == [("a", 3 * size_bytes, 0, False), ("b", 0, 6, True)]
        broker.host.relocations.work_in(nursery)
        await trio.testing.wait_all_tasks_blocked()
        assert await shown(broker) == [("a", 3 * size_bytes, 0, False), ("b", size_bytes, 4, True)]
        broker.host.relocation_rate = 2**63 - 1
        await trio.sleep(2)
        assert await shown(broker) == [("b", 3 * size_bytes, 0, False)]


async def test_of_two_directories_for_a_partition_the_last_counts(tmp_path, autojump_clock):
    async with data_broker(tmp_path / "a", tmp_path / "b") as broker:
        broker.host.lead("t")
        request = ask((tmp_path / "none", "t", 0), (tmp_path / "b", "t", 0))
        assert codes(await broker.ask(api, request, 1)) == {("t", 0): ErrorCode.NONE}
        assert [each[0] for each in await shown(broker)] == ["a", "b"]


async def test_a_refusal_names_every_partition(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        request = ask((tmp_path, "t", 0), (tmp_path, "u", 1))
        assert api.refuse is not None
        answer = api.refuse(request, broker.context(api, 2), ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
        assert codes(answer) == dict.fromkeys([("t", 0), ("u", 1)], ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
