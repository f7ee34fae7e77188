"""InitProducerId, as 3.9.2 and 4.3.0 answered (transactional ids apart, which are not served yet)."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from odradek.api.context import Peer, RequestContext, Services
from odradek.api.init_producer_id import init_producer_id
from odradek.config.broker_config import BrokerConfig
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.init_producer_id_response import InitProducerIdResponse


class _Services:
    config = BrokerConfig()

    def __init__(self) -> None:
        self.producer_ids = self

    async def next_id(self) -> int:
        return 4000


async def ask(request: InitProducerIdRequest) -> InitProducerIdResponse:
    peer = Peer("c", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 1)
    ctx = RequestContext(cast(Services, _Services()), peer, ApiKey.INIT_PRODUCER_ID, 5, 1, "client")
    handler: Callable[[Any, RequestContext], Awaitable[InitProducerIdResponse]] = init_producer_id
    return await handler(request, ctx)


@pytest.mark.parametrize(
    "request_",
    [
        InitProducerIdRequest(None),
        InitProducerIdRequest(None, transaction_timeout_ms=-1),
        InitProducerIdRequest(None, producer_id=5, producer_epoch=3),
        InitProducerIdRequest(None, producer_id=5, producer_epoch=32767),
    ],
    ids=["new", "whatever the timeout", "going on", "with an epoch used up"],
)
async def test_an_idempotent_producer_gets_a_new_id(request_: InitProducerIdRequest) -> None:
    assert await ask(request_) == InitProducerIdResponse(producer_id=4000, producer_epoch=0)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (InitProducerIdRequest(None, producer_id=5), ErrorCode.INVALID_REQUEST),
        (InitProducerIdRequest(None, producer_epoch=5), ErrorCode.INVALID_REQUEST),
        (InitProducerIdRequest("", 1000), ErrorCode.INVALID_REQUEST),
        (InitProducerIdRequest("t", 0), ErrorCode.INVALID_TRANSACTION_TIMEOUT),
        (InitProducerIdRequest("t", 900_001), ErrorCode.INVALID_TRANSACTION_TIMEOUT),
        (InitProducerIdRequest("t", 900_000), ErrorCode.UNSUPPORTED_VERSION),
    ],
)
async def test_what_is_refused_gets_no_id(request_: InitProducerIdRequest, code: ErrorCode) -> None:
    assert await ask(request_) == InitProducerIdResponse(error_code=code, producer_id=-1, producer_epoch=-1)
