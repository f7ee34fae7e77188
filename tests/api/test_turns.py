"""A request that repeats what takes long to answer holds nobody else up."""

import pytest
import trio

from odradek.api import describe_configs, describe_groups, offset_fetch
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestGroup
from tests.api.config_broker import config_broker
from tests.api.config_scenarios import BROKER
from tests.api.group_broker import group_broker

MANY = 40
CONFIGS = DescribeConfigsRequest(resources=[DescribeConfigsResource(BROKER, "0")] * MANY)
GROUPS = DescribeGroupsRequest(groups=["g"] * MANY)
OFFSETS = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=None)] * MANY)


@pytest.mark.parametrize(
    ("broker_with", "module", "version", "request_of_many"),
    [
        (config_broker, describe_configs, 4, CONFIGS),
        (group_broker, describe_groups, 5, GROUPS),
        (group_broker, offset_fetch, 8, OFFSETS),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_others_have_turns(autojump_clock, broker_with, module, version, request_of_many):
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with broker_with() as broker, trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        before = turns
        await broker.ask(module, version, request_of_many)
        assert turns - before > MANY // 2
        nursery.cancel_scope.cancel()
