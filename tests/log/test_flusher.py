import os

import pytest
import trio
import trio.testing

from odradek.config.log_config import LogConfig
from odradek.errors import StorageError
from odradek.log.environment import LogEnvironment
from odradek.log.flusher import FlushJob, FlushQueue
from odradek.log.log import Log
from odradek.log.log_directory import LogDirectory
from odradek.log.recovery import LoadRequest, load_log
from tests.log.batches import NOW_MS, PARTITION, FixedClock, append, batch


class Disk:
    """Stands in for the threads: work done on it waits until it is let through."""

    def __init__(self):
        self.jobs = []
        self.open = trio.Event()
        self.error = None

    async def __call__(self, work):
        self.jobs.append(work)
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return work()


def log_on(disk, path, config=None):
    config = config or LogConfig()
    directory = path / "topic-0"
    directory.mkdir()
    environment = LogEnvironment(FixedClock(), disk)
    loaded = load_log(LoadRequest(PARTITION, str(directory), config, NOW_MS, 1000))
    return Log(PARTITION, config, loaded, LogDirectory(str(path)), environment)


async def test_a_flush_moves_the_recovery_point_to_what_was_there_when_it_began(tmp_path):
    disk = Disk()
    log = log_on(disk, tmp_path)
    append(log, batch(), batch())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.flush)
        await trio.testing.wait_all_tasks_blocked()
        append(log, batch())
        disk.open.set()
    assert log.recovery_point == 2
    await log.flush()
    assert log.recovery_point == 3
    assert len(disk.jobs) == 2


async def test_all_who_come_during_a_flush_share_the_next(tmp_path):
    disk = Disk()
    log = log_on(disk, tmp_path)
    append(log, batch())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.flush)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(10):
            append(log, batch())
            nursery.start_soon(log.flush)
        await trio.testing.wait_all_tasks_blocked()
        assert len(disk.jobs) == 1
        disk.open.set()
    assert log.recovery_point == 11
    assert len(disk.jobs) == 2


async def test_what_is_flushed_already_is_not_flushed_again(tmp_path):
    disk = Disk()
    disk.open.set()
    log = log_on(disk, tmp_path)
    append(log, batch(), batch())
    await log.flush()
    await log.flush()
    await log.flush(1)
    assert len(disk.jobs) == 1


async def test_what_was_cut_and_written_anew_during_a_flush_is_not_on_disk(tmp_path):
    disk = Disk()
    log = log_on(disk, tmp_path)
    append(log, batch(), batch(), batch())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.flush, 1)
        await trio.testing.wait_all_tasks_blocked()
        log.truncate_to(1)
        append(log, batch(), batch())
        disk.open.set()
    assert log.recovery_point == 1


async def test_a_failed_flush_is_everybodys_failure_and_takes_the_directory_offline(tmp_path):
    disk = Disk()
    disk.error = OSError(5, "Input/output error")
    log = log_on(disk, tmp_path)
    append(log, batch())
    failures = []

    async def flush():
        try:
            await log.flush()
        except StorageError as error:
            failures.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(flush)
        nursery.start_soon(flush)
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
    assert len(failures) == 2
    assert not log.directory.is_online
    assert log.recovery_point == 0


async def test_the_files_of_new_segments_and_their_directory_are_synced(tmp_path):
    log = log_on(Disk(), tmp_path, LogConfig(segment_bytes=150))
    append(log, batch(), batch(), batch())
    job = log.flush_job()
    names = {os.path.basename(path) for path in job.files}
    assert {f"{0:020d}.log", f"{2:020d}.log", f"{2:020d}.snapshot", "leader-epoch-checkpoint"} <= names
    assert job.directory == log.path
    log.mark_flushed(3)
    append(log, batch())
    later = log.flush_job()
    assert f"{0:020d}.log" not in {os.path.basename(path) for path in later.files}
    assert later.directory is None


def test_a_job_syncs_what_is_there(tmp_path, monkeypatch):
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    (tmp_path / "here").touch()
    FlushJob([str(tmp_path / "here"), str(tmp_path / "gone")], str(tmp_path)).run()
    assert len(synced) == 2


def test_files_that_are_gone_need_no_sync(tmp_path):
    FlushJob([str(tmp_path / "gone")], str(tmp_path / "gone too")).run()


async def test_the_queue_flushes_what_nobody_waits_for(tmp_path, autojump_clock):
    disk = Disk()
    disk.open.set()
    log = log_on(disk, tmp_path)
    queue = FlushQueue()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(queue.run, disk)
        append(log, batch(), batch())
        queue.request(log, 1)
        await trio.testing.wait_all_tasks_blocked()
        assert log.recovery_point == 2
        queue.request_job(FlushJob([log.segments.active.path + "/no-directory"], None))
        queue.request_job(FlushJob([log.path + "/partition.metadata"], None))
        await trio.testing.wait_all_tasks_blocked()
        assert len(disk.jobs) == 2
        disk.error = OSError("failed")
        append(log, batch())
        queue.request(log, 3)
        await trio.testing.wait_all_tasks_blocked()
        assert not log.directory.is_online
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("flush_messages", "due"), [(1, True), (2, True), (3, False), (2**63 - 1, False)])
def test_flush_messages_says_when_an_append_must_be_on_disk(tmp_path, flush_messages, due):
    log = log_on(Disk(), tmp_path, LogConfig(flush_messages=flush_messages))
    append(log, batch([b"a", b"b"]))
    assert log.is_flush_due == due
