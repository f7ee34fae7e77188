"""Blocks of producer ids: the controller takes a thousand at a time from /latest_producer_id_block.

The other brokers ask it for them (KIP-730), since inter.broker.protocol.version 3.0.
Source: kafka.coordinator.transaction.ZkProducerIdManager, RPCProducerIdManager.
"""

from __future__ import annotations

from typing import Any, Protocol

import trio

from odradek.coordination.store import BadVersion, MetadataStore, Set
from odradek.errors import KafkaError, MalformedMessage
from odradek.metadata import paths
from odradek.metadata.znodes import ProducerIdBlock
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.allocate_producer_ids_request import AllocateProducerIdsRequest
from odradek.protocol.message import Message
from odradek.telemetry import get_logger

_log = get_logger(__name__)

VERSION = 0
"""Of AllocateProducerIds, between brokers."""

ASK_TIMEOUT_MS = 30_000
"""How long the controller may take, and be away, before the producer is told to try again."""

BLOCK_SIZE = 1000
_LAST_PRODUCER_ID = 2**63 - 1


async def allocate_producer_ids(store: MetadataStore, node_id: int) -> ProducerIdBlock:
    """Take the next block for a broker; ids of a block that was taken are never given again.

    Raises NoNode before the tree's roots exist, and UNKNOWN_SERVER_ERROR when all ids were given away.
    """
    while True:
        node = await store.get(paths.PRODUCER_ID_BLOCK)
        first = ProducerIdBlock.decode(node.data).last + 1 if node.data else 0
        if first > _LAST_PRODUCER_ID - BLOCK_SIZE:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "Have exhausted all producerIds.")
        block = ProducerIdBlock(node_id, first, first + BLOCK_SIZE - 1)
        try:
            await store.commit(Set(paths.PRODUCER_ID_BLOCK, block.encode(), version=node.version))
        except BadVersion:
            continue
        return block


class ControllerChannel(Protocol):
    """The way to the controller; `odradek.peers.controller_channel.ControllerChannel`."""

    async def call(self, request: Message, version: int) -> Any:
        """The controller's response, however long that takes. Raises MalformedMessage."""


async def ask_for_producer_ids(
    controller: ControllerChannel, node_id: int, broker_epoch: int
) -> ProducerIdBlock:
    """A block from the controller. Raises COORDINATOR_LOAD_IN_PROGRESS, on which producers try again."""
    with trio.move_on_after(ASK_TIMEOUT_MS / 1000):
        try:
            answer = await controller.call(AllocateProducerIdsRequest(node_id, broker_epoch), VERSION)
        except MalformedMessage as error:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) from error
        if answer.error_code == ErrorCode.NONE:
            first = answer.producer_id_start
            return ProducerIdBlock(node_id, first, first + answer.producer_id_len - 1)
        name = ErrorCode(answer.error_code).name
        _log.warn("the controller gave no producer ids", broker=node_id, error=name)
    raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
