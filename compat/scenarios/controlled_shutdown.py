"""ControlledShutdown: a broker asks the controller to have others lead what it leads."""

from compat.judge import Session, scenario
from compat.scenarios.control_requests import broker_epoch
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.allocate_producer_ids_request import AllocateProducerIdsRequest
from odradek.protocol.generated.controlled_shutdown_request import ControlledShutdownRequest

LEAVING = {"background.threads": "8"}
"""A broker that is taken for one that stops; nobody else shares it."""


@scenario(ApiKey.CONTROLLED_SHUTDOWN, broker=LEAVING)
def of_a_broker_that_is_not_there(k: Session) -> None:
    k.send(ControlledShutdownRequest(broker_id=99))


@scenario(ApiKey.CONTROLLED_SHUTDOWN, since=2, broker=LEAVING)
def of_a_broker_that_is_not_there_in_a_certain_life(k: Session) -> None:
    k.send(ControlledShutdownRequest(broker_id=99, broker_epoch=7))


@scenario(ApiKey.CONTROLLED_SHUTDOWN, since=2, broker=LEAVING)
def of_a_broker_of_the_past(k: Session) -> None:
    k.send(ControlledShutdownRequest(broker_id=0, broker_epoch=0))


@scenario(ApiKey.CONTROLLED_SHUTDOWN, newest_only=True, broker=LEAVING)
def it_may_still_ask_the_controller(k: Session) -> None:
    k.send(ControlledShutdownRequest(broker_id=0))
    epoch = broker_epoch(k)
    k.send(AllocateProducerIdsRequest(broker_id=0, broker_epoch=epoch - 1))


@scenario(ApiKey.CONTROLLED_SHUTDOWN, broker=LEAVING)
def of_the_only_broker(k: Session) -> None:
    k.send(ControlledShutdownRequest(broker_id=0))
    k.send(ControlledShutdownRequest(broker_id=0))
