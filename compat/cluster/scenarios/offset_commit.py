"""OffsetCommit and OffsetFetch: only at the coordinator, and at the next one when it is gone."""

from typing import Any

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.offset_fetch_request import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)

MOVING = {ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS}


def commit(group: str, topic: str, offset: int) -> OffsetCommitRequest:
    rows = [OffsetCommitRequestPartition(partition_index=0, committed_offset=offset)]
    return OffsetCommitRequest(group_id=group, topics=[OffsetCommitRequestTopic(name=topic, partitions=rows)])


def committed(group: str, topic: str) -> OffsetFetchRequest:
    asked = [OffsetFetchRequestTopics(name=topic, partition_indexes=[0])]
    return OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=asked)])


@scenario(ApiKey.OFFSET_COMMIT)
def not_the_coordinator(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for coordinator in BROKERS:
        group = k.group_of(coordinator)
        for broker in BROKERS:
            k.send(broker, commit(group, topic.name, 5))


@scenario(ApiKey.OFFSET_FETCH, since=8)
def fetched_from_another_broker(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    group = k.group_of(1)
    k.send(1, commit(group, topic.name, 7))
    for broker in BROKERS:
        k.send(broker, committed(group, topic.name))


@scenario(ApiKey.OFFSET_COMMIT, newest_only=True, restarts=True)
def after_the_coordinators_death(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    group = k.group_of(2)
    k.send(2, commit(group, topic.name, 7))
    k.kill(2)

    def found(answer: Any) -> bool:
        return answer.groups[0].error_code not in MOVING

    k.send(0, committed(group, topic.name), until=found)
    k.send(1, committed(group, topic.name))
    k.send(0, commit(group, topic.name, 8))
    k.send(1, commit(group, topic.name, 9))
    k.start(2)
    k.send(2, commit(group, topic.name, 9))
    k.send(0, committed(group, topic.name))
