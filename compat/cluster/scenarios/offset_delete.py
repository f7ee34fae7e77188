"""OffsetDelete: what cannot be committed can be forgotten."""

from typing import Any

from compat.cluster.scenarios.offset_commit import MOVING, commit, committed
from compat.cluster.session import OFFSETS, ClusterSession
from compat.judge import scenario
from compat.scenarios.describe_configs import TOPIC
from compat.scenarios.incremental_alter_configs import DELETE, SET, alter
from compat.scenarios.offset_delete import forget
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode

UNAVAILABLE = ErrorCode.COORDINATOR_NOT_AVAILABLE


def code_of(answer: Any) -> int:
    """Of a commit of one partition."""
    code: int = answer.topics[0].partitions[0].error_code
    return code


@scenario(ApiKey.OFFSET_DELETE, restarts=True)
def with_too_few_replicas_in_sync(k: ClusterSession) -> None:
    kept, forgotten = k.create_topic([0, 1], suffix="kept"), k.create_topic([0, 1], suffix="forgotten")
    group, key = k.group_of(1), "min.insync.replicas"
    for topic in (kept, forgotten):
        k.send(1, commit(group, topic.name, 5))
    k.stop(2)
    k.send(0, alter(TOPIC, OFFSETS, (key, SET, "3")))
    try:
        k.send(1, commit(group, kept.name, 6), until=lambda answer: code_of(answer) == UNAVAILABLE)
        k.send(1, forget(group, forgotten.name, 0))
        k.send(1, committed(group, forgotten.name))
    finally:
        k.send(0, alter(TOPIC, OFFSETS, (key, DELETE, None)))
    k.send(1, commit(group, kept.name, 7), until=lambda answer: not code_of(answer))
    k.kill(1)
    for topic in (kept, forgotten):
        found = committed(group, topic.name)
        k.send(0, found, until=lambda answer: answer.groups[0].error_code not in MOVING)
