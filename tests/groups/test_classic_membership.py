from itertools import islice

from odradek.groups.commands import DescribeGroup, Heartbeat, LeaveGroup, LeavingMember
from odradek.groups.config import GroupConfig
from odradek.protocol.error_codes import ErrorCode
from tests.groups.driver import Driver


def test_heartbeats_keep_a_member():
    driver = Driver()
    [member] = driver.stable()
    for _ in range(10):
        driver.elapse(9_999)
        assert driver.heartbeat(member, 1) == ErrorCode.NONE


def test_a_silent_member_is_out_when_its_session_ends():
    driver = Driver()
    [member] = driver.stable()
    driver.elapse(9_999)
    assert len(driver.ask(DescribeGroup("g")).members) == 1
    driver.elapse(1)
    assert driver.heartbeat(member, 1) == ErrorCode.UNKNOWN_MEMBER_ID
    assert driver.ask(DescribeGroup("g")).state == "Empty"


def test_a_member_that_waits_for_the_others_cannot_time_out():
    driver = Driver()
    leader, other = driver.stable(members=2)
    generation_id = driver.ask_generation()
    waiting = driver.join(leader)
    for _ in range(5):
        driver.elapse(9_000)
        assert driver.heartbeat(other, generation_id) == ErrorCode.REBALANCE_IN_PROGRESS
    driver.join(other)
    assert driver.replies[waiting].error == ErrorCode.NONE


def test_a_heartbeat_of_another_generation_is_illegal():
    driver = Driver()
    [member] = driver.stable()
    assert driver.heartbeat(member, 0) == driver.heartbeat(member, 2) == ErrorCode.ILLEGAL_GENERATION


def test_a_static_member_is_fenced_by_its_successor():
    driver = Driver()
    [member] = driver.stable(group_instance_id="one")
    driver.join(group_instance_id="one")
    command = Heartbeat("g", 1, member, "one")
    assert driver.refused(command) == ErrorCode.FENCED_INSTANCE_ID


def test_who_leaves_makes_the_others_rebalance():
    driver = Driver()
    leader, other = driver.stable(members=2)
    generation_id = driver.ask_generation()
    assert driver.ask(LeaveGroup("g", (LeavingMember(other),))) == [ErrorCode.NONE]
    assert driver.heartbeat(leader, generation_id) == ErrorCode.REBALANCE_IN_PROGRESS
    reply = driver.replies[driver.join(leader)]
    assert [member.member_id for member in reply.members] == [leader]


def test_the_last_to_leave_makes_the_group_empty():
    driver = Driver()
    [member] = driver.stable()
    driver.ask(LeaveGroup("g", (LeavingMember(member),)))
    description = driver.ask(DescribeGroup("g"))
    assert (description.state, description.protocol_type) == ("Empty", "consumer")
    assert driver.ask_generation() == 2


def test_one_who_is_refused_does_not_keep_the_others():
    driver = Driver()
    [member] = driver.stable(group_instance_id="one")
    leaving = (
        LeavingMember("nobody"),
        LeavingMember("nobody", "one"),
        LeavingMember(member, "two"),
        LeavingMember(member, "one"),
    )
    assert driver.ask(LeaveGroup("g", leaving)) == [
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.FENCED_INSTANCE_ID,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.NONE,
    ]


def test_a_member_that_leaves_while_it_waits_is_told_so():
    driver = Driver()
    leader, other = driver.stable(members=2)
    waiting = driver.join(leader)
    driver.ask(LeaveGroup("g", (LeavingMember(leader),)))
    assert driver.replies[waiting].error == ErrorCode.UNKNOWN_MEMBER_ID
    assert driver.heartbeat(other, driver.ask_generation()) == ErrorCode.REBALANCE_IN_PROGRESS


def test_a_member_that_leaves_while_it_awaits_its_assignment_is_told_so():
    driver = Driver()
    first, second = driver.join(), driver.join()
    leader = driver.replies[first].member_id
    generation_id = driver.replies[driver.join(leader)].generation_id
    follower = driver.replies[second].member_id
    waiting = driver.sync(follower, generation_id)
    driver.ask(LeaveGroup("g", (LeavingMember(follower),)))
    assert driver.replies[waiting].error == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_pending_member_that_leaves_holds_nobody_up():
    driver = Driver()
    [leader] = driver.stable()
    pending = driver.replies[driver.join(require_known_member_id=True)].member_id
    rejoined = driver.join(leader)
    assert rejoined not in driver.replies
    assert driver.ask(LeaveGroup("g", (LeavingMember(pending),))) == [ErrorCode.NONE]
    assert driver.replies[rejoined].error == ErrorCode.NONE


def test_a_leader_that_leaves_is_followed_by_another():
    driver = Driver()
    leader, other = driver.stable(members=2)
    driver.ask(LeaveGroup("g", (LeavingMember(leader),)))
    reply = driver.replies[driver.join(other)]
    assert reply.leader_id == other
    assert len(reply.members) == 1


def test_all_who_come_in_the_initial_delay_may_leave_in_it():
    driver = Driver(GroupConfig(initial_rebalance_delay_ms=3_000))
    ticket = driver.join()
    driver.ask(LeaveGroup("g", (LeavingMember("m1"),)))
    assert driver.replies[ticket].error == ErrorCode.UNKNOWN_MEMBER_ID
    assert driver.ask(DescribeGroup("g")).state == "PreparingRebalance"
    driver.elapse(3_000)
    assert driver.ask(DescribeGroup("g")).state == "Empty"


def test_static_members_that_allow_no_time_to_join_again_are_waited_for_all_the_same():
    driver = Driver()
    driver.stable()
    static = driver.join(group_instance_id="i", rebalance_timeout_ms=0)
    assert driver.replies[driver.join("m1")].generation_id == 2
    driver.sync("m1", 2)
    driver.sync(driver.replies[static].member_id, 2)
    driver.shard.handle(LeaveGroup("g", (LeavingMember("m1"),)), 0, driver.now)
    fired = list(islice(driver.shard.expire(driver.now), 100))
    assert len(fired) < 100  # and the broker's only thread gets out of there
    driver.elapse(10_000)
    assert driver.shard.groups["g"].state.value == "Empty"
