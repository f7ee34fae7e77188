"""CreateTopics: the configs that a response shows, with where each comes from."""

from __future__ import annotations

import pytest

from odradek.config.description import Source
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from tests.api.topic_broker import topic_broker


@pytest.mark.parametrize("release", ["3.9", "4.3"])
async def test_the_response_shows_every_config_of_the_topic(release, autojump_clock):
    async with topic_broker(odradek_emulate=release, log_segment_bytes="1048576") as broker:
        topic = CreatableTopic("t", 1, 1, configs=[CreatableTopicConfig("retention.ms", "5")])
        response = await broker.ask(CreateTopicsRequest(topics=[topic], timeout_ms=1000), 7)
        configs = {config.name: config for config in response.topics[0].configs}
        shown = {name: (config.value, config.config_source) for name, config in configs.items()}
        assert shown["retention.ms"] == ("5", Source.TOPIC)
        assert shown["segment.bytes"] == ("1048576", Source.STATIC_BROKER)
        assert shown["cleanup.policy"] == ("delete", Source.DEFAULT)
        assert not any(config.read_only or config.is_sensitive for config in configs.values())
        assert release == "3.9" or list(configs) == sorted(configs)


async def test_a_config_that_is_repeated_may_not_be_null_anywhere(autojump_clock):
    async with topic_broker() as broker:
        configs = [CreatableTopicConfig("retention.ms", value) for value in (None, "5")]
        request = CreateTopicsRequest(topics=[CreatableTopic("t", 1, 1, configs=configs)], timeout_ms=1000)
        response = await broker.ask(request, 7)
        assert response.topics[0].error_code == ErrorCode.INVALID_CONFIG
