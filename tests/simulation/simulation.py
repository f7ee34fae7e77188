"""One simulation: a cluster, its clients and what befalls them, all drawn from one seed."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import trio

from compat.history.check import check
from compat.history.history import History
from compat.history.operations import Partition
from compat.history.replicas import ReplicaLog
from odradek.errors import OdradekError
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.protocol.generated.create_topics_response import CreateTopicsResponse
from odradek.records.batch import iter_headers
from odradek.replication.partition import Partition as Replica
from odradek.telemetry import Level
from odradek.testing.cluster import simulated_cluster
from odradek.testing.machine import Machine
from odradek.testing.process import current_process
from odradek.testing.trace import Trace
from tests.simulation.administrator import LATE_S, Administrator
from tests.simulation.client import Client, Lost
from tests.simulation.consumer import Consumer
from tests.simulation.faults import Faults
from tests.simulation.findings import Findings
from tests.simulation.group_member import GroupMember
from tests.simulation.invariants import Invariants
from tests.simulation.mover import Mover
from tests.simulation.passing_topics import CREATE_TOPICS_VERSION, PassingTopics
from tests.simulation.producer import Producer

TOPIC = "orders"

_LOOK_S = 0.25
_START_S = 60
_CALM_S = 120
"""How long a mended cluster may take to be whole again."""

_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated, besides what the seed says."""

    brokers: int = 3
    partitions: int = 2
    fault_s: float = 12.0
    """How long things go wrong; 0 for never."""


_EXPECTED = (OdradekError, OSError)
"""What brokers may log with its traceback: a store or a disk that fails."""


@dataclass(slots=True)
class Result:
    """What came of one seed."""

    seed: int
    findings: list[str]
    trace: Trace
    history: History = field(default_factory=History)

    def __str__(self) -> str:
        found = "\n".join(self.findings) or "nothing"
        return f"{self.trace}\n\nseed {self.seed}, digest {self.trace.digest}, found:\n{found}"


def simulate(seed: int, plan: Plan | None = None, *, log_level: Level = Level.OFF) -> Result:
    """Run one seed to its end; brokers' log lines from `log_level` on stand in the trace.

    An error that a broker outlives, and that is nothing but a bug of ours, is found like any other.
    """
    machine = Machine(seed)
    trace = Trace()
    bugs: dict[str, None] = {}

    def log(level: Level, name: str, event: str, fields: Mapping[str, Any]) -> None:
        error = fields.get("exc_info")
        if isinstance(error, Exception) and not isinstance(error, _EXPECTED):
            bugs[f"{name}: {event}: {error!r}"] = None
        if level >= log_level:
            process = current_process()
            said = " ".join(f"{field}={value!r}" for field, value in fields.items())
            trace.remark(process.name if process else "", f"    {level.name} {name}: {event} {said}")

    machine.log_output = log
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix=f"odradek-{seed}-", dir=where) as directory:
        trace.left_out = directory.encode()
        result: Result = machine.run(_Simulation(machine, trace, Path(directory), seed, plan or Plan()).run)
    result.findings += bugs
    return result


