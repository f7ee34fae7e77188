"""Moves between log directories: nothing is lost, doubled or held up by them, whatever happens meanwhile."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError, StorageError
from odradek.log.file_names import directory_name
from odradek.log.log import Log
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.stop_replica_request import (
    StopReplicaPartitionState,
    StopReplicaRequest,
    StopReplicaTopicState,
)
from odradek.records.validation import AppendOrigin
from odradek.replication.partition import Partition
from odradek.replication.relocations import RelocationSettings
from tests.log.batches import batch as transaction_batch
from tests.log.batches import marker
from tests.replication.hosting import NODE_ID, Hosting, batch, hosting
from tests.replication.leader_and_follower import content

T0 = TopicPartition("t", 0)


@asynccontextmanager
async def two_directories(path: Path) -> AsyncIterator[Hosting]:
    async with hosting(path / "a", NODE_ID, None, path / "b") as host:
        async with trio.open_nursery() as nursery:
            host.relocations.work_in(nursery)
            yield host
            host.relocations.work_in(None)
            nursery.cancel_scope.cancel()


def append(partition: Partition, count: int = 1, *, times: int = 1, **fields: int) -> None:
    for _ in range(times):
        records = batch(count, **fields)
        partition.append(records, required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)


def transactional(producer_id: int) -> bytearray:
    return transaction_batch(
        producer_id=producer_id, producer_epoch=0, base_sequence=0, is_transactional=True
    )


def name_of_directory(partition: Partition) -> str:
    assert partition.log is not None
    return os.path.basename(partition.log.directory.path)


def elsewhere(partition: Partition) -> str:
    """The path of the directory where the partition's log is not."""
    assert partition.log is not None
    here = Path(partition.log.directory.path)
    return str(here.with_name("b" if here.name == "a" else "a"))


def future_of(partition: Partition) -> Log:
    assert partition.future is not None
    return partition.future.log


def on_disk(path: Path) -> set[str]:
    """What is where, the unique part of names left out."""
    return {
        f"{directory}/{name.partition('.')[0]}{name[-7:] if '.' in name else ''}"
        for directory in ("a", "b")
        for name in os.listdir(path / directory)
        if name.startswith("t-")
    }


async def test_a_replica_moves_with_all_that_it_holds(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, 3, times=5, producer_id=7, producer_epoch=0, base_sequence=0)
        append(partition, 2, times=5)
        host.tell("t", leader_epoch=4, partition_epoch=1)
        before, old = content(partition), partition.log
        assert old is not None
        host.relocations.begin(T0, elsewhere(partition))
        assert partition.log is old
        assert content(partition) == before
        await trio.testing.wait_all_tasks_blocked()
        log = partition.log
        assert partition.future is None
        assert log is not None
        assert log is not old
        assert (name_of_directory(partition), log.path) == ("b", str(tmp_path / "b" / "t-0"))
        assert content(partition) == before
        assert (log.log_end_offset, log.topic_id) == (13, old.topic_id)
        assert partition.end_of_epoch(4) == (4, 13), "an election without a batch is known"
        assert log.recovery_point == 13
        assert partition.high_watermark == 13
        assert list(log.producers.producers) == [7]
        assert on_disk(tmp_path) == {"a/t-0-delete", "b/t-0"}
        append(partition)
        assert log.log_end_offset == 14


async def test_what_comes_meanwhile_moves_too(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=50)
        host.relocations.begin(T0, elsewhere(partition))
        turns = 0
        while partition.future is not None:
            if turns < 30:
                append(partition)
            turns += 1
            await trio.lowlevel.checkpoint()
        assert turns > 30
        assert name_of_directory(partition) == "b"
        assert partition.log is not None
        assert partition.log.log_end_offset == 80
        assert partition.high_watermark == 80


async def test_it_is_there_after_a_restart(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=5)
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        append(partition)
        before = content(partition)
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        assert (name_of_directory(partition), content(partition)) == ("b", before)
        assert partition.high_watermark == 6


