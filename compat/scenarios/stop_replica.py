"""StopReplica: a broker is told to let go of partitions, by somebody who says that he is the controller."""

from compat.judge import Session, scenario
from compat.judge.session import Topic
from compat.scenarios.control_requests import CONTROLLER_EPOCH, OF_ITS_OWN
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.stop_replica_request import (
    StopReplicaPartitionState,
    StopReplicaPartitionV0,
    StopReplicaRequest,
    StopReplicaTopicState,
    StopReplicaTopicV1,
)

WITH_EPOCHS = 3
"""The first version that says of which leader epoch it speaks; below it there is none to be too old."""


def about(k: Session, topic: Topic, *, delete: bool, leader_epoch: int = 5) -> StopReplicaRequest:
    request = StopReplicaRequest(controller_id=0, controller_epoch=CONTROLLER_EPOCH, delete_partitions=delete)
    if k.version == 0:
        request.ungrouped_partitions = [StopReplicaPartitionV0(topic_name=topic.name, partition_index=0)]
    elif k.version < WITH_EPOCHS:
        request.topics = [StopReplicaTopicV1(name=topic.name, partition_indexes=[0])]
    else:
        request.delete_partitions = False
        state = StopReplicaPartitionState(
            partition_index=0, leader_epoch=leader_epoch, delete_partition=delete
        )
        request.topic_states = [StopReplicaTopicState(topic_name=topic.name, partition_states=[state])]
    return request


@scenario(ApiKey.STOP_REPLICA, broker=OF_ITS_OWN)
def nothing_to_do(k: Session) -> None:
    k.send(StopReplicaRequest(controller_id=0, controller_epoch=CONTROLLER_EPOCH))


@scenario(ApiKey.STOP_REPLICA, broker=OF_ITS_OWN)
def a_controller_of_the_past(k: Session) -> None:
    request = about(k, k.create_topic(), delete=False)
    request.controller_epoch = CONTROLLER_EPOCH - 1
    k.send(request)


@scenario(ApiKey.STOP_REPLICA, since=1, broker=OF_ITS_OWN)
def a_broker_of_the_past(k: Session) -> None:
    request = about(k, k.create_topic(), delete=False)
    request.broker_epoch = 0
    k.send(request)


@scenario(ApiKey.STOP_REPLICA, broker=OF_ITS_OWN)
def stopped_and_deleted(k: Session) -> None:
    topic = k.create_topic()
    k.send(about(k, topic, delete=False))
    k.send(about(k, topic, delete=True))
    k.send(about(k, topic, delete=True))


@scenario(ApiKey.STOP_REPLICA, since=WITH_EPOCHS, broker=OF_ITS_OWN)
def of_an_older_leader(k: Session) -> None:
    topic = k.create_topic()
    k.send(about(k, topic, delete=False, leader_epoch=5))
    k.send(about(k, topic, delete=False, leader_epoch=-1))
    k.send(about(k, topic, delete=True, leader_epoch=-2))
