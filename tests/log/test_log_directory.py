import pytest

from odradek.errors import StorageError
from odradek.log.log_directory import LogDirectory, LogDirectoryInUse


def test_only_one_broker_has_a_directory(tmp_path):
    first, second = LogDirectory(str(tmp_path)), LogDirectory(str(tmp_path))
    first.lock()
    with pytest.raises(LogDirectoryInUse, match="Failed to acquire lock on file"):
        second.lock()
    first.unlock()
    assert not (tmp_path / ".lock").exists()
    second.lock()
    second.unlock()


def test_a_failed_directory_stays_offline_for_the_first_reason(tmp_path):
    directory = LogDirectory(str(tmp_path))
    first = OSError(5, "Input/output error")
    assert directory.fail(first, "while writing").message == "while writing"
    directory.fail(OSError("second"), "again")
    assert directory.failure is first
    with pytest.raises(StorageError):
        directory.check_online()


def test_a_damaged_checkpoint_counts_as_none(tmp_path):
    (tmp_path / "replication-offset-checkpoint").write_text("7\n0\n")
    assert LogDirectory(str(tmp_path)).read_offsets("replication-offset-checkpoint") == {}
