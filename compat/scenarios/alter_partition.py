"""AlterPartition: a leader has the controller write another ISR."""

from uuid import UUID

from compat.judge import Session, scenario
from compat.judge.session import Topic
from compat.scenarios.control_requests import broker_epoch
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.alter_partition_request import (
    AlterPartitionRequest,
    BrokerState,
    PartitionData,
    TopicData,
)

WITH_IDS, WITH_EPOCHS = 2, 3
"""The first version that names topics by their ids, and the first that says of which life a replica is."""


def isr(
    k: Session, topic: Topic, epoch: int, *members: int, leader_epoch: int = 0, partition_epoch: int = 0
) -> AlterPartitionRequest:
    wanted = PartitionData(partition_index=0, leader_epoch=leader_epoch, partition_epoch=partition_epoch)
    if k.version < WITH_EPOCHS:
        wanted.new_isr = list(members)
    else:
        wanted.new_isr_with_epochs = [BrokerState(broker_id=each, broker_epoch=epoch) for each in members]
    row = TopicData(partitions=[wanted])
    if k.version < WITH_IDS:
        row.topic_name = topic.name
    else:
        row.topic_id = topic.id
    return AlterPartitionRequest(broker_id=0, broker_epoch=epoch, topics=[row])


@scenario(ApiKey.ALTER_PARTITION)
def what_is_so_already(k: Session) -> None:
    k.send(isr(k, k.create_topic(), broker_epoch(k), 0))


@scenario(ApiKey.ALTER_PARTITION)
def what_cannot_be(k: Session) -> None:
    topic, epoch = k.create_topic(), broker_epoch(k)
    k.send(isr(k, topic, epoch, 0, leader_epoch=7))
    k.send(isr(k, topic, epoch, 0, leader_epoch=-1))
    k.send(isr(k, topic, epoch, 0, partition_epoch=7))
    k.send(isr(k, topic, epoch, 0, 1))
    k.send(isr(k, Topic(k.name("none"), UUID(int=5)), epoch, 0))


@scenario(ApiKey.ALTER_PARTITION)
def by_a_broker_of_the_past(k: Session) -> None:
    k.send(isr(k, k.create_topic(), 0, 0))