async def test_a_move_goes_on_after_a_restart(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=20)
        host.relocation_rate = 100
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        copied = future_of(partition).log_end_offset
        assert 0 < copied < 20
        await host.logs.checkpoint()
        assert on_disk(tmp_path) == {"a/t-0", "b/t-0-future"}
        before = content(partition)
    async with two_directories(tmp_path) as host:
        assert host.logs.future(T0) is not None
        partition = host.lead("t")
        assert (name_of_directory(partition), future_of(partition).log_end_offset) == ("a", copied)
        await trio.testing.wait_all_tasks_blocked()
        assert (name_of_directory(partition), content(partition)) == ("b", before)


async def test_after_a_crash_only_what_both_hold_is_kept(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=5)
        host.tell("t", leader_epoch=3, partition_epoch=1)
        append(partition, times=15)
        host.relocation_rate = 100
        host.relocations.begin(T0, elsewhere(partition))
        await trio.sleep(8)
        assert 6 < future_of(partition).log_end_offset < 20
        log, partition.future = partition.log, None
        assert log is not None
        # Power failed when the log was cut and had grown anew, and the future log was as before.
        log.truncate_to(6)
        host.tell("t", leader_epoch=5, partition_epoch=2)
        append(partition, times=10)
        before = content(partition)
    async with two_directories(tmp_path) as host:
        host.tell("t", leader_epoch=5, partition_epoch=2)
        partition = host.replicas.hosted("t", 0)
        assert future_of(partition).log_end_offset == 6
        await trio.testing.wait_all_tasks_blocked()
        assert (name_of_directory(partition), content(partition)) == ("b", before)


async def test_a_future_log_of_another_topic_is_not_taken(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=5)
        host.relocation_rate = 1
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        future = future_of(partition)
        future.assign_topic_id(uuid.UUID(int=5))
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        assert partition.future is None
        assert host.logs.future(T0) is None
        await trio.testing.wait_all_tasks_blocked()
        assert name_of_directory(partition) == "a"


async def test_what_is_cut_from_the_log_is_cut_from_the_future_one(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=10)
        host.relocation_rate = 100
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        assert future_of(partition).log_end_offset > 1
        host.tell("t", leader=NODE_ID + 1, leader_epoch=1, partition_epoch=1, replicas=(1, 2), isr=(1, 2))
        partition.truncate_to(1)
        assert future_of(partition).log_end_offset == 1
        partition.truncate_fully_and_start_at(40)
        assert (future_of(partition).log_start_offset, future_of(partition).log_end_offset) == (40, 40)
        host.tell("t", leader_epoch=2, partition_epoch=2)
        append(partition, times=3)
        host.relocation_rate = 2**63 - 1
        await trio.sleep(2)
        assert name_of_directory(partition) == "b"
        assert partition.log is not None
        assert (partition.log.log_start_offset, partition.log.log_end_offset) == (40, 43)


async def test_a_cut_while_a_stretch_is_read_drops_that_stretch(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=10)
        reading, go_on = trio.Event(), trio.Event()

        async def slowly(work):
            data = work()
            reading.set()
            await go_on.wait()
            return data

        host.relocations._offload = slowly
        host.relocations.begin(T0, elsewhere(partition))
        await reading.wait()
        partition.truncate_to(0)
        host.tell("t", leader_epoch=1, partition_epoch=1)
        append(partition, times=2, size=3)
        before = content(partition)
        go_on.set()
        await trio.testing.wait_all_tasks_blocked()
        assert (name_of_directory(partition), content(partition)) == ("b", before)


async def test_deleted_records_are_not_copied_and_are_waited_for(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, 10, times=10)
        host.relocation_rate = 1
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        copied = future_of(partition).log_end_offset
        assert 0 < copied < 50
        # In the middle of a batch, of which the beginning is moved, too.
        assert partition.delete_records(55) == 0
        host.relocation_rate = 2**63 - 1
        assert await partition.wait_low_watermark(55) == 55
        await trio.sleep(2)
        assert name_of_directory(partition) == "b"
        assert partition.log is not None
        assert (partition.log.log_start_offset, partition.log.log_end_offset) == (55, 100)
        with partition.read(55, max_bytes=10**6).records as records:
            assert records.view()[:8] == (50).to_bytes(8, "big")


