"""Fetch: what each version is given, how much, when, and with which error."""

from typing import Any
from uuid import UUID

import pytest
import trio
import trio.testing

from odradek.api.fetch import api
from odradek.api.refusals import refusal
from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic, ReplicaState
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataRequest,
)
from odradek.records.batch import MAX_RECORDS, iter_headers
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.record import Record, read_all_records
from odradek.records.validation import AppendOrigin
from odradek.replication.partition import Partition
from odradek.replication.replicas import ReplicaSettings
from tests.api.data_broker import DataBroker, data_broker
from tests.records.golden_batches import expected_records, golden
from tests.replication.hosting import NODE_ID, TOPIC_ID, batch

OTHER = NODE_ID + 1
BOTH = (NODE_ID, OTHER)
LAST = api.versions.last


def fetch(
    offset: int = 0,
    *,
    version: int = LAST,
    max_bytes: int = 10**6,
    partition_max_bytes: int = 10**6,
    **fields: Any,
) -> FetchRequest:
    """A full fetch of one partition without a session, which does not wait unless it is told to."""
    asked = FetchPartition(
        fetch_offset=offset,
        partition_max_bytes=partition_max_bytes,
        current_leader_epoch=fields.pop("current_leader_epoch", -1),
        last_fetched_epoch=fields.pop("last_fetched_epoch", -1),
    )
    topic = FetchTopic("t", TOPIC_ID if version >= 13 else NO_TOPIC_ID, [asked])
    return FetchRequest(max_bytes=max_bytes if version >= 3 else 2**31 - 1, topics=[topic], **fields)


async def ask(broker: DataBroker, offset: int = 0, *, version: int = LAST, **fields: Any) -> Any:
    """The answer for the one partition."""
    response = await broker.ask(api, fetch(offset, version=version, **fields), version)
    assert response.error_code == 0
    [topic] = response.responses
    [answer] = topic.partitions
    return answer


def append(partition: Partition, records: bytes | bytearray) -> int:
    """Appends one batch; its size."""
    writable = bytearray(records)
    writable[0:8] = bytes(8)
    return partition.append(writable, required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0).size_bytes


def records_of(answer: Any) -> list[Record]:
    return list(read_all_records(answer.records))


@pytest.mark.parametrize("version", range(4, LAST + 1))
async def test_batches_pass_as_they_are(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), golden("2-gzip"))
        answer = await ask(broker, 3, version=version)
        assert answer.error_code == 0
        assert (answer.high_watermark, answer.last_stable_offset) == (6, 6)
        assert answer.log_start_offset == (0 if version >= 5 else -1)
        assert answer.aborted_transactions is None
        assert records_of(answer) == expected_records(2, 0)


@pytest.mark.parametrize(("version", "magic"), [(0, 0), (1, 0), (2, 1), (3, 1)])
@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4"])
async def test_old_versions_get_old_messages(tmp_path, autojump_clock, version, magic, codec):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), golden(f"2-{codec}"))
        answer = await ask(broker, 2, version=version)
        expected = expected_records(magic, 0)
        assert records_of(answer) == (expected[2:] if codec == "none" else expected)
        assert {header.magic for _, header in iter_headers(answer.records)} == {magic}


async def test_zstd_is_not_for_readers_of_old_messages(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), golden("2-zstd"))
        assert (await ask(broker, version=3)).error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        assert (await ask(broker, version=4)).error_code == 0


