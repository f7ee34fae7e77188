"""How the requests of a classic group's member look; no scenarios here."""

from collections.abc import Mapping

from compat.judge.session import Member, Topic
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.protocol.generated.leave_group_request import LeaveGroupRequest, MemberIdentity
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.sync_group_request import SyncGroupRequest, SyncGroupRequestAssignment


def join(
    group: str,
    member_id: str = "",
    *,
    instance_id: str | None = None,
    protocols: Mapping[str, bytes] | None = None,
    protocol_type: str = "consumer",
    session_timeout_ms: int = 30_000,
    rebalance_timeout_ms: int = 30_000,
) -> JoinGroupRequest:
    offered = {"range": b"meta"} if protocols is None else protocols
    return JoinGroupRequest(
        group_id=group,
        session_timeout_ms=session_timeout_ms,
        rebalance_timeout_ms=rebalance_timeout_ms,
        member_id=member_id,
        group_instance_id=instance_id,
        protocol_type=protocol_type,
        protocols=[JoinGroupRequestProtocol(name=name, metadata=data) for name, data in offered.items()],
    )


def sync(
    group: str,
    generation: int,
    member_id: str,
    assignments: Mapping[str, bytes] | None = None,
    *,
    instance_id: str | None = None,
) -> SyncGroupRequest:
    return SyncGroupRequest(
        group_id=group,
        generation_id=generation,
        member_id=member_id,
        group_instance_id=instance_id,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[
            SyncGroupRequestAssignment(member_id=each, assignment=data)
            for each, data in (assignments or {}).items()
        ],
    )


def heartbeat(
    member: Member, *, generation: int | None = None, member_id: str | None = None
) -> HeartbeatRequest:
    return HeartbeatRequest(
        group_id=member.group,
        generation_id=member.generation if generation is None else generation,
        member_id=member.id if member_id is None else member_id,
        group_instance_id=member.instance_id,
    )


def leave(version: int, group: str, *members: tuple[str, str | None]) -> LeaveGroupRequest:
    """Leave as each ``(member id, instance id)``; only one before version 3."""
    if version < 3:
        return LeaveGroupRequest(group_id=group, member_id=members[0][0])
    identities = [MemberIdentity(member_id=each, group_instance_id=instance) for each, instance in members]
    return LeaveGroupRequest(group_id=group, members=identities)


def commit(
    group: str,
    topic: Topic,
    offset: int,
    *,
    partition: int = 0,
    metadata: str | None = "",
    generation: int = -1,
    member_id: str = "",
    instance_id: str | None = None,
) -> OffsetCommitRequest:
    row = OffsetCommitRequestPartition(
        partition_index=partition, committed_offset=offset, committed_metadata=metadata
    )
    named = OffsetCommitRequestTopic(name=topic.name, topic_id=topic.id, partitions=[row])
    return OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=generation,
        member_id=member_id,
        group_instance_id=instance_id,
        topics=[named],
    )
