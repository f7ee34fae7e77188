"""Heartbeat: still there, and told when not."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import heartbeat, join
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest


@scenario(ApiKey.HEARTBEAT)
def alive(k: Session) -> None:
    k.send(heartbeat(k.stable_member(k.name())))


@scenario(ApiKey.HEARTBEAT)
def before_the_assignment(k: Session) -> None:
    k.send(heartbeat(k.join(k.name())))


@scenario(ApiKey.HEARTBEAT)
def wrong_members(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(heartbeat(member, generation=member.generation + 1))
    k.send(heartbeat(member, generation=0))
    k.send(heartbeat(member, generation=-1))
    k.send(heartbeat(member, member_id="nobody"))
    k.send(heartbeat(member, member_id=""))
    k.send(HeartbeatRequest(group_id=k.name("none"), generation_id=1, member_id="nobody"))
    k.send(HeartbeatRequest(group_id="", generation_id=1, member_id="nobody"))


@scenario(ApiKey.HEARTBEAT)
def while_the_group_rebalances(k: Session) -> None:
    member = k.stable_member(k.name())
    second = join(member.group)
    second.member_id = k.send(second).member_id
    waiting = k.post(second)
    k.send(heartbeat(member), until=lambda answer: answer.error_code)
    k.send(join(member.group, member.id))
    k.take(waiting)
    k.send(heartbeat(member))


@scenario(ApiKey.HEARTBEAT, since=3)
def a_fenced_instance(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(heartbeat(member))
    k.send(heartbeat(member, member_id="other"))
    request = heartbeat(member)
    request.group_instance_id = "two"
    k.send(request)
    request.group_instance_id = None
    k.send(request)


@scenario(ApiKey.HEARTBEAT, newest_only=True)
def too_late(k: Session) -> None:
    member = k.stable_member(k.name(), session_timeout_ms=6_000)
    k.wait(6.5)
    k.send(heartbeat(member))
