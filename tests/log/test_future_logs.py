"""Logs that are to take the place of a partition's own, as they lie on the disk."""

import os

import pytest
import trio

from odradek.clock import VirtualClock
from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError, StorageError
from odradek.log.log import Log
from odradek.log.logs import Logs, LogsConfig
from odradek.log.offload import inline
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from tests.log.batches import append, batch, contents

A, B = TopicPartition("a", 0), TopicPartition("b", 0)
CONFIG = LogConfig()


async def open_logs(path, *names):
    paths = tuple(str(path / name) for name in names or ("one", "two"))
    return await Logs.open(LogsConfig(paths), VirtualClock(), config_of=lambda topic: CONFIG, offload=inline)


def begin(logs: Logs, path, *batches) -> tuple[Log, Log]:
    """A log in the first directory, and the one in the second that holds the same."""
    log = logs.create(A, None, CONFIG)
    append(log, *batches)
    logs.prefer(A, logs.directory(str(path / "two")))
    future = logs.create_future(log)
    for each in batches:
        future.append_as_follower(each)
    return log, future


def directories(path, name):
    return sorted(each for each in os.listdir(path / name) if (path / name / each).is_dir())


async def test_a_future_log_has_its_own_name_and_is_no_log_of_the_partition_yet(tmp_path):
    logs = await open_logs(tmp_path)
    log, future = begin(logs, tmp_path, batch())
    assert (logs.get(A), logs.future(A)) == (log, future)
    assert (list(logs.all()), list(logs.futures())) == ([log], [future])
    (name,) = directories(tmp_path, "two")
    topic_partition, _, suffix = name.partition(".")
    assert (topic_partition, len(suffix), suffix[32:]) == ("a-0", 39, "-future")
    assert (log.is_future, future.is_future) == (False, True)
    await logs.close()


async def test_it_is_a_future_log_after_a_restart_with_what_was_said_of_it(tmp_path):
    logs = await open_logs(tmp_path)
    _, future = begin(logs, tmp_path, batch([b"x"]), batch([b"y"]))
    future.advance_log_start_offset(1)
    await logs.close()
    assert (tmp_path / "two" / "recovery-point-offset-checkpoint").read_text() == "0\n1\na 0 2\n"
    assert (tmp_path / "one" / "log-start-offset-checkpoint").read_text() == "0\n0\n"
    logs = await open_logs(tmp_path)
    found = logs.future(A)
    assert found is not None
    assert (contents(found), found.recovery_point) == ([(1, b"y")], 2)
    log = logs.get(A)
    assert log is not None
    assert contents(log) == [(0, b"x"), (1, b"y")]
    await logs.close()


async def test_it_takes_the_place_of_the_log(tmp_path, autojump_clock):
    logs = await open_logs(tmp_path)
    log, future = begin(logs, tmp_path, batch([b"x"]))
    async with trio.open_nursery() as nursery:
        await nursery.start(logs.run)
        logs.replace_with_future(A)
        assert (logs.get(A), logs.future(A)) == (future, None)
        assert (future.path, future.is_future) == (str(tmp_path / "two" / "a-0"), False)
        append(future, batch([b"y"]))
        assert directories(tmp_path, "two") == ["a-0"]
        (old,) = directories(tmp_path, "one")
        assert old.endswith("-delete")
        await logs.checkpoint_directory(log.directory)
        assert (tmp_path / "one" / "recovery-point-offset-checkpoint").read_text() == "0\n0\n"
        await trio.sleep(61)
        assert directories(tmp_path, "one") == []
        nursery.cancel_scope.cancel()
    await logs.close()
    logs = await open_logs(tmp_path)
    found = logs.get(A)
    assert found is not None
    assert contents(found) == [(0, b"x"), (1, b"y")]
    await logs.close()


async def test_a_destination_that_fails_leaves_all_as_it_was(tmp_path):
    logs = await open_logs(tmp_path)
    log, future = begin(logs, tmp_path, batch())
    os.rename(future.path, tmp_path / "taken away")
    with pytest.raises(StorageError):
        logs.replace_with_future(A)
    assert (logs.get(A), log.directory.is_online, future.directory.is_online) == (log, True, False)
    assert logs.remove_future(A) is future.directory
    assert logs.future(A) is None
    assert contents(log) == [(0, b"value")]
    await logs.close()


async def test_a_destination_whose_names_are_not_on_disk_leaves_one_log_under_the_name(tmp_path, monkeypatch):
    logs = await open_logs(tmp_path)
    log, future = begin(logs, tmp_path, batch())
    path = future.path

    def fail(path):
        raise OSError

    with monkeypatch.context() as disk:
        disk.setattr("odradek.log.log_directory.flush_directory", fail)
        with pytest.raises(StorageError):
            logs.replace_with_future(A)
    assert logs.get(A) is log
    assert directories(tmp_path, "two") == [os.path.basename(path)]
    await logs.close()
    logs = await open_logs(tmp_path)
    assert {each.path for each in (*logs.all(), *logs.futures())} == {log.path, path}
    await logs.close()


