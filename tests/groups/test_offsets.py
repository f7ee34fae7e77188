import struct
from typing import Any

import pytest

from odradek.errors import KafkaError
from odradek.groups.commands import (
    CommitOffsets,
    DeleteGroup,
    DeleteOffsets,
    DescribeGroup,
    FetchedOffset,
    FetchOffsets,
    ForgetPartitions,
    LeaveGroup,
    LeavingMember,
    OffsetToCommit,
)
from odradek.groups.config import GroupConfig
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from tests.groups.driver import EPOCH_MS, Driver, subscription

T0, T1, U0 = TopicPartition("t", 0), TopicPartition("t", 1), TopicPartition("u", 0)


def commit(
    *partitions: TopicPartition, offset: int = 42, generation_id: int = -1, member_id: str = "", **fields: Any
) -> CommitOffsets:
    offsets = dict.fromkeys(partitions, OffsetToCommit(offset, **fields))
    return CommitOffsets("g", generation_id, member_id, None, offsets)


def fetch(driver: Driver, *partitions: TopicPartition, require_stable: bool = False) -> list[FetchedOffset]:
    answer = driver.ask(FetchOffsets("g", partitions, require_stable))
    return [answer[partition] for partition in partitions]


def test_anybody_may_commit_for_a_group_without_members():
    driver = Driver()
    assert driver.ask(commit(T0, T1, leader_epoch=3, metadata="meta")) == {T0: 0, T1: 0}
    assert fetch(driver, T1, U0) == [FetchedOffset(42, 3, "meta"), FetchedOffset(-1, -1, "")]


def test_all_offsets_of_a_group():
    driver = Driver()
    driver.ask(commit(T0, U0))
    assert driver.ask(FetchOffsets("g", None)).keys() == {T0, U0}
    assert driver.ask(FetchOffsets("none", None)) == {}


def test_a_member_commits_in_its_generation_only():
    driver = Driver()
    [member] = driver.stable()
    assert driver.ask(commit(T0, generation_id=1, member_id=member)) == {T0: 0}
    for generation_id, member_id, code in (
        (2, member, ErrorCode.ILLEGAL_GENERATION),
        (-1, member, ErrorCode.ILLEGAL_GENERATION),
        (1, "nobody", ErrorCode.UNKNOWN_MEMBER_ID),
        (-1, "", ErrorCode.UNKNOWN_MEMBER_ID),
    ):
        assert driver.refused(commit(T0, generation_id=generation_id, member_id=member_id)) == code


def test_while_the_assignment_is_awaited_nobody_commits():
    driver = Driver()
    driver.join()
    command = commit(T0, generation_id=1, member_id="m1")
    assert driver.refused(command) == ErrorCode.REBALANCE_IN_PROGRESS


def test_while_the_others_join_the_last_generation_may_still_commit():
    driver = Driver()
    leader, other = driver.stable(members=2)
    driver.join(leader)
    command = commit(T0, generation_id=driver.ask_generation(), member_id=other)
    assert driver.ask(command) == {T0: 0}


def test_a_commit_is_a_sign_of_life():
    driver = Driver()
    [member] = driver.stable()
    for _ in range(3):
        driver.elapse(9_999)
        driver.ask(commit(T0, generation_id=1, member_id=member))


def test_metadata_that_is_too_long_fails_its_partition_only():
    driver = Driver(GroupConfig(offset_metadata_max_bytes=4))
    offsets = {T0: OffsetToCommit(1, metadata="12345"), T1: OffsetToCommit(1, metadata="1234")}
    answer = driver.ask(CommitOffsets("g", -1, "", None, offsets))
    assert answer == {T0: ErrorCode.OFFSET_METADATA_TOO_LARGE, T1: 0}
    assert fetch(driver, T0, T1) == [FetchedOffset(), FetchedOffset(1, -1, "1234")]


def test_metadata_is_measured_as_java_measures_strings():
    driver = Driver(GroupConfig(offset_metadata_max_bytes=2))
    assert driver.ask(commit(T0, metadata="𝔊")) == {T0: 0}
    assert driver.ask(commit(T0, metadata="𝔊a")) == {T0: ErrorCode.OFFSET_METADATA_TOO_LARGE}
    assert driver.ask(commit(T0, metadata="äö")) == {T0: 0}


def test_a_commit_is_seen_once_it_is_committed():
    driver = Driver()
    driver.ask(commit(T0, offset=1))
    driver.hold = True
    ticket = driver.send(commit(T0, offset=2))
    assert fetch(driver, T0) == [FetchedOffset(1)]
    assert fetch(driver, T0, T1, require_stable=True) == [
        FetchedOffset(error=ErrorCode.UNSTABLE_OFFSET_COMMIT),
        FetchedOffset(),
    ]
    driver.commit()
    assert driver.replies[ticket] == {T0: 0}
    assert fetch(driver, T0, require_stable=True) == [FetchedOffset(2)]


@pytest.mark.parametrize(
    ("append_error", "answer"),
    [
        (ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE),
        (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR),
        (ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR),
        (ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.INVALID_COMMIT_OFFSET_SIZE),
        (ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REQUEST_TIMED_OUT),
    ],
)
def test_a_commit_that_cannot_be_written(append_error: ErrorCode, answer: ErrorCode):
    driver = Driver(GroupConfig(offset_metadata_max_bytes=0))
    driver.hold = True
    offsets = {T0: OffsetToCommit(1), T1: OffsetToCommit(1, metadata="x")}
    ticket = driver.send(CommitOffsets("g", -1, "", None, offsets))
    driver.fail(KafkaError(append_error))
    assert driver.replies[ticket] == {T0: answer, T1: ErrorCode.OFFSET_METADATA_TOO_LARGE}
    assert fetch(driver, T0, require_stable=True) == [FetchedOffset()]


