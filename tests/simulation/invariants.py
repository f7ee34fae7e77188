"""What must hold at every moment of a cluster's life, looked at from the outside.

Told of every commit to the store, and asked to look at the brokers whenever something was done to them and at
short intervals. Looking costs little where nothing happened since the last look.
"""

from dataclasses import dataclass, field
from uuid import UUID

from odradek.coordination.store import Create, Delete, Operation, Set
from odradek.log.log import Log
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr, TopicAssignment
from odradek.records.batch import iter_headers
from odradek.replication.partition import Partition
from odradek.testing.broker_process import BrokerProcess
from odradek.testing.cluster import SimulatedCluster
from tests.simulation.findings import Findings

_READ_BYTES = 1 << 20


@dataclass(slots=True)
class _Committed:
    """All of a partition that was below some broker's high watermark: its batches as they lie in the log."""

    batches: bytearray = field(default_factory=bytearray)
    end_offset: int = 0
    leader_epoch: int = -1
    """The latest of those who said so."""


@dataclass(slots=True)
class _Looked:
    """How far one replica was compared in this life and leader epoch of its."""

    log: Log
    leader_epoch: int
    end_offset: int = 0
    size_bytes: int = 0


class Invariants:
    """Finds what must not be. Owned by the simulation's tasks."""

    def __init__(self, cluster: SimulatedCluster, findings: Findings) -> None:
        self._cluster = cluster
        self._findings = findings
        self._leaders: dict[tuple[TopicPartition, UUID | None, int], int] = {}
        self._committed: dict[tuple[TopicPartition, UUID | None], _Committed] = {}
        self._looked: dict[tuple[int, TopicPartition], _Looked] = {}
        self._states: dict[str, LeaderAndIsr] = {}
        cluster.ensemble.on_commit = self._on_commit

    # The store

    def _on_commit(self, owner: str, operations: tuple[Operation, ...]) -> None:
        for operation in operations:
            if not operation.path.endswith("/state") or "/partitions/" not in operation.path:
                continue
            if isinstance(operation, Create | Set):
                self._check_state(owner, operation.path, LeaderAndIsr.decode(operation.data))
            elif isinstance(operation, Delete):
                self._states.pop(operation.path, None)

    def _check_state(self, owner: str, path: str, state: LeaderAndIsr) -> None:
        before = self._states.get(path)
        self._states[path] = state
        topic, _, index, _ = path.removeprefix("/brokers/topics/").split("/")
        assignment = TopicAssignment.decode(
            self._cluster.ensemble.tree.nodes[f"/brokers/topics/{topic}"].data
        )
        replicas = assignment.partitions[int(index)].replicas
        shown = f"leader {state.leader} epoch {state.leader_epoch} isr {list(state.isr)}"
        self._cluster.trace.note(owner, f"writes {topic}-{index}: {shown}")
        if not set(state.isr) <= set(replicas):
            self._findings.add(f"{owner} wrote an ISR outside {list(replicas)}: {topic}-{index} {shown}")
        if not state.isr:
            self._findings.add(f"{owner} wrote an empty ISR: {topic}-{index}")
        if state.leader != -1 and state.leader not in state.isr:
            self._findings.add(f"{owner} made a leader out of sync: {topic}-{index} {shown}")
        if before is None:
            return
        if state.leader_epoch < before.leader_epoch:
            self._findings.add(f"{owner} wrote an older leader epoch: {topic}-{index} {shown}")
        if state.leader != before.leader and state.leader_epoch == before.leader_epoch:
            self._findings.add(f"{owner} changed the leader within an epoch: {topic}-{index} {shown}")
        if state.controller_epoch < before.controller_epoch:
            self._findings.add(f"{owner} wrote as a deposed controller: {topic}-{index} {shown}")
        if state.leader != -1 and state.leader not in before.isr:
            self._findings.add(f"{owner} elected one who was out of sync: {topic}-{index} {shown}")

    # The brokers

    def look(self) -> None:
        """Compare what the brokers believe and hold with each other, and with what they did before."""
        for broker in self._cluster.brokers.values():
            if broker.running is not None:
                for partition in broker.running.services.replicas:
                    self._look_at(broker, partition)

    def _look_at(self, broker: BrokerProcess, partition: Partition) -> None:
        name, log = partition.topic_partition, partition.log
        if log is None or not log.directory.is_online:
            return
        if partition.is_leader:
            self._check_leader(broker, partition, log)
        looked = self._looked.get((broker.node_id, name))
        if looked is None or looked.log is not log or looked.leader_epoch != partition.leader_epoch:
            looked = self._looked[broker.node_id, name] = _Looked(log, partition.leader_epoch)
        committed = self._committed.setdefault((name, log.topic_id), _Committed())
        if partition.high_watermark > looked.end_offset:
            self._compare(broker, partition, log, looked, committed)
        leads = partition.is_leader and partition.leader_epoch >= committed.leader_epoch
        if leads and log.log_end_offset < committed.end_offset:
            self._findings.add(
                f"{broker.host} leads {name} in epoch {partition.leader_epoch} and ends at "
                f"{log.log_end_offset}, but {committed.end_offset} was committed"
            )

    def _check_leader(self, broker: BrokerProcess, partition: Partition, log: Log) -> None:
        name = partition.topic_partition
        leader = self._leaders.setdefault((name, log.topic_id, partition.leader_epoch), broker.node_id)
        if leader != broker.node_id:
            self._findings.add(
                f"{broker.host} accepted to lead {name} in epoch {partition.leader_epoch}, "
                f"as broker {leader} did"
            )
        if not set(partition.isr) <= set(partition.assignment.replicas):
            self._findings.add(f"{broker.host} has an ISR of {name} outside its replicas: {partition.isr}")

    def _compare(
        self, broker: BrokerProcess, partition: Partition, log: Log, looked: _Looked, committed: _Committed
    ) -> None:
        """The replica's batches up to its high watermark are those that were committed before."""
        end_offset = min(partition.high_watermark, log.log_end_offset)
        while looked.end_offset < end_offset:
            with log.read(
                looked.end_offset, max_bytes=_READ_BYTES, end_offset=end_offset, min_one_batch=True
            ) as read:
                data = bytes(read.view())
            headers = list(iter_headers(data))
            if not headers:
                return
            start, looked.size_bytes = looked.size_bytes, looked.size_bytes + len(data)
            before = committed.batches[start : looked.size_bytes]
            if data[: len(before)] != before:
                self._findings.add(
                    f"{broker.host} holds something else of {partition.topic_partition} than what was "
                    f"committed, from offset {looked.end_offset} on"
                )
                looked.end_offset = end_offset
                return
            committed.batches += data[len(before) :]
            looked.end_offset = headers[-1][1].next_offset
        # A follower's word counts too, for nobody looks at a leader that is about to stop.
        if partition.is_leader or end_offset > committed.end_offset:
            committed.leader_epoch = max(committed.leader_epoch, partition.leader_epoch)
        committed.end_offset = max(committed.end_offset, end_offset)