class _Simulation:
    def __init__(self, machine: Machine, trace: Trace, directory: Path, seed: int, plan: Plan) -> None:
        self._machine = machine
        self._directory = directory
        self._seed = seed
        self._plan = plan
        self._random = Random(f"plan {seed}")
        self._trace = trace
        self._history = History()
        self._findings = Findings(self._trace)
        self._partitions = [Partition(TOPIC, index) for index in range(plan.partitions)]
        self._flushed = self._random.random() < 0.35
        self._disks = self._random.choice([1, 1, 2])
        self._coordinator_epochs: dict[str, int] = {}

    async def run(self) -> Result:
        async with simulated_cluster(self._machine, self._directory, self._trace) as cluster:
            self._cluster = cluster
            self._invariants = Invariants(cluster, self._findings)
            for node_id in range(1, self._plan.brokers + 1):
                cluster.add_broker(node_id, self._properties(), disks=self._disks)
            with trio.move_on_after(_START_S) as starting:
                await self._start()
                await self._create_topic()
            if starting.cancelled_caught:
                self._findings.add("the cluster did not start")
            else:
                await self._live()
            for broker in cluster.brokers.values():
                broker.resume()
                await broker.kill()
        findings = self._findings.found + [str(finding) for finding in check(self._history)]
        return Result(self._seed, findings, self._trace, self._history)

    def _properties(self) -> dict[str, str]:
        replication = str(min(3, self._plan.brokers))
        properties = {
            "default.replication.factor": replication,
            "offsets.topic.replication.factor": replication,
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": replication,
            "group.initial.rebalance.delay.ms": "0",
            "replica.lag.time.max.ms": "3000",
            # A follower of a quiet leader has nothing to say; half as often is enough to hear of it.
            "replica.fetch.wait.max.ms": "1000",
            "replica.socket.timeout.ms": "3000",
            "controller.socket.timeout.ms": "3000",
            "request.timeout.ms": "3000",
            "log.index.interval.bytes": "1024",
            "controlled.shutdown.retry.backoff.ms": "500",
            "log.segment.delete.delay.ms": "100",
        }
        if self._flushed:
            properties["log.flush.interval.messages"] = "1"
        return properties

    def _client(self, name: str) -> Client:
        hosts = [broker.host for broker in self._cluster.brokers.values()]
        return Client(name, self._cluster.network, hosts, Random(f"{name} {self._seed}"))

    async def _start(self) -> None:
        for broker in self._cluster.brokers.values():
            broker.start()
            await trio.sleep(self._random.random() * 0.3)
        await self._all_up()

    async def _all_up(self) -> None:
        for broker in self._cluster.brokers.values():
            await broker.wait_up()

    async def _create_topic(self) -> None:
        plan = self._plan
        configs = [
            CreatableTopicConfig("min.insync.replicas", self._random.choice(["1", "2", "2"])),
            CreatableTopicConfig("segment.bytes", self._random.choice(["16384", "1073741824"])),
        ]
        topic = CreatableTopic(TOPIC, plan.partitions, min(3, plan.brokers), configs=configs)
        self._trace.note(
            "plan", f"flushed {self._flushed}, disks {self._disks}, {[(c.name, c.value) for c in configs]}"
        )
        admin = self._client("admin")
        while True:
            with suppress(*Lost):
                await admin.refresh(TOPIC)
                answer: CreateTopicsResponse = await admin.ask(
                    admin.controller or admin.any_broker(),
                    CreateTopicsRequest([topic], 2_000),
                    CREATE_TOPICS_VERSION,
                )
                if answer.topics[0].error_code in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS):
                    return
            await admin.back_off()

    async def _live(self) -> None:
        stop = trio.Event()
        producers = [self._producer(f"producer-{index}") for index in (1, 2)]
        names = ["producer-1", "producer-2", "consumer-1", "member-1", "member-2"]
        self._administrator = Administrator(
            self._client("administrator"),
            self._cluster,
            self._findings,
            [*self._partitions, Partition("__consumer_offsets", 0)],
        )
        self._passing = PassingTopics(self._client, self._cluster, self._findings, TOPIC)
        # Each costs a quarter of a simulation, and faults that meet nobody who changes things are wanted too.
        changers = (self._administrator, self._passing)
        self._admins: list[Administrator | PassingTopics | Mover] = [
            each for each in changers if self._random.random() < 0.5
        ]
        self._mover = Mover(
            self._client("mover"), self._cluster, self._findings, self._administrator.partitions
        )
        if self._disks > 1:
            self._admins.append(self._mover)
        faults = Faults(self._cluster, names, self._random, flushed=self._flushed)
        faults.look = self._invariants.look
        async with trio.open_nursery() as nursery:
            for producer in producers:
                nursery.start_soon(producer.run, stop, 0.25)
            nursery.start_soon(self._consumer("consumer-1").run, stop, 0.5)
            for name in ("member-1", "member-2"):
                nursery.start_soon(self._member(name).run, stop, 0.8)
            for admin in self._admins:
                nursery.start_soon(admin.run, stop, 1.5)
            nursery.start_soon(self._look_often)
            with trio.move_on_after(self._plan.fault_s):
                await faults.run()
            await faults.end()
            with trio.move_on_after(_CALM_S) as calm:
                await self._all_up()
                stop.set()
                await self._settle(producers)
            if calm.cancelled_caught:
                missing = ", ".join(self._missing(producers)) or "something that nobody looks at"
                self._findings.add(f"not whole {_CALM_S} s after everything was mended: {missing}")
            nursery.cancel_scope.cancel()
        for producer in producers:
            producer.unfinished()
        for broker in self._cluster.brokers.values():
            if broker.failure is not None:
                self._findings.add(f"{broker.host} failed: {broker.failure!r}")

    def _missing(self, producers: Sequence[Producer]) -> Iterator[str]:
        """What keeps a simulation from its end."""
        for broker in self._cluster.brokers.values():
            if broker.running is None:
                yield f"{broker.host} is {broker.state.value}"
        for producer in producers:
            if not producer.done.is_set():
                yield f"{producer.name} waits"
        for partition in self._partitions:
            if not self._is_replicated(partition):
                yield f"{partition} is not replicated"
        for partition in self._administrator.unsettled():
            yield f"the replicas of {partition} are on their way"
        yield from self._administrator.remains()
        for place in self._passing.remains():
            yield f"{place} is still there"
        for move in self._mover.remains():
            yield f"{move} is on its way"

    async def _look_often(self) -> None:
        while True:
            await trio.sleep(_LOOK_S)
            self._invariants.look()

    async def _settle(self, producers: Sequence[Producer]) -> None:
        """Everything is written and read, and all replicas have all of it."""
        for producer in producers:
            await producer.done.wait()
        for admin in self._admins:
            await admin.done.wait()
        if any(admin.has_lost for admin in self._admins):
            await trio.sleep(LATE_S)
        async with trio.open_nursery() as nursery:
            for admin in self._admins:
                if admin is not self._mover:
                    nursery.start_soon(admin.finish)
        if self._mover in self._admins:
            # Once replicas are where they stay.
            await self._mover.finish()
        for partition in self._partitions:
            await self._wait_replicated(partition)
        reader = self._consumer("reader")
        for partition in self._partitions:
            self._history.final[partition] = await reader.read_all(partition)
            self._history.replicas[partition] = self._replica_logs(partition)

    async def _wait_replicated(self, partition: Partition) -> None:
        while not self._is_replicated(partition):  # noqa: ASYNC110 - nobody tells
            await trio.sleep(_LOOK_S)

    def _is_replicated(self, partition: Partition) -> bool:
        """Whether all agree who leads, and have all that it has."""
        replicas = self._replicas(partition).values()
        ends = {(each.leader_epoch, each.log.log_end_offset) for each in replicas if each.log is not None}
        leaders = [each for each in replicas if each.is_leader]
        return len(ends) == len(leaders) == 1 and all(
            len(leader.isr) == len(leader.assignment.replicas) == len(replicas) for leader in leaders
        )

    def _replicas(self, partition: Partition) -> dict[int, Replica]:
        name = TopicPartition(partition.topic, partition.index)
        found = {}
        for node_id in self._administrator.replicas(partition):
            broker = self._cluster.brokers[node_id]
            if broker.running is not None:
                replica = broker.running.services.replicas.partition(name)
                if replica is not None and replica.log is not None:
                    found[node_id] = replica
        return found

    def _replica_logs(self, partition: Partition) -> dict[int, ReplicaLog]:
        logs = {}
        for node_id, replica in self._replicas(partition).items():
            log = replica.log
            assert log is not None
            batches: dict[int, bytes] = {}
            offset = log.log_start_offset
            while offset < log.log_end_offset:
                with log.read(offset, max_bytes=1 << 20, min_one_batch=True) as read:
                    data = bytes(read.view())
                for position, header in iter_headers(data):
                    batches[header.base_offset] = data[position : position + header.size_bytes]
                    offset = header.next_offset
            logs[node_id] = ReplicaLog(log.log_start_offset, replica.high_watermark, batches)
        return logs

    def _producer(self, name: str) -> Producer:
        return Producer(self._client(name), self._history, self._findings, self._partitions)

    def _consumer(self, name: str) -> Consumer:
        return Consumer(self._client(name), self._history, self._findings, self._partitions)

    def _member(self, name: str) -> GroupMember:
        client = self._client(name)
        consumer = Consumer(client, self._history, self._findings, self._partitions)
        return GroupMember(
            client, self._history, consumer, "group", self._partitions, self._coordinator_epoch
        )

    def _coordinator_epoch(self, host: str) -> int | None:
        """Of a broker that is about to stop it is the last that was seen."""
        for broker in self._cluster.brokers.values():
            if broker.host == host and broker.running is not None:
                partition = broker.running.services.replicas.find("__consumer_offsets", 0)
                if partition is not None:
                    self._coordinator_epochs[host] = partition.leader_epoch
        return self._coordinator_epochs.get(host)