async def test_topics_compressed_with_zstd_need_version_10(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t", config=LogConfig(compression_type="zstd")), golden("2-none"))
        answer = await ask(broker, version=9)
        assert (answer.error_code, answer.records) == (ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, None)
        assert len(records_of(await ask(broker, version=10))) == 6


async def test_since_4_0_they_do_not(tmp_path, autojump_clock):
    async with data_broker(tmp_path, odradek_emulate="4.0") as broker:
        append(broker.host.lead("t", config=LogConfig(compression_type="zstd")), golden("2-none"))
        assert len(records_of(await ask(broker, version=9))) == 6


async def test_conversion_can_be_forbidden(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t", config=LogConfig(message_downconversion_enable=False)), golden("2-none"))
        assert (await ask(broker, version=3)).error_code == ErrorCode.UNSUPPORTED_VERSION
        assert (await ask(broker, version=4)).error_code == 0


async def test_what_cannot_be_converted_is_not_the_end(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        partition.append(
            bytearray(golden("2-control")), required_acks=1, origin=AppendOrigin.COORDINATOR, now_ms=0
        )
        answer = await ask(broker, version=3)
        assert (answer.error_code, len(answer.records)) == (0, 12)
        assert records_of(answer) == []


@pytest.mark.parametrize("version", [3, 11])
async def test_an_answer_that_is_given_up_before_it_is_awaited_holds_nothing(
    tmp_path, autojump_clock, version
):
    """Of records that take long to convert (3), and of what was read before the fetch waits (11)."""
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        records = [Record(offset, 1_000, None, b"") for offset in range(MAX_RECORDS + 1)]
        append(partition, build_batch(records, compression=Compression.GZIP))
        request = fetch(version=version, min_bytes=10**6, max_wait_ms=1000 if version > 3 else 0)
        started = api.handle(request, broker.context(api, version))
        [segment] = partition.local_log().segments
        assert segment.file.leases == 1
        started.close()
        del started
        assert segment.file.leases == 0


async def test_one_batch_is_given_however_large(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        sizes = [append(partition, batch(2)) for _ in range(3)]
        for limits in ({"max_bytes": 1}, {"partition_max_bytes": 1}, {"max_bytes": 0}):
            assert len(records_of(await ask(broker, **limits))) == 2
        assert len((await ask(broker, max_bytes=sum(sizes[:2]))).records) == sum(sizes[:2])


async def test_versions_below_3_get_what_fits_even_if_that_is_no_batch(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), batch(2))
        answer = await ask(broker, version=2, partition_max_bytes=20)
        assert (answer.error_code, bytes(answer.records)) == (0, b"")


async def test_only_the_first_partition_with_data_may_exceed_the_limit(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        for index in range(3):
            partition = broker.host.lead("t", index)
            if index:
                append(partition, batch(2))
        request = fetch(max_bytes=1)
        request.topics[0].partitions = [
            FetchPartition(partition=index, fetch_offset=0, partition_max_bytes=10**6) for index in range(3)
        ]
        response = await broker.ask(api, request, LAST)
        sizes = [len(answer.records) for answer in response.responses[0].partitions]
        assert sizes[0] == 0
        assert sizes[1] > 1
        assert sizes[2] == 0


@pytest.mark.parametrize("version", [0, 5, 6, 12, 13, LAST])
async def test_unknown_partitions(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path) as broker:
        answer = await ask(broker, version=version)
        expected = ErrorCode.UNKNOWN_TOPIC_ID if version >= 13 else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert (answer.error_code, answer.high_watermark, bytes(answer.records)) == (expected, -1, b"")


async def test_offsets_out_of_range(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        append(partition, batch(5))
        partition.delete_records(2)
        for offset in (1, 6):
            answer = await ask(broker, offset, max_wait_ms=1000, min_bytes=1)
            assert (answer.error_code, answer.log_start_offset) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
        assert (await ask(broker, 5)).error_code == 0


async def test_leader_epochs_are_checked(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", leader_epoch=3)
        for epoch, code in (
            (2, ErrorCode.FENCED_LEADER_EPOCH),
            (3, ErrorCode.NONE),
            (4, ErrorCode.UNKNOWN_LEADER_EPOCH),
        ):
            answer = await ask(broker, current_leader_epoch=epoch)
            assert answer.error_code == code


async def test_a_reader_of_an_old_epoch_is_told_who_leads(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", leader_epoch=3)
        response = await broker.ask(api, fetch(current_leader_epoch=2), LAST)
        [answer] = response.responses[0].partitions
        assert (answer.current_leader.leader_id, answer.current_leader.leader_epoch) == (NODE_ID, 3)
        assert [node.node_id for node in response.node_endpoints] == [NODE_ID]


@pytest.mark.parametrize(("release", "nodes"), [("3.9", [NODE_ID]), ("4.3", [])])
async def test_a_follower_is_told_who_leads_and_up_to_3_9_where(tmp_path, autojump_clock, release, nodes):
    async with data_broker(tmp_path, odradek_emulate=release) as broker:
        broker.host.tell("t", leader_epoch=3)
        request = fetch(replica_state=ReplicaState(replica_id=NODE_ID + 5))
        response = await broker.ask(api, request, LAST)
        [answer] = response.responses[0].partitions
        assert answer.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (answer.current_leader.leader_id, answer.current_leader.leader_epoch) == (NODE_ID, 3)
        assert [node.node_id for node in response.node_endpoints] == nodes


async def test_a_diverged_reader_is_told_where(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        append(partition, batch(2))
        broker.host.tell("t", leader_epoch=4, partition_epoch=1)
        append(partition, batch(2))
        answer = await ask(broker, 3, last_fetched_epoch=1, max_wait_ms=1000, min_bytes=1)
        assert (answer.diverging_epoch.epoch, answer.diverging_epoch.end_offset) == (0, 2)
        assert bytes(answer.records) == b""
        assert len(records_of(await ask(broker, 3, last_fetched_epoch=4))) == 2


async def test_committed_readers_do_not_see_transactions_in_progress(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        append(partition, batch(1))
        partition.append(
            batch(2, producer_id=7, producer_epoch=0, base_sequence=0, is_transactional=True),
            required_acks=1,
            origin=AppendOrigin.COORDINATOR,
            now_ms=0,
        )
        answer = await ask(broker, isolation_level=1)
        assert (answer.high_watermark, answer.last_stable_offset) == (3, 1)
        assert answer.aborted_transactions == []
        assert len(records_of(answer)) == 1
        assert len(records_of(await ask(broker, isolation_level=0))) == 3


@pytest.mark.parametrize("version", [14, 15])
async def test_followers_read_to_the_end_and_move_the_high_watermark(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)
        append(partition, batch(3))
        follower: dict[str, Any] = {"replica_id": OTHER}
        if version >= 15:
            follower = {"replica_state": ReplicaState(OTHER)}
        answer = await ask(broker, version=version, **follower)
        assert (len(records_of(answer)), answer.high_watermark) == (3, 0)
        await ask(broker, 3, version=version, **follower)
        assert partition.high_watermark == 3


async def test_a_long_poll_returns_as_soon_as_there_is_enough(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        size = len(batch())
        answers: list[Any] = []

        async def poll() -> None:
            answers.append(await ask(broker, max_wait_ms=10_000, min_bytes=2 * size))

        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await trio.testing.wait_all_tasks_blocked()
            append(partition, batch())
            await trio.testing.wait_all_tasks_blocked()
            assert answers == []
            append(partition, batch())
        assert trio.current_time() == began
        assert len(records_of(answers[0])) == 2


async def test_a_long_poll_returns_what_there_is_when_time_is_up(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), batch())
        began = trio.current_time()
        answer = await ask(broker, max_wait_ms=700, min_bytes=10**5)
        assert trio.current_time() - began == pytest.approx(0.7)
        assert len(records_of(answer)) == 1


async def test_a_long_poll_learns_of_a_new_leader_at_once(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.lead("t")
        answers: list[Any] = []

        async def poll() -> None:
            answers.append(await ask(broker, max_wait_ms=10_000, min_bytes=1, version=10))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await trio.testing.wait_all_tasks_blocked()
            broker.host.tell("t", leader=OTHER, leader_epoch=1, replicas=BOTH)
        assert answers[0].error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert trio.current_time() < 10


async def test_records_are_not_held_while_a_poll_waits(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        append(partition, batch())
        assert partition.log is not None
        [segment] = partition.log.segments

        async def poll() -> None:
            await ask(broker, max_wait_ms=10, min_bytes=10**5)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await trio.testing.wait_all_tasks_blocked()
            assert segment.file.leases == 0
        assert segment.file.leases == 0


async def test_another_topic_of_the_same_name_is_noticed(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.lead("t")
        request = fetch()
        another = UUID(int=99)
        broker.host.announce("t", leader=NODE_ID, topic_id=another)
        request.topics[0].topic_id = another
        response = await broker.ask(api, request, LAST)
        assert response.responses[0].partitions[0].error_code == ErrorCode.INCONSISTENT_TOPIC_ID


async def test_fetch_max_bytes_of_the_broker_is_a_limit_too(tmp_path, autojump_clock):
    async with data_broker(tmp_path, fetch_max_bytes="1024") as broker:
        partition = broker.host.lead("t")
        for _ in range(20):
            append(partition, batch(5))
        assert 0 < len((await ask(broker)).records) <= 1024


async def test_a_negative_leader_epoch_is_none(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), golden("2-none"))
        assert (await ask(broker, current_leader_epoch=-2)).error_code == 0


async def test_an_unknown_isolation_level_is_refused(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), golden("2-none"))
        with pytest.raises(KafkaError) as refused:
            await broker.ask(api, fetch(isolation_level=2), LAST)
        assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
        nothing = FetchRequest(max_bytes=1, topics=[], isolation_level=2)
        assert (await broker.ask(api, nothing, LAST)).error_code == 0


@pytest.mark.parametrize(("version", "partitions"), [(12, 1), (13, 0)])
async def test_a_refusal_names_partitions_as_long_as_topics_have_names(
    tmp_path, autojump_clock, version, partitions
):
    async with data_broker(tmp_path) as broker:
        ctx = broker.context(api, version)
        answer: Any = refusal(api, fetch(version=version), ctx, ErrorCode.UNKNOWN_SERVER_ERROR)
        assert answer.error_code == ErrorCode.UNKNOWN_SERVER_ERROR
        found = [each.error_code for topic in answer.responses for each in topic.partitions]
        assert found == [ErrorCode.UNKNOWN_SERVER_ERROR] * partitions


@pytest.mark.parametrize(("release", "records"), [("3.9", None), ("4.3", b"")])
async def test_a_refusal_has_no_records_and_since_4_0_empty_ones(tmp_path, autojump_clock, release, records):
    async with data_broker(tmp_path, odradek_emulate=release) as broker:
        ctx = broker.context(api, 12)
        answer: Any = refusal(api, fetch(version=12), ctx, ErrorCode.UNKNOWN_SERVER_ERROR)
        assert answer.responses[0].partitions[0].records == records


@pytest.mark.parametrize("sizes", [{"max_bytes": -1}, {"partition_max_bytes": -1}])
async def test_less_than_no_bytes_are_refused_where_there_are_any(tmp_path, autojump_clock, sizes):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), golden("2-none"))
        assert (await ask(broker, **sizes)).error_code == ErrorCode.UNKNOWN_SERVER_ERROR
        assert (await ask(broker, 6, **sizes)).error_code == 0


async def test_a_long_poll_sees_what_came_before_it_began_to_wait(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        request = fetch(version=12, max_wait_ms=500, min_bytes=1)
        answer = api.handle(request, broker.context(api, 12))
        # Another connection's turn, of the same round.
        partition.append(batch(1), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        with trio.fail_after(0.1):
            response = await answer
        assert len(response.responses[0].partitions[0].records)


async def test_a_long_poll_of_a_consumer_waits_for_replication(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)

        async def produce_and_follow() -> None:
            await trio.sleep(1)
            append(partition, golden("2-none"))
            await trio.sleep(1)
            partition.record_follower_fetch(OTHER, 6)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce_and_follow)
            answer = await ask(broker, max_wait_ms=5000, min_bytes=1)
        assert trio.current_time() == pytest.approx(2, abs=0.1)
        assert (answer.high_watermark, len(records_of(answer))) == (6, 6)


async def test_a_long_poll_of_a_follower_does_not(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)

        async def produce() -> None:
            await trio.sleep(1)
            append(partition, golden("2-none"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            state = ReplicaState(OTHER, 5)
            answer = await ask(broker, max_wait_ms=5000, min_bytes=1, replica_state=state)
        assert trio.current_time() == pytest.approx(1, abs=0.1)
        assert (answer.high_watermark, len(records_of(answer))) == (0, 6)
        [follower] = partition.followers
        # It was caught up when it asked, not when it was answered.
        assert follower.last_caught_up_ms == broker.host.clock.epoch_ms
        assert (follower.log_end_offset, follower.broker_epoch) == (0, 5)


@pytest.mark.parametrize(("version", "is_sent"), [(10, False), (11, True), (LAST, True)])
async def test_a_consumer_is_sent_to_the_replica_in_its_rack(tmp_path, autojump_clock, version, is_sent):
    settings = ReplicaSettings(selects_by_rack=True)
    async with data_broker(tmp_path, settings=settings) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        brokers = [
            UpdateMetadataBroker(node, "", 0, [UpdateMetadataEndpoint(9092, "h", "PLAINTEXT", 0)], rack)
            for node, rack in ((NODE_ID, "here"), (OTHER, "there"))
        ]
        broker.host.metadata.apply(UpdateMetadataRequest(live_brokers=brokers))
        partition = broker.host.replicas.hosted("t", 0)
        append(partition, golden("2-none"))
        partition.record_follower_fetch(OTHER, 6)
        there: Any = {"rack_id": "there"} if version >= 11 else {}
        answer = await ask(broker, version=version, **there)
        assert answer.error_code == 0
        assert answer.preferred_read_replica == (OTHER if is_sent else -1)
        assert (len(answer.records) == 0) == is_sent
        assert answer.high_watermark == 6
        if is_sent:
            assert (await ask(broker, version=version, rack_id="here")).preferred_read_replica == -1
            assert (await ask(broker, version=version, rack_id="")).preferred_read_replica == -1
            # Nobody waits to be sent away.
            answer = await ask(broker, version=version, rack_id="there", max_wait_ms=5000, min_bytes=1)
            assert trio.current_time() == 0


async def test_a_consumer_reads_from_a_follower_to_its_high_watermark(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", leader=OTHER, isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)
        records = bytes(8) + bytes(golden("2-none"))[8:]
        partition.append_as_follower(records, leader_high_watermark=0, leader_log_start_offset=0)

        async def follow() -> None:
            await trio.sleep(1)
            partition.append_as_follower(b"", leader_high_watermark=9, leader_log_start_offset=0)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            answer = await ask(broker, max_wait_ms=5000, min_bytes=1)
        assert trio.current_time() == pytest.approx(1, abs=0.1)
        assert (answer.high_watermark, len(records_of(answer))) == (6, 6)
        assert (await ask(broker, version=10)).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
