"""DescribeTopicPartitions: pages over everything there is."""

from __future__ import annotations

from odradek.controller.new_topic import NewTopic
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_topic_partitions_request import (
    Cursor,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)
from tests.api.topic_broker import topic_broker


async def test_pages_join_to_all_partitions_of_all_topics(autojump_clock):
    async with topic_broker(odradek_emulate="4.0") as broker:
        sizes = {"c": 4, "a": 3, "b": 1}
        await broker.cluster.topics.create_topics(
            [NewTopic(name, size, 1) for name, size in sizes.items()], timeout_ms=1000
        )
        for limit in range(1, 10):
            seen: list[tuple[str, int]] = []
            cursor: Cursor | None = None
            while True:
                request = DescribeTopicPartitionsRequest(response_partition_limit=limit, cursor=cursor)
                page = await broker.ask(request, 0)
                found = [(t.name, p.partition_index) for t in page.topics for p in t.partitions]
                assert len(found) <= limit
                seen += found
                if page.next_cursor is None:
                    break
                cursor = Cursor(page.next_cursor.topic_name, page.next_cursor.partition_index)
            assert seen == [(name, number) for name in "abc" for number in range(sizes[name])]


async def test_the_broker_bounds_a_page(autojump_clock):
    async with topic_broker(odradek_emulate="4.0", max_request_partition_size_limit="2") as broker:
        await broker.cluster.topics.create_topics([NewTopic("t", 5, 1)], timeout_ms=1000)
        page = await broker.ask(DescribeTopicPartitionsRequest(), 0)
        assert len(page.topics[0].partitions) == 2


async def test_a_topic_without_a_name_fails_the_request(autojump_clock):
    async with topic_broker(odradek_emulate="4.0") as broker:
        asked = [TopicRequest(name=""), TopicRequest(name="none")]
        page = await broker.ask(DescribeTopicPartitionsRequest(topics=asked), 0)
        assert {topic.error_code for topic in page.topics} == {ErrorCode.UNKNOWN_SERVER_ERROR}
