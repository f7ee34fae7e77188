"""Brokers that are broken on purpose: a few seeds are enough to see it."""

from collections.abc import Sequence
from typing import Any

import pytest

from compat.cluster import broken
from odradek.controller import elections, reassignment, replica_elections
from odradek.controller.mailbag import Mailbag
from odradek.log import logs
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import ReplicaAssignment
from tests.simulation.simulation import TOPIC, simulate

_SEEDS = 20


def _findings() -> list[str]:
    """Of the first seed that has any."""
    return next((found for seed in range(_SEEDS) if (found := simulate(seed).findings)), [])


@pytest.mark.parametrize("fault", broken.FAULTS)
def test_a_broken_broker_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace_for_now(owner: type, method: Any) -> None:
        assert hasattr(owner, method.__name__)
        monkeypatch.setattr(owner, method.__name__, method)

    monkeypatch.setattr(broken, "_replace", replace_for_now)
    broken.FAULTS[fault]()
    assert _findings()


def test_deleted_files_that_never_go_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "remove", lambda paths: None)
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
