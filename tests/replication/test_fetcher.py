"""A follower of a real leader."""

from typing import Any
from uuid import UUID

import pytest
import trio

from odradek.config.log_config import LogConfig
from odradek.errors import StorageError
from odradek.log.log import Log
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_request import FetchRequest
from odradek.protocol.generated.fetch_response import FetchResponse
from odradek.records.validation import AppendOrigin
from odradek.replication.partition import Partition
from odradek.replication.remote_leader import RemoteLeader
from odradek.replication.replication_quota import ReplicationQuota
from tests.replication.hosting import TOPIC_ID, batch
from tests.replication.leader_and_follower import BOTH, FOLLOWER, LEADER, content, pair

T0 = TopicPartition("t", 0)


async def test_what_is_appended_is_followed_and_replicated(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        both.append(3)
        with trio.fail_after(0.1):
            await both.led().wait_replicated(3)
        assert both.followed().local_log(only_leader=False).log_end_offset == 3
        assert content(both.followed()) == content(both.led())
        # The high watermark comes with the next answer.
        assert both.followed().high_watermark == 0
        await trio.sleep(0.6)
        assert both.followed().high_watermark == 3


async def test_what_a_fetch_says_is_what_kafkas_says(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        both.append(3)
        await trio.sleep(2)
        assert set(both.line.versions) == {17}
        first, second, third = both.line.fetches[:3]
        assert (first.replica_state.replica_id, first.replica_state.replica_epoch) == (FOLLOWER, 55)
        assert (first.max_wait_ms, first.min_bytes, first.max_bytes) == (500, 1, 10485760)
        assert (first.session_id, first.session_epoch) == (0, 0)
        [asked] = first.topics[0].partitions
        assert (asked.current_leader_epoch, asked.fetch_offset, asked.last_fetched_epoch) == (0, 0, -1)
        assert (asked.log_start_offset, asked.partition_max_bytes) == (0, 1048576)
        assert second.session_id != 0
        assert second.session_epoch == 1
        [asked] = second.topics[0].partitions
        assert (asked.fetch_offset, asked.last_fetched_epoch) == (3, 0)
        assert (third.session_epoch, third.topics) == (2, [])


async def test_a_long_poll_ends_when_something_is_appended(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        await trio.sleep(10.2)
        count = len(both.line.requests)
        assert count < 25
        both.append()
        with trio.fail_after(0.05):
            await both.led().wait_replicated(1)


async def test_a_diverging_log_is_cut_where_the_leaders_parts(tmp_path, autojump_clock, monkeypatch):
    ends_on_disk = []

    async def flush_end(log: Log) -> None:
        ends_on_disk.append(log.log_end_offset)

    monkeypatch.setattr(Log, "flush_end", flush_end)
    async with pair(tmp_path) as both:
        both.tell(1)
        both.append(3)
        await trio.sleep(1)
        log = both.followed().local_log(only_leader=False)
        # The follower leads alone, then the old leader again, which never heard of that.
        both.fetcher.remove([T0])
        both.follower.tell("t", leader=FOLLOWER, leader_epoch=2, partition_epoch=2, isr=BOTH, replicas=BOTH)
        both.followed().append(batch(4), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        await log.flush()
        assert log.recovery_point == 7
        both.append(1)
        both.tell(3)
        both.append(2)
        await trio.sleep(1)
        assert both.followed().local_log(only_leader=False).log_end_offset == 6
        assert content(both.followed()) == content(both.led())
        assert both.followed().high_watermark == 6
        recovery_points = (tmp_path / "follower" / "recovery-point-offset-checkpoint").read_text()
        assert recovery_points == "0\n1\nt 0 3\n"
        assert ends_on_disk == [3]


async def test_a_follower_behind_the_leaders_start_starts_anew(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        both.append(2)
        await trio.sleep(1)
        both.fetcher.remove([T0])
        alone = (LEADER,)
        both.leader.host.tell("t", leader_epoch=1, partition_epoch=1, isr=alone, replicas=alone)
        for _ in range(4):
            both.append(5)
        assert both.led().delete_records(10) == 10
        both.tell(2, isr=alone)
        await trio.sleep(2)
        followed = both.followed().local_log(only_leader=False)
        assert (followed.log_start_offset, followed.log_end_offset) == (10, 22)
        assert both.followed().high_watermark == 22
        # The leader's log starts in the middle of a batch, which is followed as a whole.
        assert followed.segments[0].base_offset == 7


async def test_a_follower_past_the_leaders_end_is_cut(tmp_path, autojump_clock):
    """After an unclean election; the leader's epochs cannot tell it."""
    async with pair(tmp_path) as both:
        both.follower.tell("t", leader=FOLLOWER, leader_epoch=7, isr=(FOLLOWER,), replicas=BOTH)
        both.followed().append(batch(9), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        both.leader.host.tell("t", leader=LEADER, leader_epoch=2, isr=(LEADER,), replicas=BOTH)
        both.append(4)
        both.leader.host.tell("t", leader=LEADER, leader_epoch=8, isr=(LEADER,), replicas=BOTH)
        both.led().local_log().leader_epochs.clear()
        both.follower.tell("t", leader=LEADER, leader_epoch=8, isr=(LEADER,), replicas=BOTH)
        both.follow()
        await trio.sleep(2)
        assert both.followed().local_log(only_leader=False).log_end_offset == 4


async def test_deleted_records_are_deleted_by_the_follower(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        both.append(5)
        await trio.sleep(1)
        assert both.led().delete_records(4) == 0
        with trio.fail_after(1.2):
            assert await both.led().wait_low_watermark(4) == 4
        assert both.followed().local_log(only_leader=False).log_start_offset == 4


async def test_a_leader_that_has_not_heard_of_its_election_is_asked_again(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell(1)
        both.follower.tell("t", leader=LEADER, leader_epoch=2, partition_epoch=2, isr=BOTH, replicas=BOTH)
        both.follow()
        await trio.sleep(0.5)
        both.append(2)
        assert both.followed().local_log(only_leader=False).log_end_offset == 0
        assert both.fetcher.failed == set()
        both.leader.host.tell("t", leader=LEADER, leader_epoch=2, partition_epoch=2, isr=BOTH, replicas=BOTH)
        with trio.fail_after(1.1):
            await both.led().wait_replicated(2)


async def test_a_follower_in_an_old_epoch_waits_for_the_controller(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell(1)
        both.leader.host.tell("t", leader=LEADER, leader_epoch=2, partition_epoch=2, isr=BOTH, replicas=BOTH)
        both.append(2)
        await trio.sleep(5)
        assert both.fetcher.failed == {T0}
        assert both.fetcher.partitions == {}
        both.tell(2)
        with trio.fail_after(0.1):
            await both.led().wait_replicated(2)
        assert both.fetcher.failed == set()


async def test_a_cut_connection_delays_and_begins_a_new_session(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        both.append()
        await trio.sleep(1)
        both.line.is_cut = True
        await trio.sleep(10)
        attempts = len(both.line.requests)
        both.append()
        both.line.is_cut = False
        with trio.fail_after(1.1):
            await both.led().wait_replicated(2)
        assert attempts < 20
        again = both.line.fetches[attempts]
        assert again.session_id != 0
        assert again.session_epoch == 0


async def test_a_session_that_the_leader_dropped_is_begun_anew(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        await trio.sleep(1)
        sessions: Any = both.leader.services.fetch_sessions
        sessions._sessions.clear()
        both.append()
        with trio.fail_after(1):
            await both.led().wait_replicated(1)


async def test_one_partition_in_trouble_does_not_hold_up_the_others(tmp_path, autojump_clock):
    def spoil(request: Any, response: Any) -> Any:
        for topic in getattr(response, "responses", ()):
            for answer in topic.partitions:
                if topic.topic_id == UUID(int=2):
                    answer.error_code, answer.records = ErrorCode.KAFKA_STORAGE_ERROR, b""
        return response

    async with pair(tmp_path) as both:
        both.line.answered = spoil
        both.tell(topic="good", topic_id=UUID(int=1))
        both.tell(topic="bad", topic_id=UUID(int=2))
        both.append(topic="good")
        both.append(topic="bad")
        await trio.sleep(3)
        assert both.led("good").high_watermark == 1
        assert both.followed("bad").local_log(only_leader=False).log_end_offset == 0
        both.line.answered = lambda request, response: response
        await trio.sleep(2)
        assert both.led("bad").high_watermark == 1


async def test_a_follower_tells_of_nothing_that_is_not_on_its_disk(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.follower.configs["t"] = LogConfig(flush_messages=1)
        # It led, and power may fail before what it has just appended is on disk.
        both.follower.tell("t", leader=FOLLOWER, isr=BOTH, replicas=BOTH, topic_id=TOPIC_ID)
        led = both.followed()
        led.append(batch(1), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        log = led.local_log()
        assert log.recovery_point == 0
        on_disk: list[int] = []

        def look(request: FetchRequest, response: Any) -> Any:
            on_disk.append(log.recovery_point)
            return response

        both.line.answered = look
        both.tell(leader_epoch=1)
        await trio.sleep(1)
        assert both.line.fetches[0].topics[0].partitions[0].fetch_offset == 1
        assert on_disk[0] == 1


async def test_leaders_of_before_3_1_are_asked_by_names(tmp_path, autojump_clock):
    async with pair(tmp_path, protocol="3.0") as both:
        both.tell()
        both.append(3)
        await trio.sleep(2)
        assert set(both.line.versions) == {12}
        assert {request.topics[0].topic for request in both.line.fetches if request.topics} == {"t"}
        assert both.followed().high_watermark == 3


async def test_leaders_are_asked_in_the_version_that_they_understand(tmp_path, autojump_clock):
    async with pair(tmp_path, protocol="3.4") as both:
        both.tell()
        both.append(3)
        await trio.sleep(2)
        assert set(both.line.versions) == {13}
        assert both.line.fetches[0].replica_id == FOLLOWER
        assert both.followed().high_watermark == 3


async def test_a_topic_without_an_id_has_all_named(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell(topic="old", topic_id=NO_TOPIC_ID)
        both.tell(topic="new", topic_id=UUID(int=2))
        both.append(topic="old")
        both.append(topic="new")
        await trio.sleep(1)
        assert set(both.line.versions) == {12}
        assert both.line.fetches[0].replica_id == FOLLOWER
        assert both.led("old").high_watermark == both.led("new").high_watermark == 1


async def test_records_that_were_damaged_on_the_way_are_fetched_again(tmp_path, autojump_clock):
    damaged = 0

    def damage(request: Any, response: Any) -> Any:
        nonlocal damaged
        for topic in getattr(response, "responses", ()):
            for answer in topic.partitions:
                if answer.records and damaged < 2:
                    answer.records = bytearray(answer.records)
                    answer.records[-1] ^= 1
                    damaged += 1
        return response

    async with pair(tmp_path) as both:
        both.line.answered = damage
        both.tell()
        both.append(3)
        await trio.sleep(1.5)
        assert both.followed().local_log(only_leader=False).log_end_offset == 0
        await trio.sleep(1)
        assert content(both.followed()) == content(both.led())
        assert both.fetcher.failed == set()


async def test_a_failed_disk_ends_following_until_the_controller_speaks(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.tell()
        both.append()
        await trio.sleep(1)
        log = both.followed().local_log(only_leader=False)
        log.directory.fail(OSError(5, "broken"), "test")
        both.append()
        await trio.sleep(3)
        assert both.led().high_watermark == 1


async def test_a_full_disk_is_said_once_and_following_goes_on_when_there_is_room(
    tmp_path, autojump_clock, monkeypatch, capsys
):
    def full(*_: Any, **__: Any) -> None:
        raise StorageError("No space left on device")

    async with pair(tmp_path) as both:
        both.tell()
        for _ in range(2):
            both.append()
            with monkeypatch.context() as disk:
                disk.setattr(Partition, "append_as_follower", full)
                await trio.sleep(60)
            assert capsys.readouterr().err.count("No space left") == 1
            await trio.sleep(2)
            assert content(both.followed()) == content(both.led())
        assert both.fetcher.failed == set()


async def test_a_bug_of_ours_costs_time_and_not_the_broker(tmp_path, autojump_clock, monkeypatch):
    async with pair(tmp_path) as both:
        both.tell()
        with monkeypatch.context() as broken:
            broken.setattr(RemoteLeader, "prepare", lambda *_: 1 / 0)
            both.append()
            await trio.sleep(5)
        await trio.sleep(2)
        assert content(both.followed()) == content(both.led()) != b""


async def test_throttled_replicas_that_are_behind_wait_and_those_in_sync_do_not(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        throttled = LogConfig(follower_replication_throttled_replicas=(f"0:{FOLLOWER}",))
        both.follower.configs["t"] = throttled
        both.rate = 1000
        both.leader.host.tell("t", leader=LEADER, isr=(LEADER,), replicas=BOTH)
        for _ in range(8):
            both.append(size=4000)
        both.line.answered = _one_batch_at_a_time
        both.tell()
        await trio.sleep(3)
        behind = both.followed().local_log(only_leader=False).log_end_offset
        assert 1 <= behind < 8
        both.rate = 10**9
        await trio.sleep(2)
        assert both.followed().local_log(only_leader=False).log_end_offset == 8
        both.rate = 1
        both.append()
        with trio.fail_after(1):
            await both.led().wait_replicated(9)


def _one_batch_at_a_time(request: Any, response: Any) -> Any:
    for topic in getattr(response, "responses", ()):
        for answer in topic.partitions:
            if answer.records:
                size = 12 + int.from_bytes(answer.records[8:12], "big")
                answer.records = answer.records[:size]
    return response


async def test_the_leader_throttles_too(tmp_path, autojump_clock):
    async with pair(tmp_path) as both:
        both.leader.host.configs["t"] = LogConfig(leader_replication_throttled_replicas=("*",))
        rate = 1000
        both.leader.host.replicas.leader_quota = ReplicationQuota(
            LEADER, both.leader.host.clock.now_ms, lambda: rate
        )
        both.leader.host.tell("t", leader=LEADER, isr=(LEADER,), replicas=BOTH)
        both.line.answered = _one_batch_at_a_time
        for _ in range(8):
            both.append(size=4000)
        both.follower.tell("t", leader=LEADER, isr=(LEADER,), replicas=BOTH)
        both.follow()
        await trio.sleep(3)
        assert both.followed().local_log(only_leader=False).log_end_offset < 8
        rate = 10**9
        await trio.sleep(2)
        assert both.followed().local_log(only_leader=False).log_end_offset == 8


SIZE_OF_NOTHING = 16
"""What FetchResponse.sizeOf of Kafka 3.9.2 gives for no partitions, since version 12."""


class CountingQuota(ReplicationQuota):
    counted: tuple[int, ...] = ()

    def record(self, size_bytes: int) -> None:
        self.counted += (size_bytes,)


async def test_what_the_leader_counts_is_the_size_of_what_it_sends_of_throttled_partitions(
    tmp_path, autojump_clock
):
    """KafkaApis.sizeOfThrottledPartitions: 4 and the response's own bytes, not those of the records alone."""
    sent: list[int] = []

    def weigh(request: Any, response: Any) -> Any:
        if isinstance(request, FetchRequest):
            throttled = [topic for topic in response.responses if topic.topic_id == TOPIC_ID]
            sent.append(4 + len(FetchResponse(responses=throttled).to_bytes(both.line.versions[-1])))
        return response

    async with pair(tmp_path) as both:
        both.leader.host.configs["t"] = LogConfig(leader_replication_throttled_replicas=("*",))
        quota = CountingQuota(LEADER, both.leader.host.clock.now_ms, lambda: 2**63 - 1)
        both.leader.host.replicas.leader_quota = quota
        both.line.answered = weigh
        both.tell()
        both.tell(topic="free", topic_id=UUID(int=2))
        both.append(3)
        both.append(topic="free")
        await trio.sleep(1)
        both.append(count=2)
        await trio.sleep(1)
        both.append(topic="free", size=1000)
        await trio.sleep(1)
    assert quota.counted == tuple(sent)
    assert min(sent) == SIZE_OF_NOTHING < max(sent)


@pytest.mark.parametrize("code", [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.INCONSISTENT_TOPIC_ID])
async def test_other_errors_of_the_leader_delay_a_partition(tmp_path, autojump_clock, code):
    def refuse(request: Any, response: Any) -> Any:
        for topic in getattr(response, "responses", ()):
            for answer in topic.partitions:
                answer.error_code, answer.records = code, b""
        return response

    async with pair(tmp_path) as both:
        both.tell()
        both.line.answered = refuse
        both.append()
        await trio.sleep(3)
        assert both.fetcher.failed == set()
        both.line.answered = lambda request, response: response
        with trio.fail_after(2.5):
            await both.led().wait_replicated(1)
