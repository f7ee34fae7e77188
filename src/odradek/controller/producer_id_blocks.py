"""Blocks of producer ids: each broker takes a thousand at a time from /latest_producer_id_block.

Source: kafka.coordinator.transaction.ZkProducerIdManager.
"""

from __future__ import annotations

from odradek.coordination.store import BadVersion, MetadataStore, Set
from odradek.errors import KafkaError
from odradek.metadata import paths
from odradek.metadata.znodes import ProducerIdBlock
from odradek.protocol.error_codes import ErrorCode

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
