"""AllocateProducerIds (key 67): a broker takes a block of producer ids from the controller (KIP-730).

0  initial

Only brokers send it, to the controller. Source: KafkaController.processAllocateProducerIds.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.controller.producer_id_blocks import allocate_producer_ids as allocate
from odradek.errors import KafkaError
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.allocate_producer_ids_request import AllocateProducerIdsRequest
from odradek.protocol.generated.allocate_producer_ids_response import AllocateProducerIdsResponse

api = Api(key=ApiKey.ALLOCATE_PRODUCER_IDS, versions=Versions(0, 0), request=AllocateProducerIdsRequest)


@api.handler
async def allocate_producer_ids(
    request: AllocateProducerIdsRequest, ctx: RequestContext
) -> AllocateProducerIdsResponse:
    controller = ctx.services.controller
    if not controller.is_active:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    broker = controller.state.brokers.get(request.broker_id)
    if broker is None:
        raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED)
    if broker.epoch != request.broker_epoch:
        raise KafkaError(ErrorCode.STALE_BROKER_EPOCH)
    block = await allocate(ctx.services.store, request.broker_id)
    return AllocateProducerIdsResponse(
        producer_id_start=block.first, producer_id_len=block.last - block.first + 1
    )
