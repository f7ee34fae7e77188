"""Which replica a consumer is sent to: the one in its rack (KIP-392). Pure.

Kafka: RackAwareReplicaSelector, ReplicaManager.findPreferredReadReplica.
"""

from __future__ import annotations

from collections.abc import Callable

from odradek.replication.partition import Partition

RACK_AWARE_SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
"""The one value of replica.selector.class that Kafka brings along."""


def preferred_read_replica(
    partition: Partition, rack: str, fetch_offset: int, rack_of: Callable[[int], str | None], now_ms: int
) -> int | None:
    """A follower in `rack` for a consumer at `fetch_offset`; None: it stays with this leader.

    Only followers in the ISR that have the offset come into question; of several the one that has most, then
    the one that was caught up last, then that of the largest id. `rack_of` gives None for a dead broker.
    """
    leader_id, log = partition.leader_id, partition.log
    if not rack or not partition.is_leader or log is None or rack_of(leader_id) == rack:
        return None
    candidates = [
        (follower.log_end_offset, follower.last_caught_up_ms - now_ms, follower.node_id)
        for follower in partition.followers
        if follower.node_id in partition.isr
        and follower.log_start_offset <= fetch_offset <= follower.log_end_offset
        and rack_of(follower.node_id) == rack
    ]
    return max(candidates)[2] if candidates else None
