"""Brokers that are broken on purpose: a few seeds are enough to see it."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from compat.cluster import broken
from odradek.api.produce import _Appends
from odradek.controller import elections, reassignment, replica_elections
from odradek.controller.mailbag import Mailbag
from odradek.errors import StorageError
from odradek.log import logs, upkeep
from odradek.log.append_info import LogAppendInfo
from odradek.log.log import Log
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import ReplicaAssignment
from odradek.replication.partition import Partition
from tests.simulation.simulation import TOPIC, Plan, simulate

_SEEDS = 20


def _findings() -> list[str]:
    """Of the first seed that has any."""
    return next((found for seed in range(_SEEDS) if (found := simulate(seed).findings)), [])


def _is_found(text: str, plan: Plan | None = None) -> bool:
    """By any seed."""
    return any(text in found for seed in range(_SEEDS) for found in simulate(seed, plan).findings)


@pytest.mark.parametrize("fault", broken.FAULTS)
def test_a_broken_broker_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace_for_now(owner: type, method: Any) -> None:
        assert hasattr(owner, method.__name__)
        monkeypatch.setattr(owner, method.__name__, method)

    monkeypatch.setattr(broken, "_replace", replace_for_now)
    broken.FAULTS[fault]()
    assert _findings()


def test_records_of_a_deleted_topic_that_come_back_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    delete, create = logs.Logs.delete, logs.Logs._create
    kept: dict[str, bytes] = {}

    async def delete_for_now(self: logs.Logs, topic_partition: TopicPartition) -> None:
        log = self.get(topic_partition)
        if log is not None and log.log_end_offset:
            with log.read(0, max_bytes=1 << 20, min_one_batch=True) as read:
                kept[log.path] = bytes(read.view())
        await delete(self, topic_partition)

    def bring_back(self: logs.Logs, *of: Any) -> Log:
        log = create(self, *of)
        if log.path in kept:
            log.append_as_follower(bytearray(kept.pop(log.path)))
        return log

    monkeypatch.setattr(logs.Logs, "delete", delete_for_now)
    monkeypatch.setattr(logs.Logs, "_create", bring_back)
    # Long enough for names to be used again.
    assert _is_found("shows records of one that was deleted", Plan(fault_s=40))


def _acknowledge_at_once(monkeypatch: pytest.MonkeyPatch, applies: Callable[[Partition], bool]) -> None:
    wait = _Appends._wait_replicated

    async def acknowledge(self: _Appends) -> None:
        if not any(applies(append.partition) for append in self.pending):
            await wait(self)

    monkeypatch.setattr(_Appends, "_wait_replicated", acknowledge)


def test_lost_records_of_a_topic_that_passes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    append = Log.append_as_leader

    def lose(self: Log, *of: Any, **named: Any) -> Any:
        end_offset = self.log_end_offset
        info = append(self, *of, **named)
        if self.topic_partition.topic.startswith("passing"):
            self.truncate_to(end_offset)
        return info

    monkeypatch.setattr(Log, "append_as_leader", lose)
    _acknowledge_at_once(monkeypatch, lambda partition: partition.topic_partition.topic.startswith("passing"))
    assert _is_found("has lost")


def test_records_that_a_failed_disk_did_not_take_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    append = Log.append_as_leader

    def pretend(self: Log, *of: Any, **named: Any) -> LogAppendInfo:
        end_offset = self.log_end_offset
        try:
            return append(self, *of, **named)
        except StorageError:
            return LogAppendInfo(end_offset, end_offset, -1, self.log_start_offset, 0, 0)

    monkeypatch.setattr(Log, "append_as_leader", pretend)
    _acknowledge_at_once(monkeypatch, lambda partition: partition.is_offline)
    assert _findings()


def test_deleted_files_that_never_go_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "remove", lambda paths: None)
    assert any("is still there" in found for found in _findings())


def test_replicas_in_another_order_than_asked_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    reassigned_to = ReplicaAssignment.reassigned_to

    def in_their_own_order(self: ReplicaAssignment, target: Sequence[int]) -> ReplicaAssignment:
        return reassigned_to(self, sorted(target))

    monkeypatch.setattr(ReplicaAssignment, "reassigned_to", in_their_own_order)
    assert any("was asked to move" in found for found in _findings())


def test_a_move_that_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassignment, "_is_complete", lambda *_: False)
    assert any("are on their way" in found for found in _findings())


def test_removed_replicas_that_stay_in_sync_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elections, "without_replica", lambda *_, **__: None)
    assert any("wrote an ISR outside" in found for found in _findings())


def test_moved_replicas_that_leave_files_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Mailbag.stop

    def keep_files(self: Mailbag, node_id: int, topic_partition: TopicPartition, *, delete: bool) -> None:
        stop(self, node_id, topic_partition, delete=delete and topic_partition.topic != TOPIC)

    monkeypatch.setattr(Mailbag, "stop", keep_files)
    assert any("not gone from where" in found for found in _findings())


def test_an_election_that_did_not_happen_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_elections, "_is_led_well", lambda *_, **__: True)
    assert any("was elected" in found for found in _findings())
