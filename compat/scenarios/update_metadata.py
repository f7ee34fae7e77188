"""UpdateMetadata: a broker is told of brokers and leaders, by somebody who says that he is the controller."""

from compat.judge import Session, scenario
from compat.judge.session import Topic
from compat.scenarios.control_requests import CONTROLLER_EPOCH, OF_ITS_OWN
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)

GROUPED, WITH_LISTENERS = 5, 3
"""The first version that names each topic once, and the first in which endpoints have listeners' names."""


def about(k: Session, topic: Topic) -> UpdateMetadataRequest:
    """Broker 0 is alive and leads the partition, as everybody knows."""
    state = UpdateMetadataPartitionState(
        topic_name=topic.name if k.version < GROUPED else "",
        partition_index=0,
        controller_epoch=CONTROLLER_EPOCH,
        leader=0,
        leader_epoch=0,
        isr=[0],
        replicas=[0],
    )
    listener = "PLAINTEXT" if k.version >= WITH_LISTENERS else ""
    broker = UpdateMetadataBroker(id=0, rack=None if k.version > 1 else "")
    if k.version == 0:
        broker.v0_host, broker.v0_port = "localhost", 1
    else:
        broker.endpoints = [UpdateMetadataEndpoint(port=1, host="localhost", listener=listener)]
    request = UpdateMetadataRequest(controller_id=0, controller_epoch=CONTROLLER_EPOCH, live_brokers=[broker])
    if k.version < GROUPED:
        request.ungrouped_partition_states = [state]
    else:
        request.topic_states = [
            UpdateMetadataTopicState(topic_name=topic.name, topic_id=topic.id, partition_states=[state])
        ]
    return request


@scenario(ApiKey.UPDATE_METADATA, broker=OF_ITS_OWN)
def what_is_known_already(k: Session) -> None:
    topic = k.create_topic()
    k.send(about(k, topic))
    k.send(about(k, topic))


@scenario(ApiKey.UPDATE_METADATA, broker=OF_ITS_OWN)
def a_controller_of_the_past(k: Session) -> None:
    request = about(k, k.create_topic())
    request.controller_epoch = CONTROLLER_EPOCH - 1
    k.send(request)


@scenario(ApiKey.UPDATE_METADATA, since=GROUPED, broker=OF_ITS_OWN)
def a_broker_of_the_past(k: Session) -> None:
    request = about(k, k.create_topic())
    request.broker_epoch = 0
    k.send(request)
