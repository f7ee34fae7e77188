"""A member of a classic group, as its coordinator keeps it (Kafka's MemberMetadata)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from odradek.coordinators.outcome import Ticket

Protocols = tuple[tuple[str, bytes], ...]
"""What a member can speak: (protocol name, its metadata), best liked first."""


@dataclass(slots=True)
class Member:
    """One consumer or worker. Owned by its group's shard.

    A ticket that is not None is a request of this member that waits: for the rebalance to complete, or
    for the leader's assignment. `is_new` until its first rebalance completes: it does not know its id,
    so it cannot heartbeat, and only a long fixed time-out removes it.
    """

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocol_type: str
    protocols: Protocols
    assignment: bytes = b""
    awaiting_join: Ticket | None = None
    awaiting_sync: Ticket | None = None
    is_new: bool = False

    @property
    def is_static(self) -> bool:
        """Whether it keeps its place by `group.instance.id` (KIP-345)."""
        return self.group_instance_id is not None

    @property
    def may_expire(self) -> bool:
        """Whether a session time-out removes it now: not while the coordinator owes it an answer."""
        return self.is_new or (self.awaiting_join is None and self.awaiting_sync is None)

    def metadata(self, protocol: str) -> bytes:
        """Its metadata for `protocol`, which it must support."""
        return dict(reversed(self.protocols))[protocol]

    def vote(self, candidates: Collection[str]) -> str:
        """The protocol it likes best of the candidates, of which it supports at least one."""
        return next(name for name, _ in self.protocols if name in candidates)
