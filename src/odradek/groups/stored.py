"""What `__consumer_offsets` says about groups: the durable values and nothing else."""

from __future__ import annotations

from odradek.value_object import value_object

NO_TIMESTAMP = -1


@value_object
class StoredMember:
    """`subscription` is the member's metadata for the generation's protocol only."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    subscription: bytes
    assignment: bytes


@value_object
class StoredGroup:
    """A generation of a group (GroupMetadataValue). `current_state_timestamp_ms` −1: an old format."""

    protocol_type: str
    generation_id: int
    protocol_name: str | None
    leader_id: str | None
    current_state_timestamp_ms: int
    members: tuple[StoredMember, ...]


@value_object
class CommittedOffset:
    """An offset that a group committed (OffsetCommitValue).

    `leader_epoch` −1: not known. `expire_timestamp_ms` None: the broker's retention applies; only commits
    of OffsetCommit 2–4 with a retention time carry one. `batch_offset` is where it stands in the log: of
    two commits for one partition the later in the log wins, also when the earlier one was part of a
    transaction that committed afterwards.
    """

    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int | None = None
    batch_offset: int = -1