async def test_whoever_waits_for_deleted_records_need_not_wait_for_the_end_of_a_move(
    tmp_path, autojump_clock
):
    async with two_directories(tmp_path) as host, trio.open_nursery() as nursery:
        partition = host.lead("t")
        append(partition, times=3)
        host.relocations.work_in(None)
        host.relocations.begin(T0, elsewhere(partition))
        partition.delete_records(1)
        nursery.start_soon(partition.wait_low_watermark, 1)
        await trio.testing.wait_all_tasks_blocked()
        partition.append_to_future(content(partition)[: len(batch())])
        await trio.testing.wait_all_tasks_blocked()
        assert not nursery.child_tasks


async def test_a_transaction_is_as_stable_as_it_was(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        log = partition.local_log()
        log.append_as_leader(transactional(7), leader_epoch=0, now_ms=0)
        log.append_as_leader(
            marker(7, is_abort=False), leader_epoch=0, now_ms=0, origin=AppendOrigin.COORDINATOR
        )
        assert (partition.high_watermark, partition.last_stable_offset) == (0, 0)
        host.relocations.work_in(None)
        host.relocations.begin(T0, elsewhere(partition))
        partition.append_to_future(content(partition))
        host.tell("t", leader_epoch=1, partition_epoch=1)
        assert (partition.high_watermark, partition.last_stable_offset) == (2, 2)
        host.logs.replace_with_future(T0)
        partition.adopt_future()
        assert name_of_directory(partition) == "b"
        assert partition.last_stable_offset == 2


async def test_a_deleted_replica_is_gone_from_both(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=10)
        host.relocation_rate = 1
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        states = [StopReplicaPartitionState(partition_index=0, leader_epoch=-2, delete_partition=True)]
        request = StopReplicaRequest(controller_epoch=1, topic_states=[StopReplicaTopicState("t", states)])
        await host.replicas.stop_replica(request)
        assert (host.logs.get(T0), host.logs.future(T0)) == (None, None)
        assert on_disk(tmp_path) == {"a/t-0-delete", "b/t-0-delete"}
        host.relocation_rate = 2**63 - 1
        await trio.sleep(2)
        assert on_disk(tmp_path) == {"a/t-0-delete", "b/t-0-delete"}


async def test_a_move_may_change_its_mind(tmp_path, autojump_clock):
    paths = (tmp_path / "a", NODE_ID, None, tmp_path / "b", tmp_path / "c")
    async with hosting(*paths) as host, trio.open_nursery() as nursery:
        partition = host.lead("t")
        append(partition, times=10)
        host.relocations.begin(T0, str(tmp_path / "b"))
        host.relocations.begin(T0, str(tmp_path / "b"))
        host.relocations.begin(T0, str(tmp_path / "c"))
        await host.relocations.settle()
        host.relocations.work_in(nursery)
        await trio.testing.wait_all_tasks_blocked()
        assert name_of_directory(partition) == "c"
        assert not [name for name in os.listdir(tmp_path / "b") if name == "t-0" or "future" in name]
        host.relocations.begin(T0, str(tmp_path / "b"))
        host.relocations.begin(T0, str(tmp_path / "c"))
        await trio.testing.wait_all_tasks_blocked()
        assert (name_of_directory(partition), partition.future) == ("c", None)


async def test_the_destination_fails(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=10)
        host.relocation_rate = 100
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        host.logs.directory(str(tmp_path / "b")).fail(OSError(), "test")
        partition.truncate_to(1)
        await trio.sleep(2)
        assert (partition.future, host.logs.future(T0)) == (None, None)
        assert not partition.is_offline
        append(partition)
        with pytest.raises(StorageError):
            host.relocations.begin(T0, str(tmp_path / "b"))


async def test_the_source_fails(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=10)
        host.relocation_rate = 100
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        host.logs.directory(str(tmp_path / "a")).fail(OSError(), "test")
        await trio.sleep(5)
        assert partition.is_offline
        with pytest.raises(StorageError):
            host.relocations.begin(T0, str(tmp_path / "b"))


async def test_a_full_disk_is_tried_again(tmp_path, autojump_clock, monkeypatch):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=3)
        is_full = True
        append_as_follower = Log.append_as_follower

        def refuse(log, records):
            if is_full:
                raise StorageError("full")
            return append_as_follower(log, records)

        monkeypatch.setattr(Log, "append_as_follower", refuse)
        host.relocations.begin(T0, elsewhere(partition))
        await trio.sleep(5)
        assert partition.future is not None
        is_full = False
        await trio.sleep(1)
        assert name_of_directory(partition) == "b"


