from typing import Any

import pytest

from odradek.api import alter_configs
from odradek.api.api import NeverAnswered
from odradek.config.alteration import Change
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_configs_request import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResource,
)
from tests.api.config_broker import config_broker
from tests.api.config_scenarios import SCENARIOS, TOPIC, Scenario


def request(
    kind: int, name: str, changes: list[Change], *, validate_only: bool = False
) -> AlterConfigsRequest:
    configs = [AlterableConfig(name=change.name, value=change.value) for change in changes]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
    return AlterConfigsRequest(resources=[resource], validate_only=validate_only)


def answers(response: Any) -> list[tuple[int, str | None]]:
    return [(each.error_code, each.error_message) for each in response.responses]


@pytest.mark.parametrize("release", ["3.9", "4.3"])
@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if not each.incremental], ids=str)
async def test_a_change_is_answered_as_by_kafka(autojump_clock, scenario: Scenario, release):
    async with config_broker("t", odradek_emulate=release) as broker:
        asked = request(scenario.kind, scenario.name, scenario.changes, validate_only=True)
        response = await broker.ask(alter_configs, 2, asked)
        assert answers(response) == [scenario.expected(release)]


@pytest.mark.parametrize("version", range(3))
async def test_what_is_not_among_the_new_configs_goes(autojump_clock, version):
    async with config_broker("t") as broker:
        await broker.configs.set("topics", "t", {"retention.ms": "5", "flush.ms": "6"})
        response = await broker.ask(alter_configs, version, request(TOPIC, "t", [Change("flush.ms", 0, "7")]))
        assert answers(response) == [(ErrorCode.NONE, None)]
        assert await broker.configs.get("topics", "t") == {"flush.ms": "7"}


async def test_a_resource_that_comes_twice_keeps_the_answer_away(autojump_clock):
    async with config_broker("t", "u") as broker:
        twice = request(TOPIC, "t", [Change("flush.ms", 0, "7")])
        twice.resources *= 2
        twice.resources += request(TOPIC, "u", [Change("flush.ms", 0, "7")]).resources
        with pytest.raises(NeverAnswered):
            await broker.ask(alter_configs, 2, twice)
        assert await broker.configs.get("topics", "t") == {}
        assert await broker.configs.get("topics", "u") == {"flush.ms": "7"}
