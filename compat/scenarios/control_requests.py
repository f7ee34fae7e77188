"""What the requests between brokers and their controller have in common; no API of its own."""

from typing import Final

from compat.judge import Session
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_request import AlterPartitionRequest

OF_ITS_OWN: Final = {"background.threads": "9"}
"""For scenarios that speak in the controller's name: no others share their broker."""

CONTROLLER_EPOCH: Final = 1
"""Of the first controller."""


def broker_epoch(k: Session) -> int:
    """The epoch with which broker 0 is registered. No API tells it, so they are tried out."""
    request = AlterPartitionRequest(broker_id=0, broker_epoch=0, topics=[])

    def fits(answer: object) -> bool:
        stale = getattr(answer, "error_code", 0) == ErrorCode.STALE_BROKER_EPOCH
        request.broker_epoch += stale
        return not stale

    k.send(request, until=fits, version=3)
    return request.broker_epoch
