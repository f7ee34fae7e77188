"""InitProducerId: for idempotent producers; transactional ones are scenarios of the transaction APIs."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest


@scenario(ApiKey.INIT_PRODUCER_ID)
def idempotent(k: Session) -> None:
    for _ in range(2):
        k.send(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000))


@scenario(ApiKey.INIT_PRODUCER_ID)
def an_empty_transactional_id(k: Session) -> None:
    k.send(InitProducerIdRequest(transactional_id="", transaction_timeout_ms=60_000))


@scenario(ApiKey.INIT_PRODUCER_ID)
def any_timeout(k: Session) -> None:
    for timeout_ms in (0, -1, 2**31 - 1):
        k.send(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=timeout_ms))


@scenario(ApiKey.INIT_PRODUCER_ID, since=3)
def with_an_id_already(k: Session) -> None:
    for producer_id, epoch in ((5, 0), (5, -1), (-1, 3), (-2, 0), (5, 32767)):
        k.send(
            InitProducerIdRequest(
                transactional_id=None,
                transaction_timeout_ms=60_000,
                producer_id=producer_id,
                producer_epoch=epoch,
            )
        )
