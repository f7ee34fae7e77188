"""aiokafka at real Kafka and at Odradek: producer, consumer, groups, administration."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("kafka")]

DEADLINE_S = 180


def run(job: Callable[[str, str], Awaitable[None]], bootstrap: str) -> None:
    """Run ``job(bootstrap, topic)`` with a topic of its own that has two partitions."""

    async def main() -> None:
        topic = f"aiokafka-{uuid.uuid4()}"
        async with asyncio.timeout(DEADLINE_S), administering(bootstrap) as admin:
            await admin.create_topics([NewTopic(topic, 2, 1)])
            await job(bootstrap, topic)

    asyncio.run(main())


@asynccontextmanager
async def administering(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def consuming(bootstrap: str, *topics: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        heartbeat_interval_ms=200,
        **options,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def produce(bootstrap: str, topic: str, values: list[bytes], **options: Any) -> list[int]:
    """Produce to partition 0; returns the offsets."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
        sent = [
            await producer.send(topic, value, partition=0, headers=[("n", value[:1])]) for value in values
        ]
        return [(await future).offset for future in sent]


@pytest.mark.parametrize("options", [{"acks": 1}, {"acks": "all"}, {"enable_idempotence": True}], ids=str)
@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_records_come_back_as_they_went(either: str, codec: str | None, options: dict[str, Any]) -> None:
    async def job(bootstrap: str, topic: str) -> None:
        values = [b"%d" % n * 100 for n in range(60)]
        assert await produce(bootstrap, topic, values, compression_type=codec, **options) == list(range(60))
        async with consuming(bootstrap, topic) as consumer:
            records = [await consumer.getone() for _ in values]
        assert [(r.offset, r.value, r.headers) for r in records] == [
            (n, value, (("n", value[:1]),)) for n, value in enumerate(values)
        ]

    run(job, either)


def test_a_group_shares_the_partitions(either: str) -> None:
    async def job(bootstrap: str, topic: str) -> None:
        async with consuming(bootstrap, topic, group_id=topic) as one:
            assert len(one.assignment()) == 2
            async with consuming(bootstrap, topic, group_id=topic) as two:
                while not len(one.assignment()) == len(two.assignment()) == 1:
                    await one.getmany(timeout_ms=50)
                    await two.getmany(timeout_ms=50)
            while len(one.assignment()) != 2:
                await one.getmany(timeout_ms=50)
            await produce(bootstrap, topic, [b"x"])
            assert (await one.getone()).value == b"x"

    run(job, either)


def test_offsets_are_committed_sought_and_found(either: str) -> None:
    async def job(bootstrap: str, topic: str) -> None:
        here = TopicPartition(topic, 0)
        await produce(bootstrap, topic, [b"%d" % n for n in range(5)])
        async with consuming(bootstrap, topic, group_id=topic, enable_auto_commit=False) as consumer:
            assert await consumer.beginning_offsets([here]) == {here: 0}
            assert await consumer.end_offsets([here]) == {here: 5}
            assert (await consumer.offsets_for_times({here: 0}))[here].offset == 0
            consumer.seek(here, 2)
            assert (await consumer.getone(here)).value == b"2"
            await consumer.commit({here: 3})
            assert await consumer.committed(here) == 3
        async with consuming(bootstrap, topic, group_id=topic) as consumer:
            assert (await consumer.getone(here)).value == b"3"

    run(job, either)


def test_topics_configs_records_and_groups_are_administered(either: str) -> None:
    async def job(bootstrap: str, topic: str) -> None:
        here = TopicPartition(topic, 0)
        async with administering(bootstrap) as admin:
            with pytest.raises(TopicAlreadyExistsError):
                await refused(admin.create_topics([NewTopic(topic, 1, 1)]))
            await admin.create_partitions({topic: NewPartitions(3)})
            await until(lambda: has_partitions(admin, topic, 3))
            resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "777"})
            await admin.alter_configs([resource])
            described = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            assert ("retention.ms", "777") in [entry[:2] for entry in described[0].resources[0][4]]
            await produce(bootstrap, topic, [b"a", b"b", b"c"])
            async with consuming(bootstrap, topic, group_id=topic) as consumer:
                assert [(await consumer.getone()).value for _ in range(3)] == [b"a", b"b", b"c"]
            assert (await admin.list_consumer_group_offsets(topic))[here].offset == 3
            assert (topic, "consumer") in [group[:2] for group in await admin.list_consumer_groups()]
            assert topic in await admin.list_topics()
            await admin.delete_topics([topic])
            await until(lambda: is_gone(admin, topic))

    run(job, either)


async def has_partitions(admin: AIOKafkaAdminClient, topic: str, count: int) -> bool:
    (described,) = await admin.describe_topics([topic])
    return len(described["partitions"]) == count


async def is_gone(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return topic not in await admin.list_topics()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds; the deadline is that of the whole job."""
    done = False
    while not done:
        done = await holds()


async def refused(creation: Awaitable[Any]) -> None:
    """aiokafka leaves a topic's error in the response."""
    response = await creation
    for topic_error in response.topic_errors:
        if topic_error[1] == TopicAlreadyExistsError.errno:
            raise TopicAlreadyExistsError
