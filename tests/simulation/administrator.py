"""Who changes a cluster in use: moves replicas, ends moves halfway, has preferred replicas lead.

What was asked during faults may happen at any time later, where no answer came. Once everything is mended
and quiet, what is asked must happen, exactly.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any

import trio

from compat.history.operations import Partition
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr, ReplicaAssignment, TopicAssignment
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_reassignments_request import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from odradek.protocol.generated.elect_leaders_request import ElectLeadersRequest, TopicPartitions
from odradek.protocol.message import Message
from odradek.testing.broker_process import BrokerProcess
from odradek.testing.cluster import SimulatedCluster
from tests.simulation.client import Client, Lost
from tests.simulation.findings import Findings

ALTER_PARTITION_REASSIGNMENTS_VERSION = 0
ELECT_LEADERS_VERSION = 2
PREFERRED = 0

LATE_S = 3.0
"""How long a request whose answer was lost may still be under way, once everything is mended."""

_POLL_S = 0.25
_CANCELLED_SHARE = 0.3
_MIN_REPLICAS = 2
"""As many as min.insync.replicas asks for at most, or nobody could produce."""

_NO_MOVE = (ErrorCode.NONE, ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
_ELECTED = (ErrorCode.NONE, ErrorCode.ELECTION_NOT_NEEDED)


class Administrator:
    """Asks the controller for changes of partitions that others use. Owned by one task."""

    def __init__(
        self, client: Client, cluster: SimulatedCluster, findings: Findings, partitions: Sequence[Partition]
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._findings = findings
        self.partitions = partitions
        self._left: list[tuple[Partition, BrokerProcess]] = []
        self.done = trio.Event()
        self.has_lost = False
        """Whether something that was asked for may happen at any time, for no answer came."""

    async def run(self, stop: trio.Event, interval_s: float) -> None:
        """One change after the other until asked to stop, whatever goes wrong."""
        random = self._client.random
        actions: list[tuple[int, Callable[[Partition], Awaitable[object]]]] = [
            (5, self._reassign_to_any),
            (2, self._cancel),
            (2, self._elect),
        ]
        while not stop.is_set():
            with trio.move_on_after(random.expovariate(1 / interval_s)):
                await stop.wait()
                break
            (action,) = random.choices([each for _, each in actions], [weight for weight, _ in actions])
            with suppress(*Lost):
                await action(random.choice(self._existing()))
        self.done.set()

    async def finish(self) -> None:
        """Change everything once more, and see that it is as asked. When nothing is late any more."""
        for partition in self._existing():
            await self._wait_settled(partition)
            await self._move_for_good(partition)
            await self._elect_for_good(partition)

    def unsettled(self) -> Iterator[Partition]:
        """Those whose replicas move, or are not in sync."""
        return (partition for partition in self._existing() if not self._is_settled(partition))

    def replicas(self, partition: Partition) -> tuple[int, ...]:
        """The brokers that hold the partition, by what stands in the store."""
        return self._assignment(partition).replicas

    def _existing(self) -> list[Partition]:
        nodes = self._cluster.ensemble.tree.nodes
        return [each for each in self.partitions if paths.topic(each.topic) in nodes]

    # Reassignments

    async def _reassign_to_any(self, partition: Partition) -> None:
        await self._reassign(partition, self._any_replicas())

    def _any_replicas(self) -> list[int]:
        nodes = list(self._cluster.brokers)
        random = self._client.random
        return random.sample(nodes, random.randint(min(_MIN_REPLICAS, len(nodes)), len(nodes)))

    async def _cancel(self, partition: Partition) -> None:
        await self._reassign(partition, None)

    async def _reassign(self, partition: Partition, replicas: list[int] | None) -> int:
        """Ask for other replicas, or for none of those that were asked for; the error code.

        Raises one of `Lost`.
        """
        topic = ReassignableTopic(partition.topic, [ReassignablePartition(partition.index, replicas)])
        answer = await self._ask(
            AlterPartitionReassignmentsRequest(2_000, topics=[topic]), ALTER_PARTITION_REASSIGNMENTS_VERSION
        )
        code: int = answer.error_code or answer.responses[0].partitions[0].error_code
        what = "its old replicas" if replicas is None else str(replicas)
        self._note(f"asked for {partition} on {what}: {ErrorCode(code).name}")
        return code

    async def _move_for_good(self, partition: Partition) -> None:
        await self._wait_registered()
        before, asked = self._assignment(partition).replicas, tuple(self._any_replicas())
        await self._until(lambda: self._reassign(partition, list(asked)), (ErrorCode.NONE,))
        code: int = ErrorCode.NO_REASSIGNMENT_IN_PROGRESS
        if self._client.random.random() < _CANCELLED_SHARE:
            code = await self._until(lambda: self._reassign(partition, None), _NO_MOVE)
        await self._wait_settled(partition)
        replicas = self._assignment(partition).replicas
        await self._wait_gone(partition, set(before) - set(replicas))
        as_before = code == ErrorCode.NONE and set(replicas) == set(before)
        if not as_before and (replicas != asked or code == ErrorCode.NONE):
            self._findings.add(
                f"{partition} is on {replicas}, but was asked to move from {before} to {asked}: "
                f"the end of the move {ErrorCode(code).name}"
            )

    async def _wait_registered(self) -> None:
        """Until no broker is between two sessions, in which it is taken for dead."""
        nodes = self._cluster.ensemble.tree.nodes
        while any(paths.broker_id(node) not in nodes for node in self._cluster.brokers):  # noqa: ASYNC110
            await trio.sleep(_POLL_S)

    async def _wait_settled(self, partition: Partition) -> None:
        """Until no replicas move and all of them are in sync."""
        while not self._is_settled(partition):  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_POLL_S)

    async def _wait_gone(self, partition: Partition, nodes: Collection[int]) -> None:
        """Until brokers from which replicas were moved away have none.

        One that was dead when they were keeps its own, as in Kafka: nobody tells it later.
        """
        self._left = [(partition, self._cluster.brokers[node]) for node in nodes]
        while any(self.remains()):  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_POLL_S)

    def remains(self) -> Iterator[str]:
        """Replicas that were moved away last, and are still there."""
        for partition, broker in self._left:
            if any(broker.directory.glob(f"*/{partition}")):
                yield f"{partition} is not gone from where it was, {broker.host}"

    def _is_settled(self, partition: Partition) -> bool:
        assignment = self._assignment(partition)
        in_sync = self._state(partition).isr
        return not assignment.is_being_reassigned and set(in_sync) == set(assignment.replicas)

    # Elections

    async def _elect(self, partition: Partition) -> int:
        """Have the preferred replica lead; the error code. Raises one of `Lost`."""
        asked = TopicPartitions(partition.topic, [partition.index])
        answer = await self._ask(ElectLeadersRequest(PREFERRED, [asked], 2_000), ELECT_LEADERS_VERSION)
        results = answer.replica_election_results
        code: int = answer.error_code or results[0].partition_result[0].error_code
        self._note(f"asked for the preferred leader of {partition}: {ErrorCode(code).name}")
        return code

    async def _elect_for_good(self, partition: Partition) -> None:
        await self._until(lambda: self._elect(partition), _ELECTED)
        leader, replicas = self._state(partition).leader, self._assignment(partition).replicas
        if leader != replicas[0]:
            self._findings.add(f"{leader} leads {partition}, but {replicas[0]} was elected of {replicas}")

    # Asking

    async def _ask(self, request: Message, version: int) -> Any:
        """Raises one of `Lost`."""
        client = self._client
        await client.refresh(self.partitions[0].topic)
        try:
            return await client.ask(client.controller or client.any_broker(), request, version)
        except Lost:
            self.has_lost = True
            raise

    async def _until(self, ask: Callable[[], Awaitable[int]], codes: Sequence[ErrorCode]) -> int:
        """Ask again until one of these codes is the answer; which."""
        while True:
            with suppress(*Lost):
                code = await ask()
                if code in codes:
                    return code
            await self._client.back_off()

    # What stands in the store

    def _assignment(self, partition: Partition) -> ReplicaAssignment:
        nodes = self._cluster.ensemble.tree.nodes
        return TopicAssignment.decode(nodes[paths.topic(partition.topic)].data).partitions[partition.index]

    def _state(self, partition: Partition) -> LeaderAndIsr:
        nodes = self._cluster.ensemble.tree.nodes
        path = paths.partition_state(TopicPartition(partition.topic, partition.index))
        return LeaderAndIsr.decode(nodes[path].data)

    def _note(self, text: str) -> None:
        self._cluster.trace.note(self._client.name, text)