def test_times_are_written_down():
    driver = Driver()
    driver.elapse(5)
    driver.ask(CommitOffsets("g", -1, "", None, {T0: OffsetToCommit(1)}, retention_ms=100))
    driver.ask(CommitOffsets("g", -1, "", None, {T1: OffsetToCommit(1, commit_timestamp_ms=7)}))
    committed = driver.shard.journal.offsets["g"]
    assert committed[T0].commit_timestamp_ms == EPOCH_MS + 5
    assert committed[T0].expire_timestamp_ms == EPOCH_MS + 105
    assert (committed[T1].commit_timestamp_ms, committed[T1].expire_timestamp_ms) == (7, None)


def test_a_retention_beyond_the_end_of_time_wraps():
    driver = Driver()
    driver.ask(CommitOffsets("g", -1, "", None, {T0: OffsetToCommit(1)}, retention_ms=2**63 - 1))
    assert driver.shard.journal.offsets["g"][T0].expire_timestamp_ms == EPOCH_MS - 1 - 2**63


def test_offsets_of_an_empty_group_are_deleted_and_it_with_the_last():
    driver = Driver()
    driver.ask(commit(T0, T1))
    assert driver.ask(DeleteOffsets("g", (T0, U0))) == {T0: 0, U0: 0}
    assert fetch(driver, T0, T1) == [FetchedOffset(), FetchedOffset(42)]
    driver.ask(DeleteOffsets("g", (T1,)))
    assert driver.ask(DescribeGroup("g")).state == "Dead"


def test_in_release_4_a_group_outlives_its_last_offset():
    driver = Driver(GroupConfig(release_4=True))
    driver.ask(commit(T0))
    driver.ask(DeleteOffsets("g", (T0,)))
    assert driver.ask(DescribeGroup("g")).state == "Empty"
    assert fetch(driver, T0) == [FetchedOffset()]


def test_offsets_that_somebody_consumes_are_not_deleted():
    driver = Driver()
    driver.ask(commit(T0, U0))
    driver.stable(protocols=(("range", subscription("t")),))
    answer = driver.ask(DeleteOffsets("g", (T0, U0)))
    assert answer == {T0: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, U0: ErrorCode.NONE}


def test_of_a_group_that_cannot_be_understood_nothing_is_deleted():
    driver = Driver()
    driver.ask(commit(T0))
    driver.stable(protocols=(("range", b"odd"),))
    assert driver.ask(DeleteOffsets("g", (T0,))) == {T0: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC}
    driver = Driver()
    driver.ask(commit(T0))
    driver.join(protocol_type="connect")
    assert driver.refused(DeleteOffsets("g", (T0,))) == ErrorCode.NON_EMPTY_GROUP


def test_a_group_is_deleted_when_it_is_empty():
    driver = Driver()
    driver.ask(commit(T0))
    [member] = driver.stable()
    assert driver.refused(DeleteGroup("g")) == ErrorCode.NON_EMPTY_GROUP
    driver.ask(LeaveGroup("g", (LeavingMember(member),)))
    driver.ask(DeleteGroup("g"))
    assert driver.refused(DeleteGroup("g")) == ErrorCode.GROUP_ID_NOT_FOUND
    assert fetch(driver, T0) == [FetchedOffset()]
    assert driver.restarted().shard.groups == {}


@pytest.mark.parametrize(
    "deletion",
    [DeleteGroup("g"), DeleteOffsets("g", (T1,)), ForgetPartitions(frozenset({T1}))],
    ids=["group", "offsets", "topic"],
)
@pytest.mark.parametrize("release_4", [False, True])
def test_a_commit_on_its_way_is_deleted_too(deletion: object, release_4: bool):
    driver = Driver(GroupConfig(release_4=release_4))
    driver.ask(commit(T0))
    driver.hold = True
    driver.send(commit(T1))
    driver.send(deletion)
    driver.commit()
    for coordinator in (driver, driver.restarted()):
        assert fetch(coordinator, T1) == [FetchedOffset()]
        assert T1 not in coordinator.shard.journal.partitions("g")


def test_offsets_go_with_their_topic():
    driver = Driver()
    driver.ask(commit(T0, T1, U0))
    driver.ask(ForgetPartitions(frozenset({T0, T1})))
    assert driver.ask(FetchOffsets("g", None)).keys() == {U0}
    driver.ask(ForgetPartitions(frozenset({U0})))
    assert driver.ask(DescribeGroup("g")).state == "Dead"


def test_a_commit_that_cannot_be_encoded_leaves_nothing_pending():
    driver = Driver(GroupConfig(offset_metadata_max_bytes=40_000))
    partition = TopicPartition("t", 0)
    with pytest.raises(struct.error):
        driver.ask(CommitOffsets("g", -1, "", None, {partition: OffsetToCommit(1, metadata="x" * 40_000)}))
    fetched = driver.ask(FetchOffsets("g", (partition,), require_stable=True))
    assert fetched[partition].error == ErrorCode.NONE
