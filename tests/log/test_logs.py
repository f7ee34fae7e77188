import errno
import os
import uuid

import pytest
import trio
import trio.testing

from odradek.clock import VirtualClock
from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError, StorageError
from odradek.log.log_directory import LogDirectory, LogDirectoryInUse, UnusableLogDirectories
from odradek.log.logs import Logs, LogsConfig
from odradek.log.offload import inline
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.testing.skewed_clock import SkewedClock
from tests.log.batches import append, batch, contents

A, B, C = TopicPartition("a", 0), TopicPartition("b", 0), TopicPartition("c", 1)
CONFIG = LogConfig(segment_bytes=200, file_delete_delay_ms=60_000)
ID = uuid.UUID(int=7)


async def open_logs(*paths, config=CONFIG, **broker):
    broker_config = LogsConfig(tuple(str(path) for path in paths), **broker)
    return await Logs.open(broker_config, VirtualClock(), config_of=lambda topic: config, offload=inline)


def tear(log):
    """The last write was cut off by the end of the process."""
    with open(log.segments.active.path, "ab") as file:
        file.write(b"torn")


async def test_logs_are_there_again_after_a_clean_stop(tmp_path):
    logs = await open_logs(tmp_path)
    for partition in (A, C):
        append(logs.create(partition, ID, CONFIG), batch([b"x"]), batch([b"y"]), batch([b"z"]))
    logs.create(A, ID, CONFIG).advance_log_start_offset(1)
    await logs.close(broker_epoch=25)
    assert (tmp_path / ".kafka_cleanshutdown").read_text() == '{"version":0,"brokerEpoch":25}'
    assert sorted((tmp_path / "recovery-point-offset-checkpoint").read_text().split("\n")[2:4]) == [
        "a 0 3",
        "c 1 3",
    ]
    assert (tmp_path / "log-start-offset-checkpoint").read_text() == "0\n1\na 0 1\n"
    assert not (tmp_path / ".lock").exists()
    reopened = await open_logs(tmp_path)
    assert not (tmp_path / ".kafka_cleanshutdown").exists(), "a crash from now on is one"
    log = reopened.get(A)
    assert log is not None
    assert contents(log) == [(1, b"y"), (2, b"z")]
    assert (log.topic_id, log.recovery_point) == (ID, 3)
    assert {each.topic_partition for each in reopened.all()} == {A, C}
    await reopened.close()


async def test_logs_are_recovered_after_a_kill(tmp_path):
    logs = await open_logs(tmp_path)
    log = logs.create(A, ID, CONFIG)
    append(log, batch([b"x"]), batch([b"y"]))
    tear(log)
    logs._abandon()
    reopened = await open_logs(tmp_path)
    recovered = reopened.get(A)
    assert recovered is not None
    assert contents(recovered) == [(0, b"x"), (1, b"y")]
    assert recovered.recovery_point == 0
    await reopened.close()


async def test_only_one_broker_opens_a_directory(tmp_path):
    logs = await open_logs(tmp_path)
    with pytest.raises(LogDirectoryInUse):
        await open_logs(tmp_path)
    await logs.close()
    await (await open_logs(tmp_path)).close()


async def test_new_logs_go_where_the_fewest_are(tmp_path):
    logs = await open_logs(tmp_path / "one", tmp_path / "two")
    paths = [logs.create(TopicPartition("t", number), ID, CONFIG).directory.path for number in range(4)]
    assert sorted(paths) == sorted([str(tmp_path / "one"), str(tmp_path / "two")] * 2)
    await logs.close()


async def test_creating_what_exists_returns_it_unless_the_topic_is_another(tmp_path):
    logs = await open_logs(tmp_path)
    log = logs.create(A, None, CONFIG)
    assert log.topic_id is None
    assert logs.create(A, ID, CONFIG) is log
    assert log.topic_id == ID
    with pytest.raises(KafkaError) as caught:
        logs.create(A, uuid.UUID(int=8), CONFIG)
    assert caught.value.code == ErrorCode.INCONSISTENT_TOPIC_ID
    await logs.close()


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (2, 2), (8, 3)])
async def test_so_many_threads_load_a_directory(tmp_path, autojump_clock, threads, at_once):
    logs = await open_logs(tmp_path)
    for partition in (A, B, C):
        append(logs.create(partition, ID, CONFIG), batch([partition.topic.encode()]))
    await logs.close()
    working = most = 0

    async def offload(work):
        nonlocal working, most
        working += 1
        most = max(most, working)
        await trio.sleep(1)
        working -= 1
        return work()

    config = LogsConfig((str(tmp_path),), recovery_threads_per_data_dir=threads)
    logs = await Logs.open(config, VirtualClock(), config_of=lambda topic: CONFIG, offload=offload)
    assert most == at_once
    assert [log.topic_partition for log in logs.all()] == [A, B, C]
    assert all(contents(log) for log in logs.all())
    await logs.close()


