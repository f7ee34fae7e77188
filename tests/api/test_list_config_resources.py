import pytest

from odradek.api import list_config_resources
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_config_resources_request import ListConfigResourcesRequest
from tests.api.config_broker import ConfigBroker, config_broker


async def listed(broker: ConfigBroker, *types: int, version: int = 1) -> list[tuple[str, int]]:
    await broker.configs.set("groups", "g", {"consumer.session.timeout.ms": "50000"})
    await broker.configs.set("client-metrics", "s", {"interval.ms": "1000"})
    request = ListConfigResourcesRequest(resource_types=list(types))
    response = await broker.ask(list_config_resources, version, request)
    return [(each.resource_name, each.resource_type) for each in response.config_resources]


@pytest.mark.parametrize(
    ("types", "resources"),
    [
        ((), [("g", 32), ("s", 16), ("0", 8), ("0", 4), ("a", 2), ("b", 2)]),
        ((2,), [("a", 2), ("b", 2)]),
        ((2, 4), [("0", 4), ("a", 2), ("b", 2)]),
        ((16,), [("s", 16)]),
    ],
)
async def test_resources_come_by_type_as_in_kafka(autojump_clock, types, resources):
    async with config_broker("b", "a", odradek_emulate="4.3") as broker:
        assert await listed(broker, *types) == resources


async def test_the_first_version_lists_metrics_subscriptions(autojump_clock):
    async with config_broker("a", odradek_emulate="4.3") as broker:
        request = ListConfigResourcesRequest()
        await broker.configs.set("client-metrics", "s", {"interval.ms": "1000"})
        response = await broker.ask(list_config_resources, 0, request)
        assert [each.resource_name for each in response.config_resources] == ["s"]


@pytest.mark.parametrize("kind", [0, 1, 64])
async def test_an_unknown_type_is_an_unsupported_version(autojump_clock, kind):
    async with config_broker("a", odradek_emulate="4.3") as broker:
        request = ListConfigResourcesRequest(resource_types=[2, kind])
        response = await broker.ask(list_config_resources, 1, request)
        assert (response.error_code, response.config_resources) == (ErrorCode.UNSUPPORTED_VERSION, [])