async def test_the_rate_bounds_the_copying(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=20, size=50)
        assert partition.log is not None
        size_bytes = partition.log.size_bytes
        host.relocation_rate = size_bytes // 20
        host.relocations.begin(T0, elsewhere(partition))
        seconds = 0
        while partition.future is not None:
            seconds += 1
            await trio.sleep(1)
        assert 15 <= seconds <= 25


async def test_what_is_on_disk_stays_on_disk(tmp_path, autojump_clock, monkeypatch):
    """With flush.messages a record is acknowledged once it is on disk, and its first copy goes soon."""
    async with two_directories(tmp_path) as host:
        partition = host.lead("t", config=LogConfig(flush_messages=1))
        append(partition, times=5)
        assert partition.log is not None
        await partition.log.flush()
        flush = Log.flush

        async def slowly(log, up_to_offset=None):
            await flush(log, up_to_offset)
            if log.is_future and log.log_end_offset == 5:
                append(partition)
                assert partition.log is not None
                await flush(partition.log)
                partition.append_to_future(content(partition)[-len(batch()) :])

        monkeypatch.setattr(Log, "flush", slowly)
        host.relocations.begin(T0, elsewhere(partition))
        await trio.testing.wait_all_tasks_blocked()
        assert name_of_directory(partition) == "b"
        assert partition.log.log_end_offset == 6
        assert partition.log.recovery_point == 6
        assert partition.high_watermark == 6
        append(partition)
        assert partition.high_watermark == 6
        await flush(partition.log)
        assert partition.high_watermark == 7


@pytest.mark.parametrize(("workers", "at_once"), [(1, 1), (2, 2)])
async def test_so_many_replicas_are_copied_at_once(tmp_path, autojump_clock, workers, at_once):
    async with two_directories(tmp_path) as host:
        host.relocations._settings = RelocationSettings(workers=workers, max_bytes=100)
        reading: set[int] = set()
        most = 0

        async def slowly(work):
            nonlocal most
            task = id(trio.lowlevel.current_task())
            reading.add(task)
            most = max(most, len(reading))
            await trio.sleep(0.1)
            reading.discard(task)
            return work()

        host.relocations._offload = slowly
        partitions = [host.lead("t", index) for index in range(3)]
        for partition in partitions:
            append(partition, times=5)
            host.relocations.begin(partition.topic_partition, elsewhere(partition))
            await trio.sleep(0.01)
        await trio.sleep(10)
        assert [each.future for each in partitions] == [None] * 3
        assert most == at_once


async def test_a_new_configuration_holds_in_both(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        partition = host.lead("t")
        append(partition, times=5)
        host.relocation_rate = 1
        host.relocations.begin(T0, elsewhere(partition))
        config = LogConfig(segment_bytes=1000)
        host.replicas.apply_topic_config("t", config)
        assert future_of(partition).config is config


async def test_a_replica_that_is_not_here_yet_is_made_where_it_is_wanted(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        host.lead("busy")
        host.announce("t", leader=NODE_ID + 1)
        for directory, code in (
            ("a", ErrorCode.REPLICA_NOT_AVAILABLE),
            ("c", ErrorCode.LOG_DIR_NOT_FOUND),
        ):
            with pytest.raises(KafkaError) as refused:
                host.relocations.begin(T0, str(tmp_path / directory))
            assert refused.value.code == code
        # The directory with the fewest logs would be the other one.
        assert name_of_directory(host.lead("t")) == "a"
        with pytest.raises(KafkaError) as refused:
            host.relocations.begin(TopicPartition("nowhere", 0), str(tmp_path / "a"))
        assert refused.value.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_a_name_that_has_no_room_for_a_future_log(tmp_path, autojump_clock):
    async with two_directories(tmp_path) as host:
        longest = "x" * (255 - len("-0") - len(f".{uuid.uuid4().hex}-future"))
        for topic, code in (
            (longest, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
            (longest + "x", ErrorCode.INVALID_TOPIC_EXCEPTION),
        ):
            with pytest.raises(KafkaError) as refused:
                host.relocations.begin(TopicPartition(topic, 0), str(tmp_path / "a"))
            assert refused.value.code == code
        assert directory_name(T0) == "t-0"
