"""Odradek's embedded tree laid out in a real ZooKeeper, as if it had been there from the beginning."""

from pathlib import Path

import trio
from kazoo.client import KazooClient

from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.tree import join


def read_tree(store_file: Path) -> dict[str, bytes]:
    """Path → data of every node that outlives its session, parents first; the broker must have stopped."""
    return trio.run(_read_tree, store_file)


def write_tree(client: KazooClient, tree: dict[str, bytes]) -> None:
    """Create every node in a ZooKeeper that has none of them."""
    for path, data in tree.items():
        client.create(path, data)


async def _read_tree(store_file: Path) -> dict[str, bytes]:
    tree: dict[str, bytes] = {}
    async with EmbeddedStore(store_file) as store:
        waiting = ["/"]
        while waiting:
            parent = waiting.pop()
            for name in sorted(await store.children(parent)):
                path = join(parent, name)
                tree[path] = (await store.get(path)).data
                waiting.append(path)
    return tree
