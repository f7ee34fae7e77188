from typing import Any

import pytest

from odradek.api import describe_configs
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from tests.api.config_broker import ConfigBroker, config_broker
from tests.api.config_scenarios import BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC


async def described(
    broker: ConfigBroker, kind: int, name: str, *names: str, version: int = 4, synonyms: bool = False
) -> Any:
    resource = DescribeConfigsResource(
        resource_type=kind, resource_name=name, configuration_keys=list(names) or None
    )
    request = DescribeConfigsRequest(resources=[resource], include_synonyms=synonyms)
    response = await broker.ask(describe_configs, version, request)
    return response.results[0]


@pytest.mark.parametrize("version", range(5))
async def test_every_version_describes_a_topic(autojump_clock, version):
    async with config_broker("t") as broker:
        await broker.configs.set("topics", "t", {"cleanup.policy": "compact"})
        result = await described(broker, TOPIC, "t", "cleanup.policy", version=version)
        (config,) = result.configs
        assert (config.name, config.value, config.read_only) == ("cleanup.policy", "compact", False)
        assert (result.error_code, result.error_message) == (ErrorCode.NONE, "")


async def test_synonyms_come_if_asked_for(autojump_clock):
    async with config_broker("t") as broker:
        await broker.configs.set("topics", "t", {"cleanup.policy": "compact"})
        (config,) = (await described(broker, TOPIC, "t", "cleanup.policy", synonyms=True)).configs
        assert [(each.name, each.value, each.source) for each in config.synonyms] == [
            ("cleanup.policy", "compact", 1),
            ("log.cleanup.policy", "delete", 5),
        ]
        (config,) = (await described(broker, TOPIC, "t", "cleanup.policy")).configs
        assert config.synonyms == []


async def test_configs_come_in_the_order_of_kafkas_maps(autojump_clock):
    names = ("segment.ms", "retention.ms", "remote.storage.enable", "min.insync.replicas")
    async with config_broker("t") as broker:
        configs = (await described(broker, TOPIC, "t", *names)).configs
        assert [config.name for config in configs] == [
            "remote.storage.enable",
            "min.insync.replicas",
            "retention.ms",
            "segment.ms",
        ]


@pytest.mark.parametrize("release", ["3.9", "4.3"])
@pytest.mark.parametrize(
    ("kind", "name", "code", "message"),
    [
        (TOPIC, "nope", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ""),
        (TOPIC, "", 17, "Topic name is invalid: the empty string is not allowed"),
        (BROKER, "9", 42, "Unexpected broker id, expected 0 or empty string, but received 9"),
        (BROKER, "x", 42, "Broker id must be an integer, but it is: x"),
        (BROKER_LOGGER, "", 42, "Broker id must not be empty"),
        (BROKER_LOGGER, "9", 42, "Unexpected broker id, expected 0 but received 9"),
        (CLIENT_METRICS, "", 42, "Client metrics subscription name must not be empty"),
        (64, "x", 42, ErrorCode.INVALID_REQUEST.message),
    ],
)
async def test_what_cannot_be_described(autojump_clock, release, kind, name, code, message):
    async with config_broker("t", odradek_emulate=release) as broker:
        result = await described(broker, kind, name)
        assert (result.error_code, result.error_message, result.configs) == (code, message, [])


async def test_groups_and_metrics_subscriptions_exist_from_4_0_on(autojump_clock):
    async with config_broker(odradek_emulate="3.9") as broker:
        result = await described(broker, CLIENT_METRICS, "s")
        assert result.error_message == "Config type client-metrics is only supported on KRaft clusters"
        assert (await described(broker, GROUP, "g")).error_message == ErrorCode.INVALID_REQUEST.message
    async with config_broker(odradek_emulate="4.3") as broker:
        assert len((await described(broker, CLIENT_METRICS, "s")).configs) == 3
        assert len((await described(broker, GROUP, "g")).configs) == 17
        assert (await described(broker, GROUP, "")).error_message == "Group name must not be empty"


async def test_one_unknown_kind_refuses_the_whole_request(autojump_clock):
    async with config_broker("t") as broker:
        resources = [
            DescribeConfigsResource(resource_type=kind, resource_name="t", configuration_keys=None)
            for kind in (TOPIC, 64)
        ]
        response = await broker.ask(describe_configs, 4, DescribeConfigsRequest(resources=resources))
        assert [result.error_code for result in response.results] == [ErrorCode.INVALID_REQUEST] * 2


async def test_loggers_are_described_with_their_levels(autojump_clock):
    async with config_broker() as broker:
        configs = (await described(broker, BROKER_LOGGER, "0", "root")).configs
        assert [(config.name, config.value, config.config_source) for config in configs] == [
            ("root", "INFO", 6)
        ]


async def test_every_described_config_is_documented_on_request(autojump_clock):
    async with config_broker("t") as broker:
        for kind, name in ((TOPIC, "t"), (BROKER, "0")):
            resource = DescribeConfigsResource(
                resource_type=kind, resource_name=name, configuration_keys=None
            )
            request = DescribeConfigsRequest(resources=[resource], include_documentation=True)
            response = await broker.ask(describe_configs, 4, request)
            undocumented = [each.name for each in response.results[0].configs if not each.documentation]
            assert undocumented == []
