"""Kafka's answers to JoinGroup; where they are surprising, the scenario comes from GroupCoordinatorTest."""

from typing import Any

import pytest

from odradek.errors import KafkaError
from odradek.groups.commands import DescribeGroup, JoinGroupReply, LeaveGroup, LeavingMember
from odradek.groups.config import GroupConfig
from odradek.protocol.error_codes import ErrorCode
from tests.groups.driver import Driver, subscription


def test_the_first_member_leads_generation_1():
    driver = Driver()
    ticket = driver.join()
    reply = driver.replies[ticket]
    assert (reply.error, reply.member_id, reply.leader_id, reply.generation_id) == (0, "m1", "m1", 1)
    assert (reply.protocol_type, reply.protocol_name) == ("consumer", "range")
    assert [m.member_id for m in reply.members] == ["m1"]


def test_a_dynamic_member_is_told_its_id_and_joins_with_it():
    driver = Driver()
    ticket = driver.join(require_known_member_id=True)
    assert driver.replies[ticket] == JoinGroupReply("m1", ErrorCode.MEMBER_ID_REQUIRED)
    assert driver.replies[driver.join("m1", require_known_member_id=True)].generation_id == 1


def test_a_pending_member_that_never_comes_back_is_forgotten_after_its_session():
    driver = Driver()
    driver.join(require_known_member_id=True)
    driver.elapse(10_000)
    assert driver.replies[driver.join("m1")] == JoinGroupReply("m1", ErrorCode.UNKNOWN_MEMBER_ID)


def test_a_pending_member_holds_up_the_rebalance_until_it_expires():
    driver = Driver()
    [leader] = driver.stable()
    driver.join(require_known_member_id=True)
    rejoined = driver.join(leader)
    driver.elapse(5_000)
    assert rejoined not in driver.replies
    driver.elapse(5_000)
    assert driver.replies[rejoined].generation_id == 2


@pytest.mark.parametrize("timeout_ms", [5_999, 1_800_001])
def test_a_session_timeout_beyond_the_brokers_limits_is_refused(timeout_ms: int):
    with pytest.raises(KafkaError) as refused:
        Driver().join(session_timeout_ms=timeout_ms)
    assert refused.value.code == ErrorCode.INVALID_SESSION_TIMEOUT


@pytest.mark.parametrize("timeout_ms", [6_000, 1_800_000])
def test_the_brokers_limits_themselves_are_fine(timeout_ms: int):
    driver = Driver()
    assert driver.replies[driver.join(session_timeout_ms=timeout_ms)].error == ErrorCode.NONE


def test_a_member_of_a_group_that_does_not_exist_is_unknown():
    driver = Driver()
    with pytest.raises(KafkaError) as refused:
        driver.join("somebody")
    assert refused.value.code == ErrorCode.UNKNOWN_MEMBER_ID
    assert driver.ask(DescribeGroup("g")).state == "Dead"


def test_an_empty_group_takes_any_protocol_but_not_none():
    assert _join_error(Driver(), protocols=()) == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert _join_error(Driver(), protocol_type="") == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_a_joiner_must_share_type_and_a_protocol_with_every_member():
    driver = Driver()
    driver.stable(protocols=(("range", b""), ("sticky", b"")))
    assert _join_error(driver, protocol_type="connect") == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert _join_error(driver, protocols=(("other", b""),)) == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert driver.join(protocols=(("sticky", b""),)) not in driver.replies


def _join_error(driver: Driver, **changes: Any) -> ErrorCode:
    error: ErrorCode = driver.replies[driver.join(**changes)].error
    return error


def test_members_vote_for_the_protocol_that_most_like_best():
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=3_000))
    preferences = (("range", "sticky"), ("sticky", "range"), ("sticky", "range", "private"))
    tickets = [driver.join(protocols=tuple((name, b"") for name in names)) for names in preferences]
    driver.elapse(60_000)
    assert {driver.replies[ticket].protocol_name for ticket in tickets} == {"sticky"}


def test_a_protocol_that_a_member_names_twice_counts_once():
    driver = Driver()
    ticket = driver.join(protocols=[("range", b""), ("range", b""), ("sticky", b"")])
    assert driver.replies[ticket].protocol_name == "range"


def test_members_that_start_together_meet_in_the_first_generation():
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=3_000))
    first = driver.join()
    driver.elapse(2_900)
    second = driver.join()
    driver.elapse(100)
    assert first not in driver.replies  # the newcomer has extended the wait
    driver.elapse(3_000)
    assert driver.replies[first].generation_id == driver.replies[second].generation_id == 1
    assert len(driver.replies[first].members) == 2


def test_the_initial_delay_is_never_extended_beyond_the_rebalance_timeout():
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=3_000))
    first = driver.join(rebalance_timeout_ms=7_000)
    for _ in range(6):
        driver.elapse(1_000)
        driver.join(rebalance_timeout_ms=7_000)
        assert first not in driver.replies
    driver.elapse(1_000)
    assert len(driver.replies[first].members) == 7