async def test_a_loss_of_power_leaves_one_log_under_the_name(tmp_path, monkeypatch):
    """Each directory's names are on disk before more is done: the new log's first, for there must be one."""
    logs = await open_logs(tmp_path)
    begin(logs, tmp_path, batch())
    on_disk: list[tuple[str, list[str]]] = []

    def flush(path):
        name = os.path.basename(path)
        on_disk.append((name, [each[-7:] for each in directories(tmp_path, name)]))

    monkeypatch.setattr("odradek.log.log_directory.flush_directory", flush)
    logs.replace_with_future(A)
    assert on_disk == [("two", ["a-0"]), ("one", ["-delete"])]
    await logs.close()


async def test_a_source_that_cannot_be_renamed_keeps_its_place(tmp_path, monkeypatch):
    """Two logs under one name would stop the next start."""
    logs = await open_logs(tmp_path)
    log, future = begin(logs, tmp_path, batch())
    name, rename = os.path.basename(future.path), os.rename

    def fail(source, target):
        if source == log.path:
            raise OSError
        rename(source, target)

    with monkeypatch.context() as disk:
        disk.setattr(os, "rename", fail)
        with pytest.raises(StorageError):
            logs.replace_with_future(A)
    assert (logs.get(A), logs.future(A)) == (log, future)
    assert (log.directory.is_online, future.directory.is_online) == (False, True)
    assert (directories(tmp_path, "one"), directories(tmp_path, "two")) == (["a-0"], [name])
    append(future, batch([b"y"]))
    await logs.close()
    logs = await open_logs(tmp_path)
    found = logs.future(A)
    assert found is not None
    assert contents(found) == [(0, b"value"), (1, b"y")]
    assert logs.get(A) is not None
    await logs.close()


async def test_a_log_is_deleted_with_the_one_that_was_to_take_its_place(tmp_path):
    logs = await open_logs(tmp_path)
    begin(logs, tmp_path, batch())
    await logs.checkpoint()
    await logs.delete(A)
    assert (logs.get(A), logs.future(A), logs.remove_future(A)) == (None, None, None)
    for name in ("one", "two"):
        assert [each[-7:] for each in directories(tmp_path, name)] == ["-delete"]
        assert (tmp_path / name / "recovery-point-offset-checkpoint").read_text() == "0\n0\n"
    await logs.close()


async def test_none_is_made_while_a_directory_is_offline_in_which_one_may_be(tmp_path):
    logs = await open_logs(tmp_path, "one", "two", "three")
    log = logs.create(A, None, CONFIG)
    logs.prefer(A, logs.directory(str(tmp_path / "two")))
    logs.directory(str(tmp_path / "three")).fail(OSError(), "test")
    with pytest.raises(StorageError):
        logs.create_future(log)
    assert (logs.future(A), directories(tmp_path, "two")) == (None, [])
    await logs.close()


async def test_a_new_log_is_made_where_it_is_wanted_once(tmp_path):
    logs = await open_logs(tmp_path)
    logs.create(A, None, CONFIG)
    logs.prefer(B, logs.directory(str(tmp_path / "one")))
    assert logs.create(B, None, CONFIG).directory.path == str(tmp_path / "one")
    await logs.delete(B)
    assert logs.create(B, None, CONFIG).directory.path == str(tmp_path / "two")
    with pytest.raises(KafkaError) as refused:
        logs.directory(str(tmp_path / "three"))
    assert refused.value.code == ErrorCode.LOG_DIR_NOT_FOUND
    await logs.close()


async def test_a_wish_that_holds_already_is_not_kept(tmp_path):
    logs = await open_logs(tmp_path)
    log = logs.create(A, None, CONFIG)
    logs.prefer(A, log.directory)
    await logs.delete(A)
    logs.create(B, None, CONFIG)
    assert logs.create(A, None, CONFIG).directory.path == str(tmp_path / "two")
    await logs.close()


async def test_the_high_watermark_beside_the_log_counts(tmp_path):
    """Kafka writes the future log's, too; and after a kill it may lie where the log was."""
    logs = await open_logs(tmp_path)
    begin(logs, tmp_path, batch([b"x", b"y", b"z"]))
    for name, offset in (("one", 3), ("two", 1)):
        (tmp_path / name / "replication-offset-checkpoint").write_text(f"0\n1\na 0 {offset}\n")
    assert logs.read_high_watermarks() == {A: 3}
    logs.replace_with_future(A)
    assert logs.read_high_watermarks() == {A: 1}
    (tmp_path / "two" / "replication-offset-checkpoint").unlink()
    assert logs.read_high_watermarks() == {A: 3}
    await logs.close()
