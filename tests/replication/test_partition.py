"""One partition over a real log: leadership, epochs, the high watermark, reading and waiting."""

import pytest
import trio
import trio.testing

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.log.append_info import LogAppendInfo
from odradek.protocol.error_codes import ErrorCode
from odradek.records.record import read_all_records
from odradek.records.validation import AppendOrigin
from odradek.replication.data_waiter import DataWaiter
from odradek.replication.epoch_end import UNKNOWN_EPOCH_END, EpochEnd
from odradek.replication.fetch_isolation import FetchIsolation
from odradek.replication.partition import Partition
from odradek.replication.partition_state import Assignment
from tests.log.batches import batch as batch_of
from tests.log.batches import marker
from tests.replication.hosting import NODE_ID, batch, hosting

OTHER = NODE_ID + 1
BOTH = (NODE_ID, OTHER)


def append(partition: Partition, count: int = 1, acks: int = 1, **fields: int) -> LogAppendInfo:
    return partition.append(
        batch(count, **fields), required_acks=acks, origin=AppendOrigin.CLIENT, now_ms=1_700_000_000_000
    )


def offsets(partition: Partition, offset: int, isolation: FetchIsolation) -> list[int]:
    with partition.read(offset, max_bytes=10**6, isolation=isolation).records as records:
        return [record.offset for record in read_all_records(records.view())]