def test_a_rebalance_waits_for_every_member_and_then_no_longer():
    driver = Driver()
    leader, other = driver.stable(members=2)
    newcomer = driver.join()
    rejoined = driver.join(leader)
    assert newcomer not in driver.replies
    driver.join(other)
    assert driver.replies[rejoined].generation_id == driver.replies[newcomer].generation_id
    assert len(driver.replies[rejoined].members) == 3
    assert driver.replies[newcomer].members == ()


def test_members_that_miss_the_rebalance_timeout_are_out():
    driver = Driver()
    leader, other = driver.stable(members=2, rebalance_timeout_ms=20_000, session_timeout_ms=30_000)
    rejoined = driver.join(other, rebalance_timeout_ms=20_000, protocols=(("range", subscription("u")),))
    driver.elapse(19_999)
    assert rejoined not in driver.replies
    driver.elapse(1)
    assert driver.replies[rejoined].leader_id == other
    assert driver.heartbeat(leader, 1) == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_follower_that_joins_unchanged_is_told_the_generation_it_is_in():
    driver = Driver()
    leader, other = driver.stable(members=2)
    generation_id = driver.ask_generation()
    reply = driver.replies[driver.join(other)]
    assert (reply.error, reply.generation_id, reply.leader_id) == (0, generation_id, leader)
    assert driver.heartbeat(leader, generation_id) == ErrorCode.NONE


def test_a_leader_that_joins_unchanged_starts_a_rebalance():
    driver = Driver()
    leader, other = driver.stable(members=2)
    assert driver.join(leader) not in driver.replies
    assert driver.heartbeat(other, driver.ask_generation()) == ErrorCode.REBALANCE_IN_PROGRESS


def test_a_join_repeated_before_the_sync_gets_the_same_answer():
    driver = Driver()
    first = driver.replies[driver.join()]
    assert driver.replies[driver.join("m1")] == first


def test_a_group_takes_no_more_members_than_its_maximum():
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=0, max_size=2))
    driver.stable(members=2)
    ticket = driver.join()
    assert driver.replies[ticket] == JoinGroupReply("", ErrorCode.GROUP_MAX_SIZE_REACHED)


def test_while_preparing_the_first_to_come_back_have_the_places():
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=0, max_size=2))
    leader, other = driver.stable(members=2)
    driver.join(leader)
    newcomer = driver.join()
    assert driver.replies[driver.join(other)].error == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert driver.replies[newcomer].error == ErrorCode.NONE


def test_a_new_member_without_an_answer_is_dropped_after_five_minutes():
    driver = Driver()
    leader, _ = driver.stable(members=2, rebalance_timeout_ms=1_000_000, session_timeout_ms=1_000_000)
    newcomer = driver.join(rebalance_timeout_ms=1_000_000)
    driver.elapse(299_999)
    assert newcomer not in driver.replies
    driver.elapse(1)
    assert driver.replies[newcomer] == JoinGroupReply("", ErrorCode.UNKNOWN_MEMBER_ID)
    assert driver.heartbeat(leader, driver.ask_generation()) == ErrorCode.REBALANCE_IN_PROGRESS


def test_a_restarted_static_member_takes_its_place_without_a_rebalance():
    driver = Driver()
    leader, other = _static_pair(driver)
    generation_id = driver.ask_generation()
    reply = driver.replies[driver.join(group_instance_id="two")]
    assert (reply.error, reply.generation_id, reply.leader_id) == (0, generation_id, leader)
    assert reply.member_id != other
    assert driver.heartbeat(leader, generation_id) == ErrorCode.NONE
    ticket = driver.sync(reply.member_id, generation_id)
    assert driver.replies[ticket].assignment == b"of " + other.encode()
    assert driver.heartbeat(other, generation_id) == ErrorCode.UNKNOWN_MEMBER_ID


def test_the_former_self_of_a_static_member_is_fenced():
    driver = Driver()
    _, other = _static_pair(driver)
    driver.join(group_instance_id="two")
    assert driver.replies[driver.join(other, group_instance_id="two")].error == ErrorCode.FENCED_INSTANCE_ID


def test_a_restarted_static_leader_is_told_that_it_leads_and_need_not_assign_from_version_9():
    driver = Driver()
    _static_pair(driver)
    reply = driver.replies[driver.join(group_instance_id="one", supports_skipping_assignment=True)]
    assert reply.leader_id == reply.member_id
    assert reply.skip_assignment
    assert len(reply.members) == 2


def test_before_version_9_a_restarted_static_leader_is_told_of_its_former_self():
    driver = Driver()
    leader, _ = _static_pair(driver)
    reply = driver.replies[driver.join(group_instance_id="one")]
    assert (reply.leader_id, reply.skip_assignment, reply.members) == (leader, False, ())


def test_a_static_member_that_changes_the_groups_protocol_starts_a_rebalance():
    driver = Driver()
    both = (("range", b""), ("sticky", b""))
    driver.stable(protocols=both, group_instance_id="one")
    ticket = driver.join(protocols=tuple(reversed(both)), group_instance_id="one")
    assert driver.replies[ticket].generation_id == 2
    assert driver.replies[ticket].protocol_name == "sticky"


