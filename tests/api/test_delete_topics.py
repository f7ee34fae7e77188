"""DeleteTopics where a broker does not delete at all, or is not the controller."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from odradek.controller.new_topic import NewTopic
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_partitions_request import (
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from tests.api.topic_broker import topic_broker


@pytest.mark.parametrize("release", ["3.9", "4.3"])
async def test_disabled_deletion_has_a_code_of_its_own_since_version_3(release, autojump_clock):
    async with topic_broker(delete_topic_enable="false", odradek_emulate=release) as broker:
        await broker.cluster.topics.create_topics([NewTopic("t")], timeout_ms=1000)
        old = await broker.ask(DeleteTopicsRequest(topic_names=["t"], timeout_ms=1000), 2)
        new = await broker.ask(DeleteTopicsRequest(topics=[DeleteTopicState("t")], timeout_ms=1000), 6)
        assert old.responses[0].error_code == ErrorCode.INVALID_REQUEST
        assert new.responses[0].error_code == ErrorCode.TOPIC_DELETION_DISABLED
        assert "t" in broker.metadata


async def test_only_the_controller_of_a_zookeeper_cluster_administers_topics(autojump_clock):
    async with topic_broker(size=2) as broker:
        await broker.cluster.members[0].stop()
        await trio.testing.wait_all_tasks_blocked()
        for request, version in (
            (CreateTopicsRequest(topics=[CreatableTopic("t", 1, 1)], timeout_ms=1000), 7),
            (CreatePartitionsRequest(topics=[CreatePartitionsTopic("t", 2, None)], timeout_ms=1000), 3),
            (DeleteTopicsRequest(topics=[DeleteTopicState("t")], timeout_ms=1000), 6),
        ):
            response = await broker.ask(request, version)
            (result,) = next(
                getattr(response, part)
                for part in ("topics", "results", "responses")
                if hasattr(response, part)
            )
            assert (result.name, result.error_code) == ("t", ErrorCode.NOT_CONTROLLER)
