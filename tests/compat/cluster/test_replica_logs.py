from pathlib import Path

from compat.cluster.replica_logs import read_replica
from compat.history.operations import Partition
from compat.history.replicas import ReplicaLog
from odradek.records.builder import build_batch
from odradek.records.record import Record

P = Partition("orders", 0)


def batch(offset: int) -> bytes:
    return bytes(build_batch([Record(offset, 0, None, b"value")], base_offset=offset))


def test_a_replica_is_its_segments_and_checkpoints(tmp_path: Path):
    directory = tmp_path / "orders-0"
    directory.mkdir()
    (directory / f"{0:020}.log").write_bytes(batch(0) + batch(1))
    (directory / f"{2:020}.log").write_bytes(batch(2) + batch(3)[:-1])
    (tmp_path / "replication-offset-checkpoint").write_text("0\n2\norders 0 2\nothers 0 9\n")
    (tmp_path / "log-start-offset-checkpoint").write_text("0\n1\norders 0 1\n")
    assert read_replica(tmp_path, P) == ReplicaLog(1, 2, {offset: batch(offset) for offset in range(3)})


def test_a_broker_without_the_partition_has_nothing(tmp_path: Path):
    assert read_replica(tmp_path, P) == ReplicaLog(0, 0, {})
