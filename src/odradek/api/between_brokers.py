"""Requests that one broker sends another: not negotiated, so the emulated release does not narrow them.

`odradek.emulate` says what is offered to clients. Brokers send what their `inter.broker.protocol.version`
says without asking first (Fetch 17 from a Kafka 3.9.2, whatever we are to our clients), so every version
that is served is accepted of them. As in Kafka it is the request that tells a broker, not its listener:
whether it may say so is a matter of authorization (the cluster action).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from odradek.api.api import Versions
from odradek.api.registry import SERVED
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.releases import api_versions

_ONLY_BROKERS_SEND = frozenset(
    {
        ApiKey.LEADER_AND_ISR,
        ApiKey.STOP_REPLICA,
        ApiKey.UPDATE_METADATA,
        ApiKey.CONTROLLED_SHUTDOWN,
        ApiKey.WRITE_TXN_MARKERS,
        ApiKey.ALTER_PARTITION,
        ApiKey.ALLOCATE_PRODUCER_IDS,
    }
)

_FOLLOWERS_SEND_TOO = frozenset({ApiKey.FETCH, ApiKey.LIST_OFFSETS, ApiKey.OFFSET_FOR_LEADER_EPOCH})
"""Requests with the id of a replica, which is negative when a client sends them."""


@cache
def accepted_of_brokers(release: str) -> Mapping[ApiKey, Versions]:
    """What is accepted of other brokers beside what clients of the emulated release are offered.

    Of what clients send too these are the versions after the release's own. Those before them it has given
    up, and a client's frame, read as one of them, can look like a follower's.
    """
    found: dict[ApiKey, Versions] = {}
    for key, served in SERVED.items():
        if key in _ONLY_BROKERS_SEND:
            found[key] = served.versions
        elif key in _FOLLOWERS_SEND_TOO and served.versions.last > api_versions(release)[key].highest:
            found[key] = Versions(api_versions(release)[key].highest + 1, served.versions.last)
    return found


def is_of_a_broker(key: ApiKey, request: Any) -> bool:
    """Whether a decoded request of one of these APIs comes from another broker."""
    if key in _ONLY_BROKERS_SEND:
        return True
    if key is ApiKey.FETCH and request.replica_id < 0:
        return bool(request.replica_state.replica_id >= 0)  # where it is since version 15
    return bool(request.replica_id >= 0)
