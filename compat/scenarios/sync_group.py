"""SyncGroup: the leader hands out, the others receive."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import join, sync
from odradek.protocol.api_keys import ApiKey


@scenario(ApiKey.SYNC_GROUP)
def the_leader(k: Session) -> None:
    member = k.join(k.name())
    k.send(sync(member.group, member.generation, member.id, {member.id: b"all"}))
    k.send(sync(member.group, member.generation, member.id, {member.id: b"ignored"}))
    k.send(sync(member.group, member.generation, member.id))


@scenario(ApiKey.SYNC_GROUP)
def without_assignments(k: Session) -> None:
    member = k.join(k.name())
    k.send(sync(member.group, member.generation, member.id))


@scenario(ApiKey.SYNC_GROUP)
def assignments_for_nobody(k: Session) -> None:
    member = k.join(k.name())
    k.send(sync(member.group, member.generation, member.id, {"nobody": b"x"}))


@scenario(ApiKey.SYNC_GROUP)
def wrong_members(k: Session) -> None:
    member = k.join(k.name())
    k.send(sync("", member.generation, member.id))
    k.send(sync(k.name("none"), 1, "nobody"))
    k.send(sync(member.group, member.generation, "nobody"))
    k.send(sync(member.group, member.generation, ""))
    k.send(sync(member.group, member.generation + 1, member.id))
    k.send(sync(member.group, member.generation - 1, member.id))
    k.send(sync(member.group, -1, member.id))


@scenario(ApiKey.SYNC_GROUP, since=3)
def a_fenced_instance(k: Session) -> None:
    member = k.join(k.name(), instance_id="one")
    k.send(sync(member.group, member.generation, "other", instance_id="one"))
    k.send(sync(member.group, member.generation, member.id, instance_id="two"))
    k.send(sync(member.group, member.generation, member.id, {member.id: b"x"}, instance_id="one"))


@scenario(ApiKey.SYNC_GROUP, since=5)
def another_protocol(k: Session) -> None:
    member = k.join(k.name())
    for protocol_type, name in (("connect", "range"), ("consumer", "sticky"), (None, None)):
        request = sync(member.group, member.generation, member.id)
        request.protocol_type, request.protocol_name = protocol_type, name
        k.send(request)


@scenario(ApiKey.SYNC_GROUP)
def while_the_group_rebalances(k: Session) -> None:
    member = k.stable_member(k.name())
    second = join(member.group)
    second.member_id = k.send(second).member_id
    waiting = k.post(second)
    request = sync(member.group, member.generation, member.id)
    k.send(request, until=lambda answer: answer.error_code)
    k.send(join(member.group, member.id))
    k.take(waiting)
