"""JoinGroup and its kin: only at the coordinator; a group outlives it."""

from typing import Any

from compat.cluster.session import ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.delete_groups_request import DeleteGroupsRequest
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.protocol.generated.leave_group_request import LeaveGroupRequest, MemberIdentity
from odradek.protocol.generated.sync_group_request import SyncGroupRequest, SyncGroupRequestAssignment

MOVING = {ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS}


def join(group: str, member: str = "") -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id=group,
        session_timeout_ms=60_000,
        rebalance_timeout_ms=60_000,
        member_id=member,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=b"meta")],
    )


def sync(group: str, member: str, generation: int) -> SyncGroupRequest:
    return SyncGroupRequest(
        group_id=group,
        generation_id=generation,
        member_id=member,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[SyncGroupRequestAssignment(member_id=member, assignment=b"mine")],
    )


def heartbeat(group: str, member: str, generation: int) -> HeartbeatRequest:
    return HeartbeatRequest(group_id=group, generation_id=generation, member_id=member)


def leave(group: str, member: str) -> LeaveGroupRequest:
    return LeaveGroupRequest(group_id=group, members=[MemberIdentity(member_id=member)])


@scenario(ApiKey.JOIN_GROUP)
def joining_elsewhere(k: ClusterSession) -> None:
    group = k.group_of(1)
    for broker in (0, 2):
        k.send(broker, join(group))


@scenario(ApiKey.SYNC_GROUP)
def synchronising_elsewhere(k: ClusterSession) -> None:
    k.send(0, sync(k.group_of(1), "member", 1))


@scenario(ApiKey.HEARTBEAT)
def beating_elsewhere(k: ClusterSession) -> None:
    k.send(0, heartbeat(k.group_of(1), "member", 1))


@scenario(ApiKey.LEAVE_GROUP, since=3)
def leaving_elsewhere(k: ClusterSession) -> None:
    k.send(0, leave(k.group_of(1), "member"))


@scenario(ApiKey.DESCRIBE_GROUPS)
def describing_elsewhere(k: ClusterSession) -> None:
    k.send(0, DescribeGroupsRequest(groups=[k.group_of(1), k.group_of(0)]))


@scenario(ApiKey.DELETE_GROUPS)
def deleting_elsewhere(k: ClusterSession) -> None:
    k.send(0, DeleteGroupsRequest(groups_names=[k.group_of(1), k.group_of(0)]))


@scenario(ApiKey.JOIN_GROUP, newest_only=True, restarts=True)
def a_group_outlives_its_coordinator(k: ClusterSession) -> None:
    group = k.group_of(2)
    member = k.send(2, join(group)).member_id
    generation = k.send(2, join(group, member)).generation_id
    k.send(2, sync(group, member, generation))
    k.kill(2)

    def found(answer: Any) -> bool:
        return answer.error_code not in MOVING

    k.send(0, heartbeat(group, member, generation), until=found)
    k.send(1, heartbeat(group, member, generation))
    k.send(0, DescribeGroupsRequest(groups=[group]))
    k.send(0, heartbeat(group, member, generation + 1))
    rejoined = k.send(0, join(group, member))
    k.send(0, sync(group, member, rejoined.generation_id))
    k.send(0, leave(group, member))
