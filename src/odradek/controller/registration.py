"""A broker makes itself known: the roots of the tree, the cluster's id, and its own registration.

What kafka.server.KafkaServer writes while it starts, in its order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from odradek.controller.tree import operations
from odradek.coordination.store import Create, MetadataStore, NodeExists, find_node
from odradek.metadata import paths, znodes
from odradek.metadata.znodes import BrokerRegistration


async def create_roots(store: MetadataStore) -> None:
    """Create what is missing of the persistent paths, at once; other brokers may be doing the same."""
    while missing := [path for path in paths.PERSISTENT if not await store.exists(path)]:
        try:
            await store.commit(*await operations(store, [Create(path) for path in missing]))
        except NodeExists:
            continue


async def ensure_cluster_id(store: MetadataStore, new_cluster_id: Callable[[], str]) -> str:
    """Read the cluster's id; the first broker of a cluster gives it one."""
    while True:
        if await store.exists(paths.CLUSTER_ID):
            return znodes.decode_cluster_id((await store.get(paths.CLUSTER_ID)).data)
        created = Create(paths.CLUSTER_ID, znodes.encode_cluster_id(new_cluster_id()))
        try:
            await store.commit(*await operations(store, [created]))
        except NodeExists:
            continue


async def register_broker(store: MetadataStore, node_id: int, registration: BrokerRegistration) -> int | None:
    """Register a living broker for as long as the session lives; give its epoch.

    None while another session has registered this id. A registration of this session is taken for what it
    is: somebody began to make it, and the store failed before that was known.
    """
    path = paths.broker_id(node_id)
    with suppress(NodeExists):
        await store.commit(Create(path, registration.encode(), ephemeral=True))
    node = await find_node(store, path)
    return node.czxid if node is not None and node.is_own else None
