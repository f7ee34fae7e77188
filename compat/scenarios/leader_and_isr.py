"""LeaderAndIsr: a broker is told what it leads, by somebody who says that he is the controller."""

from compat.judge import Session, scenario
from compat.judge.session import Topic
from compat.scenarios.control_requests import CONTROLLER_EPOCH, OF_ITS_OWN
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrLiveLeader,
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
    LeaderAndIsrTopicState,
)

GROUPED = 2
"""The first version that names each topic once."""


def about(k: Session, topic: Topic, leader_epoch: int, *, partition: int = 0) -> LeaderAndIsrRequest:
    """Broker 0 leads the partition, alone."""
    state = LeaderAndIsrPartitionState(
        topic_name=topic.name if k.version < GROUPED else "",
        partition_index=partition,
        controller_epoch=CONTROLLER_EPOCH,
        leader=0,
        leader_epoch=leader_epoch,
        isr=[0],
        partition_epoch=leader_epoch,
        replicas=[0],
    )
    request = LeaderAndIsrRequest(
        controller_id=0,
        controller_epoch=CONTROLLER_EPOCH,
        live_leaders=[LeaderAndIsrLiveLeader(broker_id=0, host_name="localhost", port=1)],
    )
    if k.version < GROUPED:
        request.ungrouped_partition_states = [state]
    else:
        request.topic_states = [
            LeaderAndIsrTopicState(topic_name=topic.name, topic_id=topic.id, partition_states=[state])
        ]
    return request


@scenario(ApiKey.LEADER_AND_ISR, broker=OF_ITS_OWN)
def nothing_to_do(k: Session) -> None:
    k.send(LeaderAndIsrRequest(controller_id=0, controller_epoch=CONTROLLER_EPOCH))


@scenario(ApiKey.LEADER_AND_ISR, broker=OF_ITS_OWN)
def a_controller_of_the_past(k: Session) -> None:
    topic = k.create_topic()
    request = about(k, topic, 5)
    request.controller_epoch = CONTROLLER_EPOCH - 1
    k.send(request)


@scenario(ApiKey.LEADER_AND_ISR, since=2, broker=OF_ITS_OWN)
def a_broker_of_the_past(k: Session) -> None:
    request = about(k, k.create_topic(), 5)
    request.broker_epoch = 0
    k.send(request)


@scenario(ApiKey.LEADER_AND_ISR, broker=OF_ITS_OWN)
def epochs_that_go_on_and_back(k: Session) -> None:
    topic = k.create_topic()
    for leader_epoch in (5, 5, 4, 6):
        k.send(about(k, topic, leader_epoch))
