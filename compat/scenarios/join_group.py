"""JoinGroup: becoming a member, alone, together, statically, again; and whom a group refuses."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import heartbeat, join, leave, sync
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.join_group_request import JoinGroupRequest

MEMBER_ID_REQUIRED = 4
"""The first version in which a member must come back with the id that it was given."""

STATIC = 5
"""The first version with static members."""


def first(k: Session, request: JoinGroupRequest) -> str:
    """Join an empty group with however many requests the version takes; the id of the new member."""
    answer = k.send(request)
    if answer.error_code:
        request.member_id = answer.member_id
        answer = k.send(request)
    member_id: str = answer.member_id
    return member_id


@scenario(ApiKey.JOIN_GROUP)
def the_first_member(k: Session) -> None:
    first(k, join(k.name()))


@scenario(ApiKey.JOIN_GROUP)
def the_same_member_again(k: Session) -> None:
    request = join(k.name())
    request.member_id = first(k, request)
    k.send(request)
    request.protocols[0].metadata = b"other"
    k.send(request)


@scenario(ApiKey.JOIN_GROUP)
def a_stable_member_again(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(join(member.group, member.id))
    changed = join(member.group, member.id, protocols={"range": b"changed"})
    k.send(changed)


@scenario(ApiKey.JOIN_GROUP)
def two_members(k: Session) -> None:
    member = k.stable_member(k.name())
    second = join(member.group)
    if k.version >= MEMBER_ID_REQUIRED:
        second.member_id = k.send(second).member_id
    waiting = k.post(second)
    k.send(heartbeat(member), until=lambda answer: answer.error_code)
    again = k.send(join(member.group, member.id))
    other = k.take(waiting)
    followers = k.post(sync(member.group, again.generation_id, other.member_id))
    assigned = {member.id: b"one", other.member_id: b"two"}
    k.send(sync(member.group, again.generation_id, member.id, assigned))
    k.take(followers)


@scenario(ApiKey.JOIN_GROUP)
def the_protocol_that_all_members_have(k: Session) -> None:
    member = k.stable_member(k.name(), protocols=("range", "sticky"))
    second = join(member.group, protocols={"sticky": b"s", "range": b"r", "other": b"o"})
    if k.version >= MEMBER_ID_REQUIRED:
        second.member_id = k.send(second).member_id
    waiting = k.post(second)
    k.send(heartbeat(member), until=lambda answer: answer.error_code)
    k.send(join(member.group, member.id, protocols={"range": b"meta", "sticky": b"meta"}))
    k.take(waiting)


@scenario(ApiKey.JOIN_GROUP)
def an_empty_group_id(k: Session) -> None:
    k.send(join(""))


@scenario(ApiKey.JOIN_GROUP)
def an_unknown_member(k: Session) -> None:
    k.send(join(k.name("none"), "nobody"))
    member = k.stable_member(k.name("a"))
    k.send(join(member.group, "nobody"))


@scenario(ApiKey.JOIN_GROUP)
def session_timeouts_out_of_range(k: Session) -> None:
    for session_timeout_ms in (5_999, 1_800_001, 0, -1):
        k.send(join(k.name(), session_timeout_ms=session_timeout_ms))
    k.send(join(k.name("low"), session_timeout_ms=6_000))
    k.send(join(k.name("high"), session_timeout_ms=1_800_000))


@scenario(ApiKey.JOIN_GROUP)
def without_protocols(k: Session) -> None:
    k.send(join(k.name("a"), protocols={}))
    k.send(join(k.name("b"), protocol_type=""))
    k.send(join(k.name("c"), protocols={}, protocol_type=""))


@scenario(ApiKey.JOIN_GROUP)
def protocols_that_do_not_fit(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(join(member.group, protocols={"other": b""}))
    k.send(join(member.group, protocol_type="connect"))
    k.send(join(member.group, member.id, protocols={"other": b""}))


@scenario(ApiKey.JOIN_GROUP)
def another_protocol_type_in_an_empty_group(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(leave(3, member.group, (member.id, None)), version=3)
    first(k, join(member.group, protocol_type="connect", protocols={"eager": b"x"}))


@scenario(ApiKey.JOIN_GROUP)
def the_leader_leaves(k: Session) -> None:
    member = k.stable_member(k.name())
    k.send(leave(3, member.group, (member.id, None)), version=3)
    first(k, join(member.group))


@scenario(ApiKey.JOIN_GROUP, since=STATIC)
def a_static_member(k: Session) -> None:
    k.send(join(k.name(), instance_id="one"))


@scenario(ApiKey.JOIN_GROUP, since=STATIC)
def a_static_member_comes_back(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(join(member.group, instance_id="one"))
    k.send(heartbeat(member))
    k.send(join(member.group, member.id, instance_id="one"))


@scenario(ApiKey.JOIN_GROUP, since=STATIC)
def a_static_member_comes_back_with_other_metadata(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(join(member.group, instance_id="one", protocols={"range": b"changed"}))


@scenario(ApiKey.JOIN_GROUP, since=STATIC)
def static_and_unknown(k: Session) -> None:
    member = k.stable_member(k.name(), instance_id="one")
    k.send(join(member.group, "nobody", instance_id="two"))
    k.send(join(member.group, "nobody", instance_id="one"))
    k.send(join(member.group, member.id, instance_id="two"))


@scenario(ApiKey.JOIN_GROUP, broker={"group.max.size": "1"})
def a_full_group(k: Session) -> None:
    member = k.stable_member(k.name())
    second = join(member.group)
    answer = k.send(second)
    if answer is not None and answer.member_id:
        second.member_id = answer.member_id
        k.send(second)
    k.send(heartbeat(member))


@scenario(ApiKey.JOIN_GROUP, newest_only=True)
def a_member_that_does_not_come_back_is_removed(k: Session) -> None:
    member = k.stable_member(k.name(), session_timeout_ms=6_000)
    second = join(member.group, session_timeout_ms=6_000)
    second.member_id = k.send(second).member_id
    k.send(second)
    k.send(heartbeat(member))


@scenario(ApiKey.JOIN_GROUP, newest_only=True)
def a_group_id_with_odd_characters(k: Session) -> None:
    k.send(join(k.name(" é/.. ")))
    k.send(join(k.name("x" * 300)))
