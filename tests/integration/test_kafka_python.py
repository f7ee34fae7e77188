"""kafka-python 3 at real Kafka and at Odradek: producer, consumer, groups, administration, old protocols."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import (
    InvalidReplicationFactorError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from compat.oracle.ports import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("kafka")]

PATIENCE_S = 120
"""For what takes milliseconds, on a machine that has other things to do."""


@pytest.fixture
def admin(either: str) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=either)
    yield client
    client.close()


@pytest.fixture
def topic(admin: KafkaAdminClient) -> str:
    """A new topic with two partitions."""
    name = f"kafka-python-{uuid.uuid4()}"
    admin.create_topics([NewTopic(name, 2, 1)])
    admin.wait_for_topics([name])
    return name


@contextmanager
def producing(bootstrap: str, **options: Any) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(bootstrap_servers=bootstrap, **options)
    try:
        yield producer
    finally:
        producer.close()


@contextmanager
def consuming(bootstrap: str, *topics: str, **options: Any) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **options)
    try:
        # One that leads a group before it knows its topics assigns nothing, and leaves it at that (3.0.12).
        assert wait_until(lambda: all(map(consumer.partitions_for_topic, topics)), timeout_s=PATIENCE_S)
        yield consumer
    finally:
        consumer.close()


def take(consumer: KafkaConsumer, count: int) -> list[Any]:
    """The next ``count`` records; fails when they do not come."""
    taken: list[Any] = []

    def came() -> bool:
        for records in consumer.poll(timeout_ms=200).values():
            taken.extend(records)
        return len(taken) >= count

    assert wait_until(came, timeout_s=PATIENCE_S), f"{len(taken)} of {count} records came"
    return taken


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_records_come_back_with_everything_they_carried(either: str, topic: str, codec: str | None) -> None:
    with producing(either, compression_type=codec, acks="all", linger_ms=50) as producer:
        sent = [
            producer.send(
                topic,
                value=b"v%d" % n * 100,
                key=b"k%d" % n,
                partition=1,
                timestamp_ms=1000 + n,
                headers=[("h", b"%d" % n)],
            )
            for n in range(50)
        ]
        assert [future.get(PATIENCE_S).offset for future in sent] == list(range(50))
    with consuming(either, topic) as consumer:
        records = take(consumer, 50)
    assert [(r.partition, r.offset, r.key, r.value, r.timestamp, r.headers) for r in records] == [
        (1, n, b"k%d" % n, b"v%d" % n * 100, 1000 + n, [("h", b"%d" % n)]) for n in range(50)
    ]


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_each_acknowledgement_is_served(either: str, topic: str, acks: int | str) -> None:
    with producing(either, acks=acks) as producer:
        producer.send(topic, b"x", partition=0).get(PATIENCE_S)
    with consuming(either, topic) as consumer:
        assert [record.value for record in take(consumer, 1)] == [b"x"]


def test_an_idempotent_producer_numbers_its_batches(either: str, topic: str) -> None:
    with producing(either, enable_idempotence=True) as producer:
        for n in range(10):
            producer.send(topic, b"%d" % n, partition=0)
            producer.flush(10)
    with consuming(either, topic) as consumer:
        assert [record.offset for record in take(consumer, 10)] == list(range(10))


def test_a_record_that_is_too_large_is_refused(either: str, topic: str) -> None:
    with producing(either, max_request_size=4 << 20, enable_idempotence=False) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            producer.send(topic, b"x" * (2 << 20), partition=0).get(PATIENCE_S)
        assert producer.send(topic, b"small", partition=0).get(PATIENCE_S).offset == 0


@pytest.mark.parametrize("release", [(0, 10, 0), (0, 11), (1, 0), (2, 0)])
def test_clients_of_old_releases_are_served(either: str, topic: str, release: tuple[int, ...]) -> None:
    with producing(either, api_version=release, enable_idempotence=False, acks=1) as producer:
        assert producer.send(topic, b"value", b"key", partition=0).get(PATIENCE_S).offset == 0
    with consuming(either, topic, api_version=release, group_id=topic) as consumer:
        assert [(record.key, record.value) for record in take(consumer, 1)] == [(b"key", b"value")]
        consumer.commit()
        assert consumer.committed(TopicPartition(topic, 0)) == 1


def test_new_records_are_readable_by_an_old_consumer(either: str, topic: str) -> None:
    with producing(either, compression_type="gzip") as producer:
        for n in range(5):
            producer.send(topic, b"v%d" % n, partition=0, headers=[("lost", b"in old formats")])
    with consuming(either, topic, api_version=(0, 10, 0)) as consumer:
        assert [record.value for record in take(consumer, 5)] == [b"v%d" % n for n in range(5)]


def test_offsets_are_found_by_time_and_at_the_ends(either: str, topic: str) -> None:
    here, empty = TopicPartition(topic, 0), TopicPartition(topic, 1)
    with producing(either) as producer:
        for n in range(5):
            producer.send(topic, b"x", partition=0, timestamp_ms=1_000_000 + n * 100).get(PATIENCE_S)
    with consuming(either) as consumer:
        consumer.assign([here, empty])
        assert consumer.beginning_offsets([here, empty]) == {here: 0, empty: 0}
        assert consumer.end_offsets([here, empty]) == {here: 5, empty: 0}
        found = consumer.offsets_for_times({here: 1_000_150, empty: 0})
        assert (found[here].offset, found[here].timestamp) == (2, 1_000_200)
        assert found[empty] is None
        assert consumer.offsets_for_times({here: 2_000_000}) == {here: None}
        consumer.seek(here, 3)
        assert [record.offset for record in take(consumer, 2)] == [3, 4]
        assert consumer.position(here) == 5
        assert consumer.highwater(here) == 5


def test_an_offset_out_of_range_resets_the_consumer(either: str, topic: str) -> None:
    here = TopicPartition(topic, 0)
    with producing(either) as producer:
        producer.send(topic, b"x", partition=0).get(PATIENCE_S)
    with consuming(either) as consumer:
        consumer.assign([here])
        consumer.seek(here, 100)
        assert [record.offset for record in take(consumer, 1)] == [0]


def test_a_group_shares_the_partitions_and_takes_over_from_a_member_that_leaves(
    either: str, topic: str
) -> None:
    seen: list[int] = []
    joined, leave = threading.Event(), threading.Event()

    def other_member() -> None:
        with consuming(either, topic, group_id=topic, max_poll_records=1) as other:
            while not leave.is_set():
                other.poll(timeout_ms=100)
                if len(other.assignment()) == 1:
                    joined.set()

    with consuming(either, topic, group_id=topic, heartbeat_interval_ms=200) as consumer:
        while len(consumer.assignment()) != 2:
            consumer.poll(timeout_ms=100)
        member = threading.Thread(target=other_member)
        member.start()
        while not joined.is_set():
            consumer.poll(timeout_ms=100)
        assert len(consumer.assignment()) == 1
        leave.set()
        while len(consumer.assignment()) != 2:
            consumer.poll(timeout_ms=100)
        member.join()
        with producing(either) as producer:
            for n in range(10):
                producer.send(topic, b"%d" % n, partition=n % 2)
        seen += [int(record.value) for record in take(consumer, 10)]
    assert sorted(seen) == list(range(10))


def test_committed_offsets_are_where_the_next_member_begins(either: str, topic: str) -> None:
    here = TopicPartition(topic, 0)
    with producing(either) as producer:
        for n in range(6):
            producer.send(topic, b"%d" % n, partition=0)
    with consuming(either, topic, group_id=topic, enable_auto_commit=False) as consumer:
        take(consumer, 6)
        consumer.commit({here: OffsetAndMetadata(4, "so far", -1)})
        assert consumer.committed(here) == 4
        assert consumer.committed(here, metadata=True).metadata == "so far"
    with consuming(either, topic, group_id=topic) as consumer:
        assert [record.value for record in take(consumer, 2)] == [b"4", b"5"]


def test_topics_are_administered(either: str, admin: KafkaAdminClient, topic: str) -> None:
    with pytest.raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(topic, 1, 1)])
    with pytest.raises(InvalidReplicationFactorError):
        admin.create_topics([NewTopic(f"{topic}-2", 1, 2)])
    admin.create_topics([NewTopic(f"{topic}-dry", 1, 1)], validate_only=True)
    assert topic in admin.list_topics()
    assert f"{topic}-dry" not in admin.list_topics()
    admin.create_partitions({topic: NewPartitions(4)})
    (described,) = admin.describe_topics([topic])
    assert sorted(partition["partition_index"] for partition in described["partitions"]) == [0, 1, 2, 3]
    assert {partition["leader_id"] for partition in described["partitions"]} == {0}
    admin.delete_topics([topic])
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([topic])


def test_configs_are_administered(either: str, admin: KafkaAdminClient, topic: str) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "12345"})
    admin.alter_configs([resource])
    asked = ConfigResource(ConfigResourceType.TOPIC, topic)
    described = admin.describe_configs([asked], config_filter="all")
    assert "'12345'" in repr(described)
    assert "cleanup.policy" in repr(described)


def test_records_are_deleted(either: str, admin: KafkaAdminClient, topic: str) -> None:
    here = TopicPartition(topic, 0)
    with producing(either) as producer:
        for n in range(6):
            producer.send(topic, b"%d" % n, partition=0).get(PATIENCE_S)
    admin.delete_records({here: 4})
    with consuming(either, topic) as consumer:
        assert consumer.beginning_offsets([here]) == {here: 4}
        assert [record.value for record in take(consumer, 2)] == [b"4", b"5"]


def test_groups_are_administered(either: str, admin: KafkaAdminClient, topic: str) -> None:
    here = TopicPartition(topic, 0)
    with producing(either) as producer:
        producer.send(topic, b"x", partition=0).get(PATIENCE_S)
    with consuming(either, topic, group_id=topic, client_id="reader") as consumer:
        take(consumer, 1)
        consumer.commit()
        (group,) = admin.describe_groups([topic]).values()
        assert (group["group_state"], group["protocol_type"], group["protocol_data"]) == (
            "Stable",
            "consumer",
            "range",
        )
        assert [member["client_id"] for member in group["members"]] == ["reader"]
    assert topic in {listed["group_id"] for listed in admin.list_groups()}
    assert admin.list_group_offsets({topic: [here]})[topic][here].offset == 1
    admin.alter_group_offsets(topic, {here: OffsetAndMetadata(0, "", -1)})
    assert admin.list_group_offsets({topic: [here]})[topic][here].offset == 0
    admin.delete_groups([topic])
    assert topic not in {listed["group_id"] for listed in admin.list_groups()}


def test_the_cluster_and_its_log_directories_are_described(
    either: str, admin: KafkaAdminClient, topic: str
) -> None:
    cluster = admin.describe_cluster()
    assert [(broker["broker_id"], broker["host"]) for broker in cluster["brokers"]] == [(0, "localhost")]
    assert cluster["controller_id"] == 0
    assert topic in repr(admin.describe_log_dirs())
