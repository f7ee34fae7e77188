"""Several brokers in this process, on one tree and real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from odradek.broker.broker import RunningBroker
from odradek.coordination.memory_ensemble import MemoryEnsemble
from odradek.metadata import paths
from tests.broker.wire import running


@asynccontextmanager
async def cluster(
    tmp_path: Path, count: int = 3, properties: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[MemoryEnsemble, list[RunningBroker]]]:
    ensemble = MemoryEnsemble()
    async with AsyncExitStack() as stack:
        brokers = []
        for node_id in range(count):
            own = {"broker.id": str(node_id), **(properties or {})}
            broker = running(tmp_path / str(node_id), own, store=ensemble.session())
            brokers.append(await stack.enter_async_context(broker))
        yield ensemble, brokers


async def test_three_brokers_are_one_cluster(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (ensemble, brokers):
        assert await ensemble.session().children(paths.BROKER_IDS) == {"0", "1", "2"}
        assert len({broker.cluster_id for broker in brokers}) == 1
        known = [broker.services.metadata.snapshot for broker in brokers]
        assert [snapshot.controller_id for snapshot in known] == [0, 0, 0]
        assert known[2].brokers.keys() == {0, 1, 2}
