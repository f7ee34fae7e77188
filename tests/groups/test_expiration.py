"""KIP-211, with the cases of GroupMetadataManagerTest."""

from odradek.groups.commands import (
    CommitOffsets,
    DescribeGroup,
    ExpireOffsets,
    FetchOffsets,
    LeaveGroup,
    LeavingMember,
    OffsetToCommit,
)
from odradek.groups.config import GroupConfig
from odradek.metadata.topic_partition import TopicPartition
from tests.groups.driver import Driver, subscription

T0, U0 = TopicPartition("t", 0), TopicPartition("u", 0)
RETENTION_MS = 100_000


def driver_with_retention() -> Driver:
    return Driver(GroupConfig(initial_rebalance_delay_ms=0, offsets_retention_ms=RETENTION_MS))


def commit(
    driver: Driver, member: str = "", generation_id: int = -1, retention_ms: int | None = None
) -> None:
    offsets = {T0: OffsetToCommit(1), U0: OffsetToCommit(1)}
    driver.ask(CommitOffsets("g", generation_id, member, None, offsets, retention_ms))


def kept(driver: Driver) -> set[str]:
    driver.ask(ExpireOffsets())
    return {partition.topic for partition in driver.ask(FetchOffsets("g", None))}


def stay(driver: Driver, member: str, elapsed_ms: int) -> None:
    for _ in range(elapsed_ms // 5_000):
        driver.elapse(5_000)
        driver.heartbeat(member, driver.ask_generation())


def test_offsets_without_a_protocol_expire_after_each_commit():
    driver = driver_with_retention()
    commit(driver)
    driver.elapse(RETENTION_MS - 1)
    assert kept(driver) == {"t", "u"}
    driver.elapse(1)
    assert kept(driver) == set()
    assert driver.ask(DescribeGroup("g")).state == "Dead"


def test_while_members_consume_a_topic_its_offsets_stay():
    driver = driver_with_retention()
    [member] = driver.stable(protocols=(("range", subscription("t")),))
    commit(driver, member, 1)
    stay(driver, member, RETENTION_MS)
    assert kept(driver) == {"t"}


def test_offsets_of_other_kinds_of_member_stay():
    driver = driver_with_retention()
    commit(driver)
    member = f"m{driver.join(protocol_type='connect', session_timeout_ms=600_000)}"
    driver.sync(member, 1)
    driver.elapse(RETENTION_MS * 2)
    assert kept(driver) == {"t", "u"}


def test_when_the_last_member_has_gone_the_retention_starts():
    driver = driver_with_retention()
    [member] = driver.stable()
    commit(driver, member, 1)
    stay(driver, member, RETENTION_MS)
    driver.ask(LeaveGroup("g", (LeavingMember(member),)))
    driver.elapse(RETENTION_MS - 1)
    assert "t" in kept(driver)
    driver.elapse(1)
    assert kept(driver) == set()
    assert driver.ask(DescribeGroup("g")).state == "Dead"


def test_a_restart_does_not_start_the_retention_anew():
    driver = driver_with_retention()
    [member] = driver.stable()
    commit(driver, member, 1)
    driver.ask(LeaveGroup("g", (LeavingMember(member),)))
    driver.elapse(RETENTION_MS - 1)
    driver = driver.restarted()
    assert kept(driver) == {"t", "u"}
    driver.elapse(1)
    assert kept(driver) == set()


def test_a_commit_may_bring_its_own_retention():
    driver = driver_with_retention()
    commit(driver, retention_ms=50)
    driver.elapse(49)
    assert kept(driver) == {"t", "u"}
    driver.elapse(1)
    assert kept(driver) == set()


def test_offsets_on_their_way_keep_their_predecessors():
    driver = driver_with_retention()
    commit(driver)
    driver.elapse(RETENTION_MS)
    driver.hold = True
    driver.send(CommitOffsets("g", -1, "", None, {T0: OffsetToCommit(2)}))
    driver.send(ExpireOffsets())
    driver.commit()
    assert {partition.topic for partition in driver.ask(FetchOffsets("g", None))} == {"t"}


def test_an_empty_group_without_offsets_ends():
    driver = driver_with_retention()
    driver.join(require_known_member_id=True)
    driver.ask(ExpireOffsets())
    assert driver.ask(DescribeGroup("g")).state == "Dead"
    assert driver.journal == []
