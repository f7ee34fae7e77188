"""Which versions brokers speak to each other: what `inter.broker.protocol.version` decides.

While a cluster is upgraded, those of its brokers that are new already speak as the old ones do. We speak no
older than 3.0: before that, brokers write to ZooKeeper themselves what they ask the controller for since.
Source: MetadataVersion, ControllerChannelManager (AbstractControllerBrokerRequestBatch).
"""

from __future__ import annotations

from odradek.config.broker_versions import is_at_least
from odradek.value_object import value_object

OLDEST = "3.0-IV0"


@value_object
class SpokenVersions:
    """The versions of requests that are not agreed on by ApiVersions; by default those of 3.9."""

    leader_and_isr: int = 7
    update_metadata: int = 8
    stop_replica: int = 4
    fetch: int = 17
    list_offsets: int = 9


def spoken_versions(inter_broker_protocol_version: str) -> SpokenVersions:
    """What brokers of a protocol version say to each other."""

    def chosen(oldest: int, *since: tuple[str, int]) -> int:
        known = [version for first, version in since if is_at_least(inter_broker_protocol_version, first)]
        return known[-1] if known else oldest

    return SpokenVersions(
        leader_and_isr=chosen(5, ("3.2-IV0", 6), ("3.4-IV0", 7)),
        update_metadata=chosen(7, ("3.4-IV0", 8)),
        stop_replica=chosen(3, ("3.4-IV0", 4)),
        fetch=chosen(12, ("3.1-IV0", 13), ("3.5-IV0", 14), ("3.5-IV1", 15), ("3.7-IV4", 16), ("3.9-IV0", 17)),
        list_offsets=chosen(6, ("3.0-IV1", 7), ("3.5-IV0", 8), ("3.9-IV0", 9)),
    )