async def test_an_only_replica_replicates_at_once(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        info = append(partition, 3, acks=-1)
        assert (info.first_offset, info.last_offset) == (0, 2)
        assert partition.high_watermark == 3
        await partition.wait_replicated(3)


async def test_a_follower_holds_the_high_watermark_back(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        append(partition, 3, acks=-1)
        assert partition.high_watermark == 0
        assert offsets(partition, 0, FetchIsolation.HIGH_WATERMARK) == []
        assert offsets(partition, 0, FetchIsolation.LOG_END) == [0, 1, 2]
        partition.record_follower_fetch(OTHER, 2)
        assert partition.high_watermark == 2
        partition.record_follower_fetch(OTHER, 3)
        assert partition.high_watermark == 3


async def test_who_waits_for_replication_is_woken_by_the_follower(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        append(partition)
        done = trio.Event()

        async def wait() -> None:
            await partition.wait_replicated(1)
            done.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            assert not done.is_set()
            partition.record_follower_fetch(OTHER, 1)
        assert done.is_set()


async def test_who_waits_for_replication_learns_of_a_new_leader(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        append(partition)

        async def wait() -> None:
            with pytest.raises(KafkaError) as refused:
                await partition.wait_replicated(1)
            assert refused.value.code == ErrorCode.NOT_LEADER_OR_FOLLOWER

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            host.tell("t", leader=OTHER, leader_epoch=1, replicas=BOTH)


async def test_acks_all_needs_min_insync_replicas(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.configs["t"] = LogConfig(min_insync_replicas=2)
        host.tell("t", isr=(NODE_ID,), replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        append(partition, acks=1)
        with pytest.raises(KafkaError) as refused:
            append(partition, acks=-1)
        assert refused.value.code == ErrorCode.NOT_ENOUGH_REPLICAS


async def test_a_replica_that_is_coming_is_one_that_may_have_to_be_in_sync(tmp_path, autojump_clock):
    """Partition.effectiveMinIsr counts the leader and all that follow it, as if they were there already."""
    async with hosting(tmp_path) as host:
        partition = host.lead("t", config=LogConfig(min_insync_replicas=2))
        assert partition.min_isr == 1
        partition.assignment = Assignment((NODE_ID, NODE_ID + 1), adding=(NODE_ID + 1,))
        assert partition.min_isr == 2


async def test_min_insync_replicas_is_never_more_than_there_are(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t", config=LogConfig(min_insync_replicas=2))
        append(partition, acks=-1)


async def test_the_leader_epoch_is_written_into_batches(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        append(partition, 2)
        host.tell("t", leader_epoch=4, partition_epoch=1)
        append(partition)
        assert partition.leader_epoch_start_offset == 2
        assert partition.end_of_epoch(0) == EpochEnd(0, 2)
        assert partition.end_of_epoch(3) == EpochEnd(0, 2)
        assert partition.end_of_epoch(4) == EpochEnd(4, 3)
        assert partition.end_of_epoch(5) == UNKNOWN_EPOCH_END


@pytest.mark.parametrize(
    ("claimed", "code"), [(2, ErrorCode.FENCED_LEADER_EPOCH), (4, ErrorCode.UNKNOWN_LEADER_EPOCH)]
)
async def test_a_wrong_leader_epoch_is_refused(tmp_path, autojump_clock, claimed, code):
    async with hosting(tmp_path) as host:
        host.tell("t", leader_epoch=3)
        partition = host.replicas.hosted("t", 0)
        partition.local_log(3)
        with pytest.raises(KafkaError) as refused:
            partition.local_log(claimed)
        assert refused.value.code == code


async def test_a_follower_accepts_nothing_and_shows_only_who_asks_for_it(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", leader=OTHER, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        with pytest.raises(KafkaError) as refused:
            append(partition)
        assert refused.value.code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        with pytest.raises(KafkaError):
            partition.read(0, max_bytes=1)
        assert len(partition.read(0, max_bytes=1, only_leader=False).records) == 0


async def test_only_replicas_fetch_as_followers(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        partition.check_follower(OTHER, 0)
        with pytest.raises(KafkaError) as refused:
            partition.check_follower(9, 0)
        assert refused.value.code == ErrorCode.UNKNOWN_LEADER_EPOCH
        with pytest.raises(KafkaError) as refused:
            partition.check_follower(9, -1)
        assert refused.value.code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_a_fetch_from_before_a_followers_restart_counts_no_more(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        partition.record_follower_fetch(OTHER, 0, broker_epoch=7)
        for epoch in (7, 8, -1):
            partition.check_follower(OTHER, 0, epoch)
        with pytest.raises(KafkaError) as refused:
            partition.check_follower(OTHER, 0, 6)
        assert refused.value.code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_reads_beyond_the_log_are_out_of_range(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        append(partition, 2)
        assert offsets(partition, 1, FetchIsolation.HIGH_WATERMARK) == [0, 1]
        assert offsets(partition, 2, FetchIsolation.HIGH_WATERMARK) == []
        with pytest.raises(KafkaError) as refused:
            partition.read(3, max_bytes=1)
        assert refused.value.code == ErrorCode.OFFSET_OUT_OF_RANGE


async def test_a_transaction_in_progress_hides_what_follows_it(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        append(partition)
        partition.append(
            batch(2, producer_id=7, producer_epoch=0, base_sequence=0, is_transactional=True),
            required_acks=1,
            origin=AppendOrigin.COORDINATOR,
            now_ms=0,
        )
        assert (partition.last_stable_offset, partition.high_watermark) == (1, 3)
        assert offsets(partition, 0, FetchIsolation.TXN_COMMITTED) == [0]
        assert offsets(partition, 0, FetchIsolation.HIGH_WATERMARK) == [0, 1, 2]


async def test_a_diverged_reader_is_told_where(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        append(partition, 2)
        host.tell("t", leader_epoch=5, partition_epoch=1)
        append(partition, 2)
        assert partition.diverging_epoch(4, 5) is None
        assert partition.diverging_epoch(2, 0) is None
        assert partition.diverging_epoch(3, 0) == EpochEnd(0, 2)
        assert partition.diverging_epoch(3, 2) == EpochEnd(0, 2)
        with pytest.raises(KafkaError) as refused:
            partition.diverging_epoch(4, 6)
        assert refused.value.code == ErrorCode.OFFSET_OUT_OF_RANGE


async def test_a_waiter_is_woken_by_enough_bytes(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        one = append(partition).size_bytes
        waiter = DataWaiter(2 * one)
        partition.watch(waiter)
        done = trio.Event()

        async def wait() -> None:
            await waiter.wait()
            done.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            append(partition)
            await trio.testing.wait_all_tasks_blocked()
            assert not done.is_set()
            append(partition)
        partition.unwatch(waiter)


async def test_with_flush_messages_nobody_sees_what_is_not_on_disk(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t", config=LogConfig(flush_messages=1))
        append(partition, 3, acks=-1)
        assert partition.high_watermark == 0
        assert offsets(partition, 0, FetchIsolation.HIGH_WATERMARK) == []
        assert partition.log is not None
        await partition.log.flush()
        assert partition.high_watermark == 3
        assert offsets(partition, 0, FetchIsolation.HIGH_WATERMARK) == [0, 1, 2]


async def test_records_are_shown_unflushed_until_there_are_flush_messages_of_them(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t", config=LogConfig(flush_messages=3))
        append(partition, 2)
        assert partition.high_watermark == 2
        append(partition)
        assert partition.high_watermark == 2
        assert partition.log is not None
        await partition.log.flush()
        assert partition.high_watermark == 3


async def test_the_disk_holds_the_high_watermark_back_as_a_follower_does(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.configs["t"] = LogConfig(flush_messages=1)
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        append(partition, 2, acks=-1)
        partition.record_follower_fetch(OTHER, 2)
        assert partition.high_watermark == 0
        assert partition.log is not None
        await partition.log.flush()
        assert partition.high_watermark == 2
        append(partition, acks=-1)
        await partition.log.flush()
        assert partition.high_watermark == 2
        partition.record_follower_fetch(OTHER, 3)
        assert partition.high_watermark == 3


async def test_what_flush_messages_holds_back_is_flushed_though_nobody_asks(tmp_path, autojump_clock):
    """A coordinator appends and waits for the high watermark, and a consumer for bytes it may see."""
    async with hosting(tmp_path) as host, trio.open_nursery() as nursery:
        partition = host.lead("t", config=LogConfig(flush_messages=1))
        waiter = DataWaiter(1)
        partition.watch(waiter)
        append(partition)
        with trio.move_on_after(1) as nothing_seen:
            await waiter.wait()
        assert nothing_seen.cancelled_caught
        await nursery.start(host.logs.run)
        with trio.fail_after(1):
            await partition.wait_replicated(1)
            await waiter.wait()
        nursery.cancel_scope.cancel()


async def test_records_are_deleted_up_to_the_high_watermark(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t")
        append(partition, 5)
        assert partition.delete_records(2) == 2
        assert partition.delete_records(1) == 2
        with pytest.raises(KafkaError) as refused:
            partition.read(1, max_bytes=1)
        assert refused.value.code == ErrorCode.OFFSET_OUT_OF_RANGE
        for offset in (6, -2):
            with pytest.raises(KafkaError) as refused:
                partition.delete_records(offset)
            assert refused.value.code == ErrorCode.OFFSET_OUT_OF_RANGE
        assert partition.delete_records(-1) == 5


async def test_segments_of_deleted_records_stay_until_segments_are_looked_for(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t", config=LogConfig(segment_bytes=100))
        for _ in range(3):
            append(partition)
        log = partition.local_log()
        size_bytes = log.size_bytes
        assert partition.delete_records(2) == 2
        assert log.size_bytes == size_bytes
        assert log.delete_old_segments() == 2
        assert log.size_bytes == size_bytes // 3


async def test_records_of_a_compacted_topic_are_not_deleted(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        partition = host.lead("t", config=LogConfig(cleanup_policy=frozenset({"compact"})))
        with pytest.raises(KafkaError) as refused:
            partition.delete_records(0)
        assert refused.value.code == ErrorCode.POLICY_VIOLATION


async def test_the_last_stable_offset_stands_where_it_was_after_a_cut(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=BOTH, replicas=BOTH)
        partition = host.replicas.hosted("t", 0)
        transactional = batch_of(producer_id=1, producer_epoch=0, base_sequence=0, is_transactional=True)
        for records, origin in (
            (transactional, AppendOrigin.CLIENT),
            (marker(1, is_abort=False), AppendOrigin.COORDINATOR),
        ):
            partition.append(bytearray(records), required_acks=1, origin=origin, now_ms=host.clock.now_ms())
        partition.record_follower_fetch(OTHER, 2)
        assert partition.last_stable_offset == partition.high_watermark == 2
        partition.append(batch(1), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=host.clock.now_ms())
        host.tell("t", leader=OTHER, leader_epoch=1, isr=BOTH, replicas=BOTH, partition_epoch=1)
        partition.truncate_to(2)
        assert partition.last_stable_offset == partition.high_watermark == 2
