"""What can be asked of a group shard, and its answers: plain values with no trace of the wire.

Commands carry what is random (a fresh member id) with them, so that the shard stays a function.
An answer's `error` is part of it where Kafka answers with more than a code; elsewhere the shard raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from odradek.groups.member import Protocols
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.value_object import value_object

UNKNOWN_MEMBER_ID = ""
NO_GENERATION = -1


@value_object
class JoinGroup:
    """`fresh_member_id` is used if the member is new; it ends in a random UUID (KIP-394)."""

    group_id: str
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocol_type: str
    protocols: Protocols
    fresh_member_id: str
    require_known_member_id: bool = False
    supports_skipping_assignment: bool = False


@value_object
class JoinedMember:
    """A member as the leader sees it: what it is to assign partitions to."""

    member_id: str
    group_instance_id: str | None
    metadata: bytes


@value_object
class JoinGroupReply:
    """`members` is filled for the leader only."""

    member_id: str
    error: ErrorCode = ErrorCode.NONE
    generation_id: int = NO_GENERATION
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader_id: str = ""
    skip_assignment: bool = False
    members: tuple[JoinedMember, ...] = ()


@value_object
class SyncGroup:
    """`protocol_type` and `protocol_name` are None where the request does not say (before version 5)."""

    group_id: str
    generation_id: int
    member_id: str
    group_instance_id: str | None
    protocol_type: str | None
    protocol_name: str | None
    assignments: Mapping[str, bytes]


@value_object
class SyncGroupReply:
    error: ErrorCode = ErrorCode.NONE
    protocol_type: str | None = None
    protocol_name: str | None = None
    assignment: bytes = b""


@value_object
class Heartbeat:
    """Answered with an ErrorCode."""

    group_id: str
    generation_id: int
    member_id: str
    group_instance_id: str | None = None


@value_object
class LeavingMember:
    """By member id, or by instance id with an empty member id (an administrator removes a static member)."""

    member_id: str
    group_instance_id: str | None = None


@value_object
class LeaveGroup:
    """Answered with one ErrorCode per leaving member, in their order."""

    group_id: str
    members: tuple[LeavingMember, ...]


@value_object
class OffsetToCommit:
    """`leader_epoch` −1: not known. `commit_timestamp_ms` None: now (only OffsetCommit 1 says otherwise)."""

    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    commit_timestamp_ms: int | None = None


@value_object
class CommitOffsets:
    """Answered with an ErrorCode per partition. `retention_ms` None: the broker's (OffsetCommit 2–4 may say).

    `request_version` decides how an unknown group is refused by a coordinator of release 4.
    """

    group_id: str
    generation_id: int
    member_id: str
    group_instance_id: str | None
    offsets: Mapping[TopicPartition, OffsetToCommit]
    retention_ms: int | None = None
    request_version: int = 0


@value_object
class FetchOffsets:
    """Answered with a FetchedOffset per partition; `partitions` None asks for all that the group has.

    With `require_stable`, a partition whose newest commit is not settled yet is answered
    UNSTABLE_OFFSET_COMMIT (KIP-447). A member epoch of −1 means that the request names no member.
    """

    group_id: str
    partitions: tuple[TopicPartition, ...] | None
    require_stable: bool = False
    member_id: str | None = None
    member_epoch: int = -1


@value_object
class FetchedOffset:
    offset: int = -1
    leader_epoch: int = -1
    metadata: str = ""
    error: ErrorCode = ErrorCode.NONE


@value_object
class DeleteOffsets:
    """Answered with an ErrorCode per partition."""

    group_id: str
    partitions: tuple[TopicPartition, ...]


@value_object
class DeleteGroup:
    """Answered with None."""

    group_id: str


@value_object
class DescribeGroup:
    """Answered with a GroupDescription."""

    group_id: str


@value_object
class MemberDescription:
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes = b""
    assignment: bytes = b""


@value_object
class GroupDescription:
    state: str
    protocol_type: str = ""
    protocol: str = ""
    members: tuple[MemberDescription, ...] = ()


@value_object
class ListGroups:
    """Answered with GroupListings. Empty filters let everything pass; case does not matter."""

    states: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


@value_object
class GroupListing:
    group_id: str
    protocol_type: str
    state: str
    group_type: str = field(default="classic")


@value_object
class ExpireOffsets:
    """Drop what nobody has used for the retention time (KIP-211). Answered with the number of offsets."""


@value_object
class ForgetPartitions:
    """These partitions were deleted with their topic: so are their offsets. Answered with None."""

    partitions: frozenset[TopicPartition]