def test_a_static_replacement_that_cannot_be_written_is_undone():
    driver = Driver()
    _, other = _static_pair(driver)
    generation_id = driver.ask_generation()
    driver.hold = True
    ticket = driver.join(group_instance_id="two")
    assert ticket not in driver.replies
    driver.fail(KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER))
    assert driver.replies[ticket].error == ErrorCode.NOT_COORDINATOR
    assert driver.replies[ticket].member_id == ""
    assert driver.heartbeat(other, generation_id) == ErrorCode.NONE


def test_while_a_rebalance_completes_a_static_member_starts_another():
    driver = Driver()
    first = driver.replies[driver.join(group_instance_id="one")]
    reply = driver.replies[driver.join(group_instance_id="one")]
    assert reply.generation_id == first.generation_id + 1


def test_a_static_member_survives_its_own_silence_until_its_session_ends():
    driver = Driver()
    _static_pair(driver)
    driver.elapse(9_999)
    assert len(driver.ask(DescribeGroup("g")).members) == 2
    driver.elapse(1)
    assert driver.ask(DescribeGroup("g")).members == ()


def test_an_administrator_removes_a_static_member_by_its_instance():
    driver = Driver()
    _static_pair(driver)
    leaving = LeaveGroup("g", (LeavingMember("", "two"), LeavingMember("", "three")))
    assert driver.ask(leaving) == [ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID]


def _static_pair(driver: Driver) -> tuple[str, str]:
    """A stable group of the static members `one`, which leads, and `two`."""
    driver.stable(group_instance_id="one")
    newcomer = driver.join(group_instance_id="two")
    rejoined = driver.join("m1", group_instance_id="one")
    leader, other = driver.replies[rejoined].member_id, driver.replies[newcomer].member_id
    generation_id = driver.replies[rejoined].generation_id
    parts = {member_id: b"of " + member_id.encode() for member_id in (leader, other)}
    driver.sync(leader, generation_id, **parts)
    return leader, other


@pytest.mark.parametrize(("release_4", "protocol"), [(False, "range"), (True, "sticky")])
def test_between_protocols_with_as_many_votes_a_hash_table_decides(release_4: bool, protocol: str):
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=0, release_4=release_4))
    names = ("range", "sticky")
    votes = [tuple((name, subscription("t")) for name in order) for order in (names, names[::-1])]
    driver.join(protocols=votes[0])
    driver.join(protocols=votes[1])
    leader = driver.join("m1", protocols=votes[0])
    assert driver.replies[leader].protocol_name == protocol


@pytest.mark.parametrize(
    "metadata",
    [
        b"\0\0" + b"\xff\xff\xff\xff",
        b"\0\0" + b"\0\0\0\x01",
        b"\0\0" + b"\0\0\0\x01" + b"\xff\xff",
        b"\0\0" + b"\0\0\0\x01" + b"\0\x02t",
        b"\0\0" + b"\0\0\0\0" + b"\0\0\0\x01",
    ],
)
def test_no_generation_comes_of_a_subscription_with_impossible_lengths(metadata: bytes):
    driver = Driver()
    [leader] = driver.stable()
    spoiled = driver.join(leader, protocols=(("range", metadata),))
    assert driver.replies[spoiled] == JoinGroupReply("", ErrorCode.UNKNOWN_SERVER_ERROR)
    repaired = driver.join(leader, protocols=(("range", subscription("t")),))
    assert driver.replies[repaired].error == ErrorCode.NONE


@pytest.mark.parametrize("metadata", [b"", b"\0", b"\0\0\0", b"\xff\xff", subscription("t")[:-4]])
def test_a_subscription_that_ends_early_is_forgiven(metadata: bytes):
    driver = Driver()
    assert driver.replies[driver.join(protocols=(("range", metadata),))].error == ErrorCode.NONE


def test_who_comes_after_all_have_left_in_the_initial_delay_is_taken_in():
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=3_000))
    driver.join()
    assert driver.ask(LeaveGroup("g", (LeavingMember("m1"),))) == [ErrorCode.NONE]
    ticket = driver.join()
    driver.elapse(6_000)
    assert driver.replies[ticket].error == ErrorCode.NONE


def test_a_static_replacement_that_is_written_while_others_join_again_waits_with_them():
    driver = Driver()
    both = (("range", subscription("t")), ("sticky", subscription("t")))
    driver.join(group_instance_id="i", protocols=both)
    driver.join(protocols=both)
    driver.join("m1", group_instance_id="i", protocols=both)
    driver.join(protocols=both)
    for member_id in ("m1", "m2"):
        driver.join(member_id, group_instance_id="i" if member_id == "m1" else None, protocols=both)
    leader = driver.shard.groups["g"].leader_id
    assert leader == "m1"
    for member_id in ("m2", "m4", "m1"):
        driver.sync(member_id, driver.ask_generation())
    driver.hold = True
    restarted = driver.join(group_instance_id="i", protocols=both)
    driver.join("m2", protocols=both[1:])  # `range`, which the generation has, is not common any more
    driver.commit()
    driver.join("m4", protocols=both)
    reply = driver.replies[restarted]
    assert (reply.generation_id, reply.protocol_name) == (driver.ask_generation(), "sticky")
