"""A broker that comes back after it was killed, or lost power, and is still taken for what it was.

What it had not synced may be gone, while the partitions' states name it as leader or as in sync. A controller
that saw it go has given its partitions to others by then. One that was elected just as it registered again
would not know that it had ever been away, and would let it lead what it has lost; Kafka's controller has no
answer to that either, but its brokers do not come back so soon. So a broker registers again only when no
partition counts on it that somebody else in sync could lead.

Kafka 4 has a broker say in its registration how its logs were left (KIP-966); ZooKeeper mode cannot.
"""

from __future__ import annotations

from collections.abc import Collection

import trio

from odradek.controller import census
from odradek.coordination.store import MetadataStore, StoreUnavailable, find_children
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_LOOK_AGAIN_S = 0.1
_LONGEST_WAIT_S = 60
"""Longer than any session: after that there is something that waiting does not mend."""


async def wait_until_replaced(
    store: MetadataStore, node_id: int, partitions: Collection[TopicPartition]
) -> None:
    """Wait until nobody counts on this broker for `partitions`, its own, unless there is nobody else.

    Raises SessionExpired.
    """
    is_told = False
    with trio.move_on_after(_LONGEST_WAIT_S) as waiting:
        while partitions:
            try:
                if not await _is_counted_on(store, node_id, partitions):
                    return
                if not is_told:
                    is_told = True
                    _log.warn("waiting until nobody counts on logs that were not closed", broker=node_id)
            except StoreUnavailable as error:
                _log.error("metadata store failed, trying again", path=error.path, exc_info=error)
            await trio.sleep(_LOOK_AGAIN_S)
    if waiting.cancelled_caught:
        _log.warn("other brokers still count on logs that may have lost records", broker=node_id)


async def _is_counted_on(store: MetadataStore, node_id: int, partitions: Collection[TopicPartition]) -> bool:
    names = await find_children(store, paths.BROKER_IDS) or frozenset()
    if str(node_id) in names:
        return True  # of the process before this one: nobody has noticed yet
    others = {int(name) for name in names}
    if not others:
        return False
    # Nobody takes a replica out of the ISR of a topic that is to be deleted, or elects another for it.
    doomed = await find_children(store, paths.DELETE_TOPICS) or frozenset()
    found = await census.read_leadership(
        store, sorted(each for each in partitions if each.topic not in doomed)
    )
    states = [leadership.leader_and_isr for leadership in found.values()]
    return any(node_id in state.isr and not others.isdisjoint(state.isr) for state in states)
