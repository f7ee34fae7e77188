"""Who moves replicas between the disks of their brokers, each broker's own, while all else goes on.

A move takes its time and answers nothing when it is over. Once everything is mended and quiet, each must end
where it was asked to.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import trio

from compat.history.operations import Partition
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_replica_log_dirs_request import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from odradek.replication.partition import Partition as Replica
from odradek.testing.broker_process import BrokerProcess
from odradek.testing.cluster import SimulatedCluster
from tests.simulation.client import Client, Lost
from tests.simulation.findings import Findings

ALTER_REPLICA_LOG_DIRS_VERSION = 2

_POLL_S = 0.25

_REFUSED = (
    ErrorCode.NONE,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.REPLICA_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
)
"""A disk has failed; the broker has no such replica, or does not know of the partition yet."""

_SETTLED = (ErrorCode.NONE, ErrorCode.REPLICA_NOT_AVAILABLE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
"""Answers that asking again does not change once all is mended: a replica that has left will not be back."""


class Mover:
    """Asks brokers of two disks each. Owned by one task."""

    def __init__(
        self, client: Client, cluster: SimulatedCluster, findings: Findings, partitions: Sequence[Partition]
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._findings = findings
        self._partitions = partitions
        self.done = trio.Event()
        self.has_lost = False
        """Whether something that was asked for may happen at any time, for no answer came."""

    async def run(self, stop: trio.Event, interval_s: float) -> None:
        """One replica after the other until asked to stop, whatever goes wrong."""
        random = self._client.random
        while not stop.is_set():
            with trio.move_on_after(random.expovariate(1 / interval_s)):
                await stop.wait()
                break
            broker = random.choice(list(self._cluster.brokers.values()))
            with suppress(*Lost):
                await self._move(broker, random.choice(self._partitions), random.choice(broker.disks).name)
        self.done.set()

    async def finish(self) -> None:
        """Move every replica once more, and see that it is where it was asked for.

        Those that leave their broker meanwhile go where they will.
        """
        await self._wait_settled()
        asked: dict[tuple[int, Partition], str] = {}
        for broker, partition, _ in self._replicas():
            disk = self._client.random.choice(broker.disks).name
            code = None
            while code not in _SETTLED:
                with suppress(*Lost):
                    code = await self._move(broker, partition, disk)
                await trio.sleep(_POLL_S)
            if code == ErrorCode.NONE:
                asked[broker.node_id, partition] = disk
        await self._wait_settled()
        for broker, partition, replica in self._replicas():
            wanted = asked.get((broker.node_id, partition))
            assert replica.log is not None
            if wanted is not None and not replica.log.path.endswith(f"/{wanted}/{partition}"):
                self._findings.add(f"{partition} of {broker.host} is in {replica.log.path}, not on {wanted}")

    def remains(self) -> Iterator[str]:
        """Replicas that are on their way."""
        for broker, partition, replica in self._replicas():
            if replica.future is not None:
                yield f"{partition} of {broker.host} to another disk"

    async def _wait_settled(self) -> None:
        while any(self.remains()):  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_POLL_S)

    def _replicas(self) -> list[tuple[BrokerProcess, Partition, Replica]]:
        found = []
        for broker in self._cluster.brokers.values():
            for partition in self._partitions:
                if broker.running is not None:
                    name = TopicPartition(partition.topic, partition.index)
                    replica = broker.running.services.replicas.partition(name)
                    if replica is not None and replica.log is not None:
                        found.append((broker, partition, replica))
        return found

    async def _move(self, broker: BrokerProcess, partition: Partition, disk: str) -> int:
        """Raises one of `Lost`."""
        topic = AlterReplicaLogDirTopic(partition.topic, [partition.index])
        path = str(broker.directory / disk)
        try:
            answer = await self._client.ask(
                broker.host,
                AlterReplicaLogDirsRequest([AlterReplicaLogDir(path, [topic])]),
                ALTER_REPLICA_LOG_DIRS_VERSION,
            )
        except Lost:
            self.has_lost = True
            raise
        code: int = answer.results[0].partitions[0].error_code
        self._cluster.trace.note(
            self._client.name, f"asked {broker.host} for {partition} on {disk}: {ErrorCode(code).name}"
        )
        if code not in _REFUSED:
            self._findings.add(f"{broker.host} does not move {partition} to {disk}: {ErrorCode(code).name}")
        return code