async def test_one_directory_fails_and_the_other_goes_on(tmp_path):
    (tmp_path / "file").write_text("not a directory")
    logs = await open_logs(tmp_path / "file", tmp_path / "good")
    assert [usage.is_online for usage in logs.directories] == [False, True]
    assert logs.directories[0].total_bytes == -1
    assert 0 < logs.directories[1].usable_bytes <= logs.directories[1].total_bytes
    append(logs.create(A, ID, CONFIG), batch())
    with pytest.raises(StorageError, match="are offline"):
        logs.create(B, ID, CONFIG, is_new=False)
    await logs.close()
    assert (tmp_path / "good" / ".kafka_cleanshutdown").exists()


async def test_the_last_directory_fails_and_the_broker_stays_up(tmp_path):
    logs = await open_logs(tmp_path)
    log = logs.create(A, ID, CONFIG)
    log.directory.fail(OSError(5, "Input/output error"), "Error while writing")
    with pytest.raises(StorageError):
        append(log, batch())
    with pytest.raises(StorageError, match="No log directories available"):
        logs.create(B, ID, CONFIG)
    await logs.checkpoint()
    await logs.close()
    assert not (tmp_path / ".kafka_cleanshutdown").exists()


@pytest.mark.parametrize("name", ["lost+found", "topic-x"])
async def test_a_directory_that_is_no_partition_stops_the_start(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(UnusableLogDirectories, match="should only contain Kafka topic data"):
        await open_logs(tmp_path)
    (tmp_path / name).rmdir()
    await (await open_logs(tmp_path)).close()


async def test_a_partition_in_two_directories_stops_the_start(tmp_path):
    for directory in ("one", "two"):
        (tmp_path / directory / "a-0").mkdir(parents=True)
    with pytest.raises(UnusableLogDirectories, match="Duplicate log directories for a-0"):
        await open_logs(tmp_path / "one", tmp_path / "two")


async def test_one_directory_named_twice_stops_the_start(tmp_path):
    with pytest.raises(UnusableLogDirectories, match="Duplicate log directory found"):
        await open_logs(tmp_path, tmp_path / ".")


async def test_other_files_and_other_directories_of_kafka_are_left_alone(tmp_path):
    (tmp_path / "metadata.sqlite").touch()
    (tmp_path / "remote-log-index-cache").mkdir()
    (tmp_path / "a-0.0123-future").mkdir()
    (tmp_path / "a-0.0123-stray").mkdir()
    logs = await open_logs(tmp_path)
    assert list(logs.all()) == []
    await logs.close()
    assert (tmp_path / "a-0.0123-future").exists()
    assert (tmp_path / "a-0.0123-stray").exists()


async def test_a_deleted_log_leaves_after_its_delay(tmp_path, autojump_clock):
    logs = await open_logs(tmp_path)
    append(logs.create(A, ID, CONFIG), batch())
    append(logs.create(B, ID, CONFIG), batch())
    async with trio.open_nursery() as nursery:
        await nursery.start(logs.run)
        await logs.delete(A)
        assert logs.get(A) is None
        (name,) = [name for name in os.listdir(tmp_path) if name.startswith("a-0")]
        assert name.endswith("-delete")
        assert (tmp_path / "recovery-point-offset-checkpoint").read_text() == "0\n1\nb 0 0\n"
        await trio.sleep(59)
        assert (tmp_path / name).exists()
        await trio.sleep(2)
        assert not (tmp_path / name).exists()
        append(logs.create(A, uuid.UUID(int=9), CONFIG), batch())
        nursery.cancel_scope.cancel()
    await logs.delete(TopicPartition("unknown", 0))
    await logs.close()


async def test_checkpoints_are_written_one_after_the_other(tmp_path, autojump_clock):
    writing = []

    async def slow_disk(work):
        name = str(getattr(work, "args", ["something else"])[0])
        assert not name.endswith("-checkpoint") or name not in writing, "two writers of one file"
        writing.append(name)
        await trio.sleep(1)
        writing.remove(name)
        return work()

    logs = await Logs.open(
        LogsConfig((str(tmp_path),)), VirtualClock(), config_of=lambda topic: CONFIG, offload=slow_disk
    )
    partitions = [TopicPartition("many", number) for number in range(5)]
    for partition in (A, *partitions):
        logs.create(partition, ID, CONFIG)
    async with trio.open_nursery() as nursery:
        for partition in partitions:
            nursery.start_soon(logs.delete, partition)
        nursery.start_soon(logs.checkpoint)
    assert (tmp_path / "recovery-point-offset-checkpoint").read_text() == "0\n1\na 0 0\n"
    await logs.close()


async def test_a_deletion_that_was_interrupted_is_finished(tmp_path, autojump_clock):
    (tmp_path / "a-0.0123-delete").mkdir()
    (tmp_path / "a-0.0123-delete" / "00000000000000000000.log").touch()
    logs = await open_logs(tmp_path)
    await logs.upkeep.remove_doomed()
    assert not (tmp_path / "a-0.0123-delete").exists()
    await logs.close()


async def test_a_wall_clock_that_is_set_back_delays_no_deletion(tmp_path, autojump_clock):
    clock = SkewedClock()
    logs = await Logs.open(
        LogsConfig((str(tmp_path),)), clock, config_of=lambda topic: CONFIG, offload=inline
    )
    logs.create(A, ID, CONFIG)
    await logs.delete(A)
    clock.skew_ms = -3_600_000
    await trio.sleep(CONFIG.file_delete_delay_ms / 1000 + 1)
    await logs.upkeep.remove_doomed()
    assert not list(tmp_path.glob("*-delete"))
    await logs.close()


async def test_old_segments_leave_in_the_background(tmp_path, autojump_clock):
    logs = await open_logs(tmp_path)
    log = logs.create(A, ID, CONFIG)
    append(log, *(batch() for _ in range(7)))
    async with trio.open_nursery() as nursery:
        await nursery.start(logs.run)
        log.advance_log_start_offset(5)
        await trio.sleep(301)
        assert log.segments.base_offsets == [4, 6]
        assert [name for name in os.listdir(log.path) if name.endswith(".deleted")]
        await trio.sleep(62)
        assert not [name for name in os.listdir(log.path) if name.endswith(".deleted")]
        nursery.cancel_scope.cancel()
    await logs.close()


async def test_checkpoints_are_written_every_minute(tmp_path, autojump_clock):
    logs = await open_logs(tmp_path)
    log = logs.create(A, ID, CONFIG)
    append(log, batch(), batch(), batch())
    async with trio.open_nursery() as nursery:
        await nursery.start(logs.run)
        log.advance_log_start_offset(1)
        await trio.sleep(61)
        # The first segment was rolled, and so flushed, in the background.
        assert (tmp_path / "recovery-point-offset-checkpoint").read_text() == "0\n1\na 0 3\n"
        assert (tmp_path / "log-start-offset-checkpoint").read_text() == "0\n1\na 0 1\n"
        nursery.cancel_scope.cancel()
    await logs.close()


@pytest.mark.parametrize("interval_ms", [0, -1])
async def test_what_has_no_interval_is_done_once(tmp_path, autojump_clock, monkeypatch, interval_ms):
    """Half a minute after the start, as in Kafka; with no time between two of them nothing else was done."""
    logs = await open_logs(
        tmp_path,
        flush_scheduler_interval_ms=interval_ms,
        flush_offset_checkpoint_interval_ms=interval_ms,
        flush_start_offset_checkpoint_interval_ms=interval_ms,
    )
    written: list[tuple[str, float]] = []
    begin = trio.current_time()

    def write(self, file_name, offsets):
        written.append((file_name, trio.current_time() - begin))
        assert len(written) < 10

    monkeypatch.setattr(LogDirectory, "write_offsets", write)
    async with trio.open_nursery() as nursery:
        await nursery.start(logs.run)
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert sorted(written) == [("log-start-offset-checkpoint", 30), ("recovery-point-offset-checkpoint", 30)]
    await logs.close()


@pytest.mark.parametrize(
    ("error", "is_online"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False)]
)
async def test_a_checkpoint_waits_for_a_full_disk_and_no_other(
    tmp_path, autojump_clock, monkeypatch, error, is_online
):
    """A full disk empties again: what is served is served on, and the next checkpoint is written."""
    logs = await open_logs(tmp_path)
    append(logs.create(A, ID, CONFIG), batch(), batch(), batch())
    (directory,) = logs.log_directories
    write = LogDirectory.write_offsets

    def fail(self, file_name, offsets):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(LogDirectory, "write_offsets", fail)
    await logs.checkpoint()
    assert directory.is_online == is_online
    monkeypatch.setattr(LogDirectory, "write_offsets", write)
    await logs.checkpoint()
    assert (tmp_path / "recovery-point-offset-checkpoint").exists() == is_online
    await logs.close()


async def test_logs_are_flushed_when_flush_ms_is_over(tmp_path, autojump_clock):
    config = LogConfig(flush_ms=5000)
    logs = await open_logs(tmp_path, config=config)
    log = logs.create(A, ID, config)
    append(log, batch())
    async with trio.open_nursery() as nursery:
        await nursery.start(logs.run)
        await trio.sleep(3)
        assert log.recovery_point == 0
        await trio.sleep(3)
        assert log.recovery_point == 1
        nursery.cancel_scope.cancel()
    await logs.close()


async def test_high_watermarks_lie_beside_their_logs(tmp_path):
    logs = await open_logs(tmp_path / "one", tmp_path / "two")
    logs.create(A, ID, CONFIG)
    logs.create(B, ID, CONFIG)
    await logs.write_high_watermarks({A: 3, B: 4, C: 5})
    assert logs.read_high_watermarks() == {A: 3, B: 4}
    texts = [(tmp_path / name / "replication-offset-checkpoint").read_text() for name in ("one", "two")]
    assert sorted(texts) == ["0\n1\na 0 3\n", "0\n1\nb 0 4\n"]
    await logs.close()
