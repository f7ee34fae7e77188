"""AlterPartition (key 56): a leader has the controller write another ISR (KIP-497).

0  initial   1  leader_recovery_state (KIP-704)   2  topic_id in place of topic_name (KIP-841)
3  new_isr_with_epochs (KIP-903)

Only brokers send it, to the controller. Source: KafkaController.processAlterPartition.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.controller.commands import AlteredPartitions, AlterPartitions, IsrChange
from odradek.errors import KafkaError
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_request import AlterPartitionRequest
from odradek.protocol.generated.alter_partition_request import PartitionData as WantedPartition
from odradek.protocol.generated.alter_partition_response import AlterPartitionResponse, PartitionData
from odradek.protocol.generated.alter_partition_response import TopicData as AlteredTopic

api = Api(key=ApiKey.ALTER_PARTITION, versions=Versions(0, 3), request=AlterPartitionRequest)

_FIRST_WITH_TOPIC_IDS = 2
_FIRST_WITH_BROKER_EPOCHS = 3


@api.handler
async def alter_partition(request: AlterPartitionRequest, ctx: RequestContext) -> AlterPartitionResponse:
    controller = ctx.services.controller
    if not controller.is_active:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    names = _names(request, ctx)
    changes = {
        TopicPartition(name, each.partition_index): _change(each, ctx.api_version)
        for topic, name in zip(request.topics, names, strict=True)
        if name is not None
        for each in topic.partitions
    }
    with_ids = ctx.api_version >= _FIRST_WITH_TOPIC_IDS
    ineligible = ErrorCode.INELIGIBLE_REPLICA if with_ids else ErrorCode.OPERATION_NOT_ATTEMPTED
    altered: AlteredPartitions = await controller.alter_partitions(
        AlterPartitions(request.broker_id, request.broker_epoch, changes, ineligible)
    )
    topics = [
        AlteredTopic(
            topic_name=topic.topic_name,
            topic_id=topic.topic_id,
            partitions=[_partition(name, each.partition_index, altered) for each in topic.partitions],
        )
        for topic, name in zip(request.topics, names, strict=True)
    ]
    return AlterPartitionResponse(topics=topics)


def _names(request: AlterPartitionRequest, ctx: RequestContext) -> list[str | None]:
    """What the topics are called; None for an id that no topic has."""
    if ctx.api_version < _FIRST_WITH_TOPIC_IDS:
        return [topic.topic_name for topic in request.topics]
    known = ctx.services.controller.state.topics
    names = {topic.topic_id: name for name, topic in known.items() if topic.topic_id != NO_TOPIC_ID}
    return [names.get(topic.topic_id) for topic in request.topics]


def _change(wanted: WantedPartition, version: int) -> IsrChange:
    isr = (
        tuple(each.broker_id for each in wanted.new_isr_with_epochs)
        if version >= _FIRST_WITH_BROKER_EPOCHS
        else tuple(wanted.new_isr)
    )
    return IsrChange(
        isr, wanted.leader_epoch, wanted.partition_epoch, is_recovering=wanted.leader_recovery_state == 1
    )


def _partition(name: str | None, index: int, altered: AlteredPartitions) -> PartitionData:
    if name is None:
        return PartitionData(partition_index=index, error_code=ErrorCode.UNKNOWN_TOPIC_ID)
    outcome = altered[TopicPartition(name, index)]
    if isinstance(outcome, ErrorCode):
        return PartitionData(partition_index=index, error_code=outcome)
    now = outcome.leader_and_isr
    return PartitionData(
        partition_index=index,
        leader_id=now.leader,
        leader_epoch=now.leader_epoch,
        isr=list(now.isr),
        leader_recovery_state=int(now.is_recovering),
        partition_epoch=outcome.partition_epoch,
    )
