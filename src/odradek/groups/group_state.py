"""The states of a classic group and the moves between them (Kafka's GroupState)."""

from __future__ import annotations

from enum import Enum


class GroupState(Enum):
    """The value is Kafka's name of the state, as DescribeGroups and ListGroups show it."""

    EMPTY = "Empty"
    """No members; lives on while it has offsets. Also every group that only stores offsets."""

    PREPARING_REBALANCE = "PreparingRebalance"
    """Waits for every member to join; heartbeats tell them to."""

    COMPLETING_REBALANCE = "CompletingRebalance"
    """A generation exists; waits for the leader's assignment."""

    STABLE = "Stable"

    DEAD = "Dead"
    """Deleted, or its partition is led elsewhere. Final."""


_REACHED_FROM = {
    GroupState.EMPTY: {GroupState.PREPARING_REBALANCE},
    GroupState.PREPARING_REBALANCE: {
        GroupState.STABLE,
        GroupState.COMPLETING_REBALANCE,
        GroupState.EMPTY,
    },
    GroupState.COMPLETING_REBALANCE: {GroupState.PREPARING_REBALANCE},
    GroupState.STABLE: {GroupState.COMPLETING_REBALANCE},
    GroupState.DEAD: set(GroupState),
}


def may_move(source: GroupState, target: GroupState) -> bool:
    """Whether a group in `source` may become `target`."""
    return source in _REACHED_FROM[target]
