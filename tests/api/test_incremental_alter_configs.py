from collections.abc import Iterator
from typing import Any

import pytest
import trio

from odradek.api import incremental_alter_configs
from odradek.clock import VirtualClock
from odradek.config.alteration import Change
from odradek.coordination.dynamic_configs import DynamicConfigs
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.incremental_alter_configs_request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.telemetry import Level, loggers
from tests.api.config_broker import config_broker
from tests.api.config_scenarios import (
    APPEND,
    BROKER,
    BROKER_LOGGER,
    CLIENT_METRICS,
    DELETE,
    GROUP,
    SCENARIOS,
    SET,
    TOPIC,
    Scenario,
)
from tests.api.test_alter_configs import answers


def request(
    kind: int, name: str, *changes: Change, validate_only: bool = False
) -> IncrementalAlterConfigsRequest:
    configs = [
        AlterableConfig(name=change.name, config_operation=change.operation, value=change.value)
        for change in changes
    ]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
    return IncrementalAlterConfigsRequest(resources=[resource], validate_only=validate_only)


async def change(broker: Any, kind: int, name: str, *changes: Change) -> tuple[int, str | None]:
    response = await broker.ask(incremental_alter_configs, 1, request(kind, name, *changes))
    return answers(response)[0]


@pytest.mark.parametrize("release", ["3.9", "4.3"])
@pytest.mark.parametrize("scenario", [each for each in SCENARIOS if each.incremental], ids=str)
async def test_a_change_is_answered_as_by_kafka(autojump_clock, scenario: Scenario, release):
    async with config_broker("t", odradek_emulate=release) as broker:
        asked = request(scenario.kind, scenario.name, *scenario.changes, validate_only=True)
        response = await broker.ask(incremental_alter_configs, 1, asked)
        assert answers(response) == [scenario.expected(release)]
        assert await broker.configs.get("topics", "t") == {}


@pytest.mark.parametrize("version", range(2))
async def test_a_topics_configs_change_and_the_rest_stays(autojump_clock, version):
    async with config_broker("t") as broker:
        await broker.configs.set("topics", "t", {"retention.ms": "5", "flush.ms": "6"})
        changes = (Change("flush.ms", DELETE, None), Change("cleanup.policy", APPEND, "compact"))
        response = await broker.ask(incremental_alter_configs, version, request(TOPIC, "t", *changes))
        assert answers(response) == [(ErrorCode.NONE, None)]
        assert await broker.configs.get("topics", "t") == {
            "retention.ms": "5",
            "cleanup.policy": "delete,compact",
        }
        assert broker.configs.log_config("t").compact


@pytest.mark.parametrize(
    ("kind", "name", "entity_type", "entity"),
    [(TOPIC, "t", "topics", "t"), (BROKER, "", "brokers", "<default>")],
)
async def test_what_this_broker_was_not_told_of_stays(autojump_clock, kind, name, entity_type, entity):
    """Nobody announces what a topic is created with, and what another broker announces takes its time."""
    flush, retention = ("flush.ms", "retention.ms")
    if kind == BROKER:
        flush, retention = ("log.flush.interval.ms", "log.retention.ms")
    async with config_broker("t") as broker:
        another = DynamicConfigs(broker.store, VirtualClock(), broker.configs.config)
        await another.set(entity_type, entity, {retention: "5"})
        assert await change(broker, kind, name, Change(flush, SET, "6")) == (ErrorCode.NONE, None)
        assert await broker.configs.get(entity_type, entity) == {retention: "5", flush: "6"}


@pytest.mark.parametrize("name", ["00", "+0"])
async def test_a_brokers_node_is_called_by_its_number(autojump_clock, name):
    async with config_broker() as broker:
        assert await change(broker, BROKER, name, Change("num.io.threads", SET, "9")) == (
            ErrorCode.NONE,
            None,
        )
        assert await broker.configs.get("brokers", "0") == {"num.io.threads": "9"}
        assert broker.configs.config.int("num.io.threads") == 9


async def test_of_changes_at_once_none_is_lost(autojump_clock):
    async with config_broker("t") as broker:
        async with trio.open_nursery() as nursery:
            for name in ("flush.ms", "retention.ms", "segment.ms"):
                nursery.start_soon(change, broker, TOPIC, "t", Change(name, SET, "5"))
        assert await broker.configs.get("topics", "t") == {
            "flush.ms": "5",
            "retention.ms": "5",
            "segment.ms": "5",
        }


async def test_a_brokers_config_takes_effect(autojump_clock):
    async with config_broker() as broker:
        heard: list[int] = []
        broker.configs.subscribe(lambda *_: heard.append(broker.configs.config.int("num.io.threads")))
        assert await change(broker, BROKER, "", Change("num.io.threads", SET, "9")) == (ErrorCode.NONE, None)
        assert await change(broker, BROKER, "0", Change("num.io.threads", SET, "10")) == (
            ErrorCode.NONE,
            None,
        )
        assert await change(broker, BROKER, "0", Change("num.io.threads", DELETE, None)) == (
            ErrorCode.NONE,
            None,
        )
    assert heard == [9, 10, 9]


async def test_secrets_need_an_encoder_before_4_0(autojump_clock):
    secret = Change("listener.name.plaintext.ssl.key.password", SET, "x")
    async with config_broker() as broker:
        code, message = await change(broker, BROKER, "0", secret)
        assert code == ErrorCode.INVALID_CONFIG
        assert message == (
            "Invalid config value for resource ConfigResource(type=BROKER, name='0'): "
            "Password encoder secret not configured"
        )
    async with config_broker(odradek_emulate="4.3") as broker:
        assert await change(broker, BROKER, "0", secret) == (ErrorCode.NONE, None)


@pytest.fixture
def logger_name() -> Iterator[str]:
    name = "odradek.tests.levels"
    loggers.get(name)
    yield name
    loggers.set_level(name, None)


async def test_a_loggers_level_changes_and_falls_back_to_its_parents(autojump_clock, logger_name):
    async with config_broker() as broker:
        level = Change(logger_name, SET, "TRACE")
        await broker.ask(incremental_alter_configs, 1, request(BROKER_LOGGER, "0", level, validate_only=True))
        assert loggers.levels()[logger_name] is Level.INFO
        assert await change(broker, BROKER_LOGGER, "0", level) == (ErrorCode.NONE, None)
        assert loggers.levels()[logger_name] is Level.TRACE
        await change(broker, BROKER_LOGGER, "0", Change(logger_name, DELETE, None))
        assert loggers.levels()[logger_name] is Level.INFO


async def test_groups_and_metrics_subscriptions_of_4_x_are_kept(autojump_clock):
    async with config_broker(odradek_emulate="4.3") as broker:
        await change(broker, GROUP, "g", Change("consumer.session.timeout.ms", SET, "50000"))
        await change(broker, CLIENT_METRICS, "s", Change("interval.ms", SET, "1000"))
        assert await broker.configs.get("groups", "g") == {"consumer.session.timeout.ms": "50000"}
        assert await broker.configs.get("client-metrics", "s") == {"interval.ms": "1000"}
