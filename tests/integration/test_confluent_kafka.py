"""confluent-kafka 2 (librdkafka) at real Kafka and at Odradek: producer, consumer, groups, administration."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from compat.oracle.ports import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("kafka")]

PATIENCE_S = 120
"""For what takes milliseconds, on a machine that has other things to do."""


@pytest.fixture
def admin(either: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": either})


@pytest.fixture
def topic(admin: AdminClient) -> str:
    """A new topic with two partitions."""
    name = f"confluent-{uuid.uuid4()}"
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(PATIENCE_S)
    assert wait_until(lambda: len(admin.list_topics(name).topics[name].partitions) == 2, timeout_s=PATIENCE_S)
    return name


def produce(bootstrap: str, topic: str, values: list[bytes], **options: Any) -> list[int]:
    """Produce to partition 0; returns the offsets."""
    reports: list[tuple[object, int | None]] = []
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **options})
    for value in values:
        producer.produce(
            topic,
            value,
            key=b"key",
            partition=0,
            on_delivery=lambda error, m: reports.append((error, m.offset())),
        )
    assert producer.flush(PATIENCE_S) == 0
    assert [error for error, _ in reports] == [None] * len(values)
    return [offset for _, offset in reports if offset is not None]


@contextmanager
def consuming(bootstrap: str, group: str, **options: Any) -> Iterator[Consumer]:
    settings = {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", **options}
    consumer = Consumer(settings)
    try:
        yield consumer
    finally:
        consumer.close()


def take(consumer: Consumer, count: int) -> list[Any]:
    """The next ``count`` records; fails when they do not come."""
    taken = events(consumer, count)
    assert [message.error() for message in taken] == [None] * len(taken)
    return taken


def events(consumer: Consumer, count: int) -> list[Any]:
    """The next ``count`` messages, errors included; fails when they do not come."""
    taken: list[Any] = []

    def enough() -> bool:
        taken.extend(consumer.consume(count, 0.2))
        return len(taken) >= count

    assert wait_until(enough, timeout_s=PATIENCE_S)
    return taken


@pytest.mark.parametrize("idempotent", [False, True])
@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_records_come_back_as_they_went(either: str, topic: str, codec: str, idempotent: bool) -> None:
    values = [b"%d" % n * 200 for n in range(100)]
    options = {"compression.type": codec, "enable.idempotence": idempotent}
    assert produce(either, topic, values, **options) == list(range(100))
    with consuming(either, topic, **{"check.crcs": True}) as consumer:
        consumer.assign([Place(topic, 0, 0)])
        messages = take(consumer, 100)
    assert [(m.offset(), m.key(), m.value()) for m in messages] == [
        (n, b"key", value) for n, value in enumerate(values)
    ]


def test_headers_and_timestamps_travel(either: str, topic: str) -> None:
    producer = Producer({"bootstrap.servers": either})
    producer.produce(
        topic, None, b"tombstone", partition=0, timestamp=1234, headers=[("a", b"1"), ("a", None)]
    )
    assert producer.flush(PATIENCE_S) == 0
    with consuming(either, topic) as consumer:
        consumer.assign([Place(topic, 0, 0)])
        (message,) = take(consumer, 1)
    assert message.value() is None
    assert message.timestamp() == (confluent_kafka.TIMESTAMP_CREATE_TIME, 1234)
    assert message.headers() == [("a", b"1"), ("a", None)]


def test_the_end_of_a_partition_is_reported(either: str, topic: str) -> None:
    produce(either, topic, [b"x"])
    with consuming(either, topic, **{"enable.partition.eof": True}) as consumer:
        consumer.assign([Place(topic, 0, 0)])
        record, end = events(consumer, 2)
        assert record.value() == b"x"
        assert end.error().code() == KafkaError._PARTITION_EOF
        assert consumer.get_watermark_offsets(Place(topic, 0)) == (0, 1)


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_two_members_share_and_one_takes_over(either: str, topic: str, strategy: str) -> None:
    settings = {"partition.assignment.strategy": strategy, "heartbeat.interval.ms": 200}
    with consuming(either, topic, **settings) as stays:
        stays.subscribe([topic])
        assert wait_until(
            lambda: stays.poll(0.1) is None and len(stays.assignment()) == 2, timeout_s=PATIENCE_S
        )
        with consuming(either, topic, **settings) as leaves:
            leaves.subscribe([topic])

            def shared() -> bool:
                stays.poll(0.1)
                leaves.poll(0.1)
                return len(stays.assignment()) == len(leaves.assignment()) == 1

            assert wait_until(shared, timeout_s=PATIENCE_S)
        assert wait_until(
            lambda: stays.poll(0.1) is None and len(stays.assignment()) == 2, timeout_s=PATIENCE_S
        )
        produce(either, topic, [b"a", b"b"])
        assert [message.value() for message in take(stays, 2)] == [b"a", b"b"]


def test_a_static_member_comes_back_to_its_partitions(either: str, topic: str, admin: AdminClient) -> None:
    settings = {"group.instance.id": "static-1", "session.timeout.ms": 60_000}
    assigned: list[int] = []

    def on_assign(_: Consumer, places: list[Place]) -> None:
        assigned.append(len(places))

    for _ in range(2):
        consumer = Consumer({"bootstrap.servers": either, "group.id": topic, **settings})
        before = len(assigned)
        consumer.subscribe([topic], on_assign=on_assign)
        assert wait_until(lambda: consumer.poll(0.1) is None and len(assigned) > before, timeout_s=PATIENCE_S)  # noqa: B023
        consumer.close()
    assert assigned == [2, 2]
    described = admin.describe_consumer_groups([topic])[topic].result(PATIENCE_S)
    assert [member.group_instance_id for member in described.members] == ["static-1"]


def test_offsets_are_committed_and_read(either: str, topic: str) -> None:
    produce(either, topic, [b"0", b"1", b"2"])
    with consuming(either, topic, **{"enable.auto.commit": False}) as consumer:
        consumer.subscribe([topic])
        first = take(consumer, 3)[0]
        consumer.commit(message=first, asynchronous=False)
        (committed,) = consumer.committed([Place(topic, 0)], PATIENCE_S)
        assert committed.offset == 1
    with consuming(either, topic) as consumer:
        consumer.subscribe([topic])
        assert [message.value() for message in take(consumer, 2)] == [b"1", b"2"]


def test_offsets_are_found_by_time(either: str, topic: str, admin: AdminClient) -> None:
    producer = Producer({"bootstrap.servers": either})
    for n in range(5):
        producer.produce(topic, b"x", partition=0, timestamp=1_000_000 + 100 * n)
        producer.flush(PATIENCE_S)
    with consuming(either, topic) as consumer:
        (found,) = consumer.offsets_for_times([Place(topic, 0, 1_000_150)], PATIENCE_S)
        assert found.offset == 2
        (late,) = consumer.offsets_for_times([Place(topic, 0, 9_000_000)], PATIENCE_S)
        assert late.offset == confluent_kafka.OFFSET_END
    for spec, offset in (
        (OffsetSpec.earliest(), 0),
        (OffsetSpec.latest(), 5),
        (OffsetSpec.max_timestamp(), 4),
        (OffsetSpec.for_timestamp(1_000_300), 3),
    ):
        (result,) = admin.list_offsets({Place(topic, 0): spec}).values()
        assert result.result(PATIENCE_S).offset == offset


def test_topics_are_administered(either: str, admin: AdminClient, topic: str) -> None:
    for wanted, code in (
        (NewTopic(topic, 1, 1), KafkaError.TOPIC_ALREADY_EXISTS),
        (NewTopic("bad name", 1, 1), KafkaError.TOPIC_EXCEPTION),
        (NewTopic(f"{topic}-2", 1, 2), KafkaError.INVALID_REPLICATION_FACTOR),
        (NewTopic(f"{topic}-3", 1, 1, config={"no.such": "config"}), KafkaError.INVALID_CONFIG),
    ):
        (future,) = admin.create_topics([wanted]).values()
        with pytest.raises(KafkaException) as refused:
            future.result(PATIENCE_S)
        assert refused.value.args[0].code() == code
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(PATIENCE_S)
    assert wait_until(
        lambda: len(admin.list_topics(topic).topics[topic].partitions) == 3, timeout_s=PATIENCE_S
    )
    described = admin.describe_topics(confluent_kafka.TopicCollection([topic]))[topic].result(PATIENCE_S)
    assert [(p.id, p.leader.id, [r.id for r in p.isr]) for p in described.partitions] == [
        (n, 0, [0]) for n in range(3)
    ]
    admin.delete_topics([topic])[topic].result(PATIENCE_S)
    assert wait_until(lambda: topic not in admin.list_topics().topics, timeout_s=PATIENCE_S)


def test_configs_are_administered(either: str, admin: AdminClient, topic: str) -> None:
    def described() -> dict[str, Any]:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        entries: dict[str, Any] = admin.describe_configs([resource])[resource].result(PATIENCE_S)
        return entries

    def alter(name: str, value: str | None, operation: AlterConfigOpType) -> None:
        entry = ConfigEntry(name, value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result(PATIENCE_S)

    assert described()["retention.ms"].value == "604800000"
    alter("retention.ms", "5000", AlterConfigOpType.SET)
    assert wait_until(lambda: described()["retention.ms"].value == "5000", timeout_s=PATIENCE_S)
    alter("cleanup.policy", "compact", AlterConfigOpType.APPEND)
    assert wait_until(lambda: described()["cleanup.policy"].value == "delete,compact", timeout_s=PATIENCE_S)
    alter("cleanup.policy", "delete", AlterConfigOpType.SUBTRACT)
    assert wait_until(lambda: described()["cleanup.policy"].value == "compact", timeout_s=PATIENCE_S)
    alter("retention.ms", None, AlterConfigOpType.DELETE)
    assert wait_until(lambda: described()["retention.ms"].is_default, timeout_s=PATIENCE_S)
    with pytest.raises(KafkaException) as refused:
        alter("retention.ms", "never", AlterConfigOpType.SET)
    assert refused.value.args[0].code() == KafkaError.INVALID_CONFIG


def test_groups_are_administered(either: str, admin: AdminClient, topic: str) -> None:
    produce(either, topic, [b"x"] * 3)
    with consuming(either, topic, **{"client.id": "reader"}) as consumer:
        consumer.subscribe([topic])
        take(consumer, 3)
        described = admin.describe_consumer_groups([topic])[topic].result(PATIENCE_S)
        assert described.state == confluent_kafka.ConsumerGroupState.STABLE
        assert [member.client_id for member in described.members] == ["reader"]
        assert len(described.members[0].assignment.topic_partitions) == 2
    listed = admin.list_consumer_groups().result(PATIENCE_S)
    assert topic in {group.group_id for group in listed.valid}
    places = [Place(topic, 0)]
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(topic, places)])[topic].result(
        PATIENCE_S
    )
    assert [place.offset for place in found.topic_partitions] == [3]
    wanted = ConsumerGroupTopicPartitions(topic, [Place(topic, 0, 1)])
    admin.alter_consumer_group_offsets([wanted])[topic].result(PATIENCE_S)
    found = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(topic, places)])[topic].result(
        PATIENCE_S
    )
    assert [place.offset for place in found.topic_partitions] == [1]
    admin.delete_consumer_groups([topic])[topic].result(PATIENCE_S)
    with pytest.raises(KafkaException) as refused:
        admin.delete_consumer_groups([topic])[topic].result(PATIENCE_S)
    assert refused.value.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND


def test_records_are_deleted(either: str, admin: AdminClient, topic: str) -> None:
    produce(either, topic, [b"x"] * 5)
    (future,) = admin.delete_records([Place(topic, 0, 3)]).values()
    assert future.result(PATIENCE_S).low_watermark == 3
    with consuming(either, topic) as consumer:
        assert consumer.get_watermark_offsets(Place(topic, 0), PATIENCE_S) == (3, 5)


def test_the_cluster_is_described(either: str, admin: AdminClient) -> None:
    cluster = admin.describe_cluster().result(PATIENCE_S)
    assert [(node.id, node.host, node.port) for node in cluster.nodes] == [(0, "localhost", int(either[10:]))]
    assert cluster.controller.id == 0
    assert len(cluster.cluster_id) == 22
