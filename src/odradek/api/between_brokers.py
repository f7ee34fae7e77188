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
def accepted_of_brokers() -> Mapping[ApiKey, Versions]:
    """Every served version of each API that brokers use among themselves, whatever the emulated release."""
    return {
        key: served.versions
        for key, served in SERVED.items()
        if key in _ONLY_BROKERS_SEND or key in _FOLLOWERS_SEND_TOO
    }


def is_of_a_broker(key: ApiKey, request: Any) -> bool:
    """Whether a decoded request of one of these APIs comes from another broker."""
    if key in _ONLY_BROKERS_SEND:
        return True
    if key is ApiKey.FETCH and request.replica_id < 0:
        return bool(request.replica_state.replica_id >= 0)  # where it is since version 15
    return bool(request.replica_id >= 0)
