"""CreatePartitions where the conversation of one broker has nothing to say."""

from __future__ import annotations

from odradek.controller.new_topic import NewTopic
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_partitions_request import (
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from tests.api.topic_broker import topic_broker


async def test_a_topic_without_a_name_ends_the_request_before_release_4(autojump_clock):
    for release, errors in (("3.9", [-1, -1, -1]), ("4.0", [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0])):
        async with topic_broker(odradek_emulate=release) as broker:
            topics = broker.cluster.topics
            await topics.create_topics([NewTopic("a", 1, 1), NewTopic("b", 1, 1)], timeout_ms=1000)
            asked = [CreatePartitionsTopic(name=name, count=2, assignments=None) for name in ("a", "", "b")]
            answer = await broker.ask(CreatePartitionsRequest(topics=asked, timeout_ms=1000), 3)
            assert [each.error_code for each in answer.results] == errors
            grown = {name for name in "ab" if broker.metadata.partition_count(name) == 2}
            assert grown == ({"a"} if release == "3.9" else {"a", "b"})
