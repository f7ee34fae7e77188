"""A cluster of broker processes on one real ensemble: real Kafka 3.9.2, ours, or both.

    with Cluster({0: Kind.KAFKA, 1: Kind.ODRADEK, 2: Kind.ODRADEK}) as cluster:
        producer = Producer({"bootstrap.servers": cluster.bootstrap})
        cluster.nodes[1].kill()

Brokers start in the order given, so the first is the first controller.
"""

import contextlib
import json
from collections.abc import Callable, Mapping, Set
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from compat.cluster.node import Kind, Node
from compat.cluster.wiretap import Wiretap
from compat.oracle.ports import wait_until
from compat.oracle.zookeeper import Ensemble, ZooKeeper
from compat.wire import Wire
from odradek.protocol.generated.metadata_request import MetadataRequest

SMALL_CLUSTER: Final[Mapping[str, str]] = {
    "zookeeper.session.timeout.ms": "6000",
    "offsets.topic.num.partitions": "3",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.num.partitions": "3",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "replica.high.watermark.checkpoint.interval.ms": "1000",
    "replica.lag.time.max.ms": "5000",
    "auto.leader.rebalance.enable": "false",
}
"""What tests want of every broker; overrides may change it."""

_SETTLE_S: Final = 120
"""For a slow machine: what is waited for takes seconds."""


class NotSettled(Exception):
    """What was waited for did not come about in time; the message says what there was instead."""


class Cluster:
    """Brokers by their ids, an ensemble of their own unless one is given; all inside ``with``."""

    def __init__(
        self,
        kinds: Mapping[int, Kind],
        *,
        overrides: Mapping[str, str] | None = None,
        ensemble: Ensemble | None = None,
        chroot: str = "",
        behind_proxies: bool = False,
        wiretap: Wiretap | None = None,
        fault: str | None = None,
    ) -> None:
        """``overrides`` go to every broker; ``chroot`` (``/name``) keeps clusters of one ensemble apart.

        ``wiretap`` hears what brokers say to each other, through proxies.
        ``fault`` is a name of ``compat.cluster.broken``: every broker of ours has it.
        """
        self._kinds = dict(kinds)
        self._overrides = {**SMALL_CLUSTER, **(overrides or {})}
        self._given_ensemble = ensemble
        self._chroot = chroot
        self._behind_proxies = behind_proxies or wiretap is not None
        self._wiretap = wiretap
        self._fault = fault
        self._open = contextlib.ExitStack()
        self.ensemble: Ensemble
        self.zookeeper: KazooClient
        """A client of our own."""
        self.nodes: dict[int, Node] = {}

    def __enter__(self) -> Self:
        with self._open:
            self.ensemble = self._given_ensemble or self._open.enter_context(ZooKeeper())
            self.zookeeper = self.ensemble.client()
            self._open.callback(self.zookeeper.close)
            self._open.callback(self.zookeeper.stop)
            for node_id, kind in self._kinds.items():
                self.add(node_id, kind)
            self._open = self._open.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def add(
        self,
        node_id: int,
        kind: Kind,
        *,
        overrides: Mapping[str, str] | None = None,
        log_dir: Path | None = None,
    ) -> Node:
        """Start one more broker; it stops with the cluster."""
        properties = {**self._overrides, "zookeeper.connect": self.ensemble.connect + self._chroot}
        node = Node(
            node_id,
            kind,
            self.ensemble,
            overrides={**properties, **(overrides or {})},
            log_dir=log_dir,
            behind_proxy=self._behind_proxies,
            on_frame=None if self._wiretap is None else partial(self._wiretap.hear, node_id),
            fault=self._fault,
        )
        self.nodes[node_id] = self._open.enter_context(node)
        return node

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers, for clients."""
        return ",".join(node.bootstrap for node in self.nodes.values())

    def znode(self, path: str) -> Any:
        """The JSON of a znode; ``None`` when it does not exist."""
        try:
            data, _ = self.zookeeper.retry(self.zookeeper.get, self._chroot + path)
        except NoNodeError:
            return None
        return json.loads(data)

    def controller_id(self) -> int | None:
        """Who is controller now."""
        controller = self.znode("/controller")
        return None if controller is None else int(controller["brokerid"])

    def put_in_order(self) -> None:
        """Whatever was done to them: all brokers run, are registered, and agree on who is controller."""
        for node in self.nodes.values():
            node.put_in_order()
        self.wait_for("registration of every broker", self._all_are_registered)
        self.wait_for("knowledge of the controller", self._everyone_knows_the_controller)

    def _all_are_registered(self) -> bool:
        return all(self.znode(f"/brokers/ids/{node_id}") is not None for node_id in self.nodes)

    def move_controller(self, kind: Kind) -> None:
        """Have a broker of ``kind`` be controller: the others are paused for the moment of its election."""
        self._have_controller_among({node.id for node in self.nodes.values() if node.kind is kind})

    def move_controller_to(self, node_id: int) -> None:
        """Have one broker be controller, in the same way."""
        self._have_controller_among({node_id})

    def _have_controller_among(self, wanted: Set[int]) -> None:
        if self.controller_id() in wanted:
            return
        others = [node for node in self.nodes.values() if node.id not in wanted and node.running]
        for node in others:
            node.pause()
        try:
            with contextlib.suppress(NoNodeError):
                self.zookeeper.retry(self.zookeeper.delete, self._chroot + "/controller")
            self.wait_for(f"controller among {wanted}", lambda: self.controller_id() in wanted)
        finally:
            for node in others:
                node.resume()
        self.wait_for("knowledge of the controller", self._everyone_knows_the_controller)

    def _everyone_knows_the_controller(self) -> bool:
        controller = self.controller_id()
        running = [node for node in self.nodes.values() if node.running]
        return controller is not None and all(
            _controller_according_to(node) == controller for node in running
        )

    def partition_state(self, topic: str, partition: int) -> dict[str, Any]:
        """``leader``, ``leader_epoch``, ``isr`` and so on, as a controller wrote them; empty before that."""
        return self.znode(f"/brokers/topics/{topic}/partitions/{partition}/state") or {}

    def replicas(self, topic: str) -> dict[int, list[int]]:
        """Partition → the brokers that it is assigned to."""
        found = self.znode(f"/brokers/topics/{topic}") or {"partitions": {}}
        return {int(partition): replicas for partition, replicas in found["partitions"].items()}

    def wait_for(self, what: str, ready: Callable[[], bool], *, timeout_s: float = _SETTLE_S) -> None:
        """Wait until ``ready()``; raises ``NotSettled`` with ``what`` and the ends of the brokers' logs."""
        if not wait_until(ready, timeout_s=timeout_s):
            logs = "\n".join(f"--- {node.id}\n{node.log_text()[-3000:]}" for node in self.nodes.values())
            raise NotSettled(f"no {what} in {timeout_s} s\n{logs}")

    def wait_in_sync(self, topic: str, *, timeout_s: float = _SETTLE_S) -> None:
        """Wait until every replica of every partition is in its ISR."""

        def in_sync() -> bool:
            assigned = self.replicas(topic)
            return bool(assigned) and all(
                set(self.partition_state(topic, partition).get("isr", ())) == set(replicas)
                for partition, replicas in assigned.items()
            )

        self.wait_for(f"full ISR of {topic}", in_sync, timeout_s=timeout_s)


def _controller_according_to(node: Node) -> int | None:
    """Whom a broker tells clients of; ``None`` while it tells them nothing."""
    try:
        with Wire(node.bootstrap) as wire:
            said: int = wire.send(MetadataRequest(topics=[]), version=12).controller_id
    except OSError:
        return None
    return said
