from typing import Any

from odradek.api import find_coordinator
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from tests.api.group_broker import GroupBroker, group_broker


def request(version: int, key_type: int) -> FindCoordinatorRequest:
    if version < 4:
        return FindCoordinatorRequest(key="g", key_type=key_type)
    return FindCoordinatorRequest(coordinator_keys=["g"], key_type=key_type)


async def ask(broker: GroupBroker, version: int, key_type: int = 0) -> Any:
    """The response before version 4, its only entry since: their fields are the same."""
    answer = await broker.ask(find_coordinator, version, request(version, key_type))
    return answer if version < 4 else answer.coordinators[0]


async def test_the_first_question_brings_the_topic_into_being(autojump_clock):
    async with group_broker() as broker:
        for version in range(7):
            answer = await ask(broker, version)
            assert answer.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
            assert (answer.node_id, answer.host, answer.port) == (-1, "", -1)
        assert broker.created.asked == [GROUP_METADATA_TOPIC] * 7


async def test_the_leader_of_the_groups_partition_is_its_coordinator(autojump_clock):
    async with group_broker() as broker:
        broker.has_topic(GROUP_METADATA_TOPIC, 1)
        for version in range(7):
            answer = await ask(broker, version)
            assert (answer.error_code, answer.node_id, answer.host, answer.port) == (0, 1, "localhost", 9092)
            assert answer.error_message == ("NONE" if 1 <= version < 4 else "")


async def test_many_keys_are_answered_in_their_order(autojump_clock):
    async with group_broker() as broker:
        broker.has_topic(GROUP_METADATA_TOPIC, 1)
        asked = FindCoordinatorRequest(coordinator_keys=["b", "a"])
        answer = await broker.ask(find_coordinator, 4, asked)
        assert [entry.key for entry in answer.coordinators] == ["b", "a"]


async def test_without_a_leader_there_is_no_coordinator(autojump_clock):
    async with group_broker() as broker:
        broker.has_topic(GROUP_METADATA_TOPIC, 1, leader=-1)
        assert (await ask(broker, 3)).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert broker.created.asked == []


async def test_a_kind_of_coordinator_that_is_not_there_ends_the_search(autojump_clock):
    async with group_broker() as broker:
        for version in (1, 4, 6):
            for key_type in (1, 2, 9):
                answer = await ask(broker, version, key_type=key_type)
                of_shares = (version, key_type) == (6, 2)  # 3.9 knows of them, and has none
                error = ErrorCode.COORDINATOR_NOT_AVAILABLE if of_shares else ErrorCode.INVALID_REQUEST
                assert answer.error_code == error
