"""AllocateProducerIds: a broker asks the controller for ids that it may give to producers."""

from compat.judge import Session, scenario
from compat.scenarios.control_requests import broker_epoch
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.allocate_producer_ids_request import AllocateProducerIdsRequest


@scenario(ApiKey.ALLOCATE_PRODUCER_IDS, broker={"background.threads": "7"})
def one_block_after_the_other(k: Session) -> None:
    request = AllocateProducerIdsRequest(broker_id=0, broker_epoch=broker_epoch(k))
    first = k.send(request)
    second = k.send(request)
    k.note("from one to the next", second.producer_id_start - first.producer_id_start)


@scenario(ApiKey.ALLOCATE_PRODUCER_IDS, broker={"background.threads": "7"})
def by_a_broker_of_the_past(k: Session) -> None:
    k.send(AllocateProducerIdsRequest(broker_id=0, broker_epoch=0))
    k.send(AllocateProducerIdsRequest(broker_id=7, broker_epoch=0))
