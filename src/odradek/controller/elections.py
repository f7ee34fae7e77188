"""Who leads: the pure rules for a partition's leader and ISR (`kafka.controller.Election`).

Each gives the LeaderAndIsr to write, or None where there is nobody to elect or nothing to change. The leader
epoch grows with every change, so that whoever holds an older one is fenced. `online` are the replicas that
may be elected.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from odradek.metadata.znodes import NO_LEADER, LeaderAndIsr

INITIAL_LEADER_EPOCH = 0


def first_leader(online: tuple[int, ...], *, controller_epoch: int) -> LeaderAndIsr | None:
    """Begin a new partition: the first living replica leads, all living ones are in sync."""
    if not online:
        return None
    return LeaderAndIsr(online[0], INITIAL_LEADER_EPOCH, online, controller_epoch)


def leader_for_offline(
    current: LeaderAndIsr,
    replicas: Sequence[int],
    online: Collection[int],
    *,
    unclean: bool,
    controller_epoch: int,
) -> LeaderAndIsr | None:
    """Elect a leader for a partition that has none: the first living replica in the ISR.

    With `unclean` any living replica will do when the ISR is dead; it then is the whole ISR, what only the
    others had is lost, and the partition is recovering until its leader says otherwise.
    """
    leader = _first_in_sync(current, replicas, online)
    if leader is not None:
        isr = tuple(node for node in current.isr if node in online)
        return _led_by(current, leader, isr, controller_epoch)
    # Where no ISR is known the state could not be read, and nobody knows which epochs there were.
    is_allowed = unclean and bool(current.isr)
    leader = next((node for node in replicas if node in online), None) if is_allowed else None
    if leader is None:
        return None
    return replace(_led_by(current, leader, (leader,), controller_epoch), is_recovering=True)


def preferred_leader(
    current: LeaderAndIsr, replicas: Sequence[int], online: Collection[int], *, controller_epoch: int
) -> LeaderAndIsr | None:
    """Have the first replica lead, if it lives and is in sync."""
    leader = _first_in_sync(current, replicas[:1], online)
    return None if leader is None else _led_by(current, leader, current.isr, controller_epoch)


def leader_for_reassignment(
    current: LeaderAndIsr, target: Sequence[int], online: Collection[int], *, controller_epoch: int
) -> LeaderAndIsr | None:
    """Have one of the replicas lead that a partition is to keep: the first that lives and is in sync."""
    leader = _first_in_sync(current, target, online)
    return None if leader is None else _led_by(current, leader, current.isr, controller_epoch)


def leader_for_shutdown(
    current: LeaderAndIsr,
    replicas: Sequence[int],
    online: Collection[int],
    stopping: Collection[int],
    *,
    controller_epoch: int,
) -> LeaderAndIsr | None:
    """Have a replica in sync lead that is not stopping, and take those that are out of the ISR."""
    leader = _first_in_sync(current, [node for node in replicas if node not in stopping], online)
    if leader is None:
        return None
    isr = tuple(node for node in current.isr if node not in stopping)
    return _led_by(current, leader, isr, controller_epoch)


def with_another_epoch(current: LeaderAndIsr, *, controller_epoch: int) -> LeaderAndIsr:
    """Change nothing but the epoch, so that the leader takes note of other replicas."""
    return _led_by(current, current.leader, current.isr, controller_epoch)


def without_replica(current: LeaderAndIsr, node_id: int, *, controller_epoch: int) -> LeaderAndIsr | None:
    """Take a replica that died or goes out of the ISR, and out of the lead; the last of the ISR stays in it.

    Only so can it be told later who has everything that was committed.
    """
    if node_id not in current.isr:
        return None
    leader = NO_LEADER if current.leader == node_id else current.leader
    isr = tuple(node for node in current.isr if node != node_id) or current.isr
    if (leader, isr) == (current.leader, current.isr):
        return None
    return _led_by(current, leader, isr, controller_epoch)


def _first_in_sync(current: LeaderAndIsr, nodes: Sequence[int], online: Collection[int]) -> int | None:
    return next((node for node in nodes if node in online and node in current.isr), None)


def _led_by(current: LeaderAndIsr, leader: int, isr: tuple[int, ...], controller_epoch: int) -> LeaderAndIsr:
    return replace(
        current,
        leader=leader,
        leader_epoch=current.leader_epoch + 1,
        isr=isr,
        controller_epoch=controller_epoch,
    )
