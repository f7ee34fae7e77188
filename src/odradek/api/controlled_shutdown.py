"""ControlledShutdown (key 7): a broker asks the controller to have others lead what it leads.

0  initial; its header has no client id   1  a header like all others   2  broker_epoch (KIP-380)
3  flexible

Only brokers send it, to the controller, again while partitions remain that nobody else can lead.
Source: KafkaController.doControlledShutdown.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.controller.commands import ShutDown
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.controlled_shutdown_request import ControlledShutdownRequest
from odradek.protocol.generated.controlled_shutdown_response import (
    ControlledShutdownResponse,
    RemainingPartition,
)

api = Api(key=ApiKey.CONTROLLED_SHUTDOWN, versions=Versions(0, 3), request=ControlledShutdownRequest)


@api.handler
async def controlled_shutdown(
    request: ControlledShutdownRequest, ctx: RequestContext
) -> ControlledShutdownResponse:
    command = ShutDown(request.broker_id, request.broker_epoch)
    remaining = await ctx.services.controller.shut_down(command)
    return ControlledShutdownResponse(
        remaining_partitions=[
            RemainingPartition(topic_name=each.topic, partition_index=each.partition) for each in remaining
        ]
    )
