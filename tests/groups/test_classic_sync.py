import pytest

from odradek.errors import KafkaError
from odradek.groups.commands import DescribeGroup, SyncGroup, SyncGroupReply
from odradek.protocol.error_codes import ErrorCode
from tests.groups.driver import Driver


def two_joined(driver: Driver) -> tuple[str, str, int]:
    """Leader and follower of a generation that awaits its assignment, and its number."""
    first = driver.join()
    second = driver.join()
    leader = driver.replies[first].member_id
    generation_id = driver.replies[driver.join(leader)].generation_id
    return leader, driver.replies[second].member_id, generation_id


def test_followers_wait_for_the_leaders_assignment():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    waiting = driver.sync(follower, generation_id)
    assert waiting not in driver.replies
    ticket = driver.sync(leader, generation_id, **{leader: b"l", follower: b"f"})
    assert driver.replies[ticket] == SyncGroupReply(ErrorCode.NONE, "consumer", "range", b"l")
    assert driver.replies[waiting].assignment == b"f"
    assert driver.ask(DescribeGroup("g")).state == "Stable"


def test_a_member_that_the_leader_forgot_gets_an_empty_assignment():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    driver.sync(leader, generation_id, **{leader: b"l"})
    assert driver.replies[driver.sync(follower, generation_id)] == SyncGroupReply(
        ErrorCode.NONE, "consumer", "range", b""
    )


def test_nobody_is_answered_before_the_assignment_is_committed():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    driver.hold = True
    tickets = [driver.sync(follower, generation_id), driver.sync(leader, generation_id)]
    assert not driver.replies.keys() & set(tickets)
    assert driver.ask(DescribeGroup("g")).state == "CompletingRebalance"
    driver.commit()
    assert driver.replies.keys() >= set(tickets)
    assert driver.ask(DescribeGroup("g")).state == "Stable"


def test_an_assignment_that_cannot_be_written_sends_everybody_to_join_again():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    driver.hold = True
    tickets = [driver.sync(follower, generation_id), driver.sync(leader, generation_id)]
    driver.fail(KafkaError(ErrorCode.REQUEST_TIMED_OUT))
    assert {driver.replies[ticket].error for ticket in tickets} == {ErrorCode.REBALANCE_IN_PROGRESS}
    assert driver.heartbeat(leader, generation_id) == ErrorCode.REBALANCE_IN_PROGRESS


def test_a_rebalance_that_starts_before_the_commit_makes_the_assignment_void():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    driver.hold = True
    synced = driver.sync(leader, generation_id, **{leader: b"l"})
    driver.join()
    assert driver.replies[synced].error == ErrorCode.REBALANCE_IN_PROGRESS
    driver.commit()
    assert driver.ask(DescribeGroup("g")).state == "PreparingRebalance"
    assert driver.heartbeat(follower, generation_id) == ErrorCode.REBALANCE_IN_PROGRESS


def test_a_second_sync_of_a_member_takes_over_from_the_first():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    abandoned = driver.sync(follower, generation_id)
    waiting = driver.sync(follower, generation_id)
    driver.sync(leader, generation_id, **{follower: b"f"})
    assert driver.replies[abandoned].error == ErrorCode.REBALANCE_IN_PROGRESS
    assert driver.replies[waiting].assignment == b"f"


def test_members_that_never_sync_are_out_when_the_rebalance_timeout_has_passed():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    driver.sync(leader, generation_id)
    for _ in range(7):
        driver.elapse(8_500)
        driver.heartbeat(leader, generation_id)
        driver.heartbeat(follower, generation_id)
    assert driver.heartbeat(leader, generation_id) == ErrorCode.NONE
    driver.elapse(500)
    assert driver.heartbeat(leader, generation_id) == ErrorCode.REBALANCE_IN_PROGRESS
    assert driver.heartbeat(follower, generation_id) == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_leader_that_never_syncs_is_out_too():
    driver = Driver()
    leader, follower, generation_id = two_joined(driver)
    waiting = driver.sync(follower, generation_id)
    for _ in range(6):
        driver.elapse(9_999)
        driver.heartbeat(leader, generation_id)
    driver.elapse(6)
    assert driver.replies[waiting].error == ErrorCode.REBALANCE_IN_PROGRESS
    assert driver.heartbeat(leader, generation_id) == ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"member_id": "nobody"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": "nobody", "generation_id": 9}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group_instance_id": "one"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"generation_id": 9}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": 9, "protocol_name": "other"}, ErrorCode.ILLEGAL_GENERATION),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_name": "other"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"group_id": "none"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_refusals(changes: dict[str, str | int], code: ErrorCode):
    driver = Driver()
    [member] = driver.stable()
    fields = {
        "group_id": "g",
        "generation_id": 1,
        "member_id": member,
        "group_instance_id": None,
        "protocol_type": "consumer",
        "protocol_name": "range",
        "assignments": {},
    }
    assert driver.refused(SyncGroup(**(fields | changes))) == code  # type: ignore[arg-type]


def test_while_members_join_there_is_nothing_to_sync():
    driver = Driver()
    leader, _ = driver.stable(members=2)
    driver.join()
    command = SyncGroup("g", driver.ask_generation(), leader, None, None, None, {})
    assert driver.refused(command) == ErrorCode.REBALANCE_IN_PROGRESS
