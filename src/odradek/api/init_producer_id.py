"""InitProducerId (key 22): a producer id, for an idempotent producer.

0  initial   1  answered before throttling   2  flexible   3  producer_id and producer_epoch, to go on with
one that it had (KIP-360)   4  PRODUCER_FENCED   5  TRANSACTION_ABORTABLE (KIP-890)

Transactions are not served yet: a transactional id is answered UNSUPPORTED_VERSION, which no client tries
again. What is wrong with such a request in any case is answered as Kafka answers it.
Source: KafkaApis.handleInitProducerIdRequest, TransactionCoordinator.handleInitProducerId.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.init_producer_id_response import InitProducerIdResponse
from odradek.records.batch import NO_PRODUCER_EPOCH, NO_PRODUCER_ID

api = Api(key=ApiKey.INIT_PRODUCER_ID, versions=Versions(0, 5), request=InitProducerIdRequest)


@api.handler
async def init_producer_id(request: InitProducerIdRequest, ctx: RequestContext) -> InitProducerIdResponse:
    error = _error(request, ctx)
    if error is not ErrorCode.NONE:
        return refuse(request, ctx, error)
    # An idempotent producer that had an id gets a new one all the same: its old one needs no fencing.
    producer_id = await ctx.services.producer_ids.next_id()
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)


def _error(request: InitProducerIdRequest, ctx: RequestContext) -> ErrorCode:
    has_id = request.producer_id != NO_PRODUCER_ID
    has_epoch = request.producer_epoch != NO_PRODUCER_EPOCH
    if has_id != has_epoch:
        return ErrorCode.INVALID_REQUEST
    if request.transactional_id is None:
        return ErrorCode.NONE
    if not request.transactional_id:
        return ErrorCode.INVALID_REQUEST
    max_timeout_ms = ctx.services.config.int("transaction.max.timeout.ms")
    if not 0 < request.transaction_timeout_ms <= max_timeout_ms:
        return ErrorCode.INVALID_TRANSACTION_TIMEOUT
    return ErrorCode.UNSUPPORTED_VERSION


@api.refusal
def refuse(_: InitProducerIdRequest, ctx: RequestContext, code: int) -> InitProducerIdResponse:
    return InitProducerIdResponse(
        error_code=code, producer_id=NO_PRODUCER_ID, producer_epoch=NO_PRODUCER_EPOCH
    )
