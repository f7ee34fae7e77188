"""Who leads: the pure rules for a partition's leader and ISR (`kafka.controller.Election`).

Each gives the LeaderAndIsr to write, or None where there is nobody to elect or nothing to change. The leader
epoch grows with every change, so that whoever holds an older one is fenced.
"""

from __future__ import annotations

from collections.abc import Collection

from odradek.metadata.znodes import NO_LEADER, LeaderAndIsr

INITIAL_LEADER_EPOCH = 0


def first_leader(live_replicas: tuple[int, ...], *, controller_epoch: int) -> LeaderAndIsr | None:
    """Begin a new partition: the first living replica leads, all living ones are in sync."""
    if not live_replicas:
        return None
    return LeaderAndIsr(live_replicas[0], INITIAL_LEADER_EPOCH, live_replicas, controller_epoch)


def leader_for_offline(
    current: LeaderAndIsr,
    replicas: tuple[int, ...],
    live: Collection[int],
    *,
    unclean: bool,
    controller_epoch: int,
) -> LeaderAndIsr | None:
    """Elect a leader for a partition that has none: the first living replica in the ISR.

    With `unclean` any living replica will do when the ISR is dead; it then is the whole ISR, and what only
    the others had is lost.
    """
    leader = next((node for node in replicas if node in live and node in current.isr), None)
    if leader is not None:
        isr = tuple(node for node in current.isr if node in live)
    else:
        leader = next((node for node in replicas if node in live), None) if unclean else None
        isr = () if leader is None else (leader,)
    if leader is None:
        return None
    return LeaderAndIsr(leader, current.leader_epoch + 1, isr, controller_epoch)


def without_replica(current: LeaderAndIsr, node_id: int, *, controller_epoch: int) -> LeaderAndIsr | None:
    """Take a dead replica out of the ISR, and out of the lead; the last of the ISR stays in it.

    Only so can it be told later who has everything that was committed.
    """
    if node_id not in current.isr:
        return None
    leader = NO_LEADER if current.leader == node_id else current.leader
    isr = tuple(node for node in current.isr if node != node_id) or current.isr
    if (leader, isr) == (current.leader, current.isr):
        return None
    return LeaderAndIsr(leader, current.leader_epoch + 1, isr, controller_epoch)
