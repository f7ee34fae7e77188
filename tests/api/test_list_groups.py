import pytest

from odradek.api import list_groups, offset_commit
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_groups_request import ListGroupsRequest
from tests.api.group_broker import group_broker
from tests.api.test_offset_commit import request as commit
from tests.api.test_sync_group import joined


async def test_every_group_at_every_version(autojump_clock):
    async with group_broker() as broker:
        await joined(broker)
        await broker.ask(offset_commit, 8, commit((0, 1), group_id="offsets"))
        for version in range(6):
            answer = await broker.ask(list_groups, version, ListGroupsRequest())
            assert [(group.group_id, group.protocol_type) for group in answer.groups] == [
                ("g", "consumer"),
                ("offsets", ""),
            ]
            states = ["CompletingRebalance", "Empty"] if version >= 4 else ["", ""]
            assert [group.group_state for group in answer.groups] == states
            assert answer.groups[0].group_type == ("classic" if version >= 5 else "")


@pytest.mark.parametrize(
    ("states", "types", "expected"),
    [
        (["empty"], [], ["offsets"]),
        (["Stable"], [], []),
        (["no such state"], [], []),
        ([], ["Classic"], ["g", "offsets"]),
        ([], ["consumer"], []),
        (["EMPTY", "Dead"], ["classic", "consumer"], ["offsets"]),
    ],
)
async def test_filters(autojump_clock, states, types, expected):
    async with group_broker() as broker:
        await joined(broker)
        await broker.ask(offset_commit, 8, commit((0, 1), group_id="offsets"))
        request = ListGroupsRequest(states_filter=states, types_filter=types)
        answer = await broker.ask(list_groups, 5, request)
        assert [group.group_id for group in answer.groups] == expected


async def test_a_partition_that_loads_makes_the_list_incomplete(autojump_clock):
    async with group_broker() as broker:
        partition = TopicPartition(GROUP_METADATA_TOPIC, 0)
        broker.groups.on_resigned(partition)
        assert (await broker.ask(list_groups, 5, ListGroupsRequest())).error_code == ErrorCode.NONE
        broker.groups.on_elected(partition, 1)
        answer = await broker.ask(list_groups, 5, ListGroupsRequest())
        assert answer.error_code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
