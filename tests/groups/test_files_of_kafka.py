"""__consumer_offsets changes hands: we load what Kafka 3.9.2 has written, and it loads what we have."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat.oracle.kafka import Kafka392
from odradek.coordinators.outcome import JournalRecord
from odradek.coordinators.partitioner import partition_for
from odradek.groups.commands import DescribeGroup, FetchedOffset, FetchOffsets
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest
from odradek.records.builder import build_batch
from odradek.records.record import Record, read_all_records
from tests.groups import scenarios
from tests.groups.conversation import Conversation
from tests.groups.driver import Driver, subscription
from tests.groups.test_against_kafka import RealCoordinator
from tests.groups.test_offsets import T0, commit

KAFKAS_PARTITION_COUNT = 50


def log_file(kafka: Kafka392, group_id: str) -> Path:
    """The only segment of the group's partition."""
    partition = TopicPartition(GROUP_METADATA_TOPIC, partition_for(group_id, KAFKAS_PARTITION_COUNT))
    return Path(kafka.log_dir) / str(partition) / f"{0:020}.log"


def written_by(driver: Driver) -> bytes:
    """The driver's journal as the runtime would have appended it."""
    batches = []
    for offset, (key, value) in enumerate(driver.journal):
        record = Record(offset, driver.now.wall_ms, key, value)
        batches.append(build_batch([record], base_offset=offset, partition_leader_epoch=0))
    return b"".join(batches)


@pytest.mark.oracle
def test_each_loads_what_the_other_has_written():
    with Kafka392() as kafka:
        coordinator = RealCoordinator(kafka.bootstrap)
        coordinator.prepare("t")
        theirs = Conversation(coordinator, "t", coordinator.topic_id)
        theirs.group = "theirs"
        member = scenarios.stable(theirs, group_instance_id="one", session_timeout_ms=600_000)
        scenarios.commit(theirs, 1, member.member_id)
        kafka.stop()

        records = read_all_records(log_file(kafka, "theirs").read_bytes())
        loaded = Driver(journal=[JournalRecord(record.key or b"", record.value) for record in records])
        description = loaded.ask(DescribeGroup("theirs"))
        assert (description.state, description.protocol) == ("Stable", "range")
        assert description.members[0].member_id == member.member_id
        assert description.members[0].metadata == subscription("t")
        assert description.members[0].assignment == b"all"
        assert loaded.ask(FetchOffsets("theirs", (T0,))) == {T0: FetchedOffset(42, 3, "meta")}

        ours = Driver()
        [our_member] = ours.stable(group_instance_id="one", session_timeout_ms=600_000)
        ours.ask(commit(T0, offset=7, generation_id=1, member_id=our_member))
        log_file(kafka, "g").write_bytes(written_by(ours))
        for index in log_file(kafka, "g").parent.glob("*index"):
            index.unlink()
        kafka.restart()

        coordinator.prepare("t")
        talk = Conversation(coordinator, "t", coordinator.topic_id)
        [group] = talk.ask(DescribeGroupsRequest(groups=["g"]), 5).groups
        assert (group.group_state, group.protocol_data) == ("Stable", "range")
        assert group.members[0].member_assignment == b"of m1"
        assert group.members[0].group_instance_id == "one"
        fetched = talk.ask(OffsetFetchRequest(group_id="g", topics=None), 7)
        assert fetched.topics[0].partitions[0].committed_offset == 7
