"""Holding the scenarios of three brokers: with real Kafka 3.9.2 where that is not recorded, and with ours.

All are held on one cluster, those that break nothing first and several at a time. One that stops, kills or
pauses a broker (``restarts``) has the cluster for itself, and leaves it to be put in order.
"""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from compat.cluster.cluster import Cluster
from compat.cluster.node import Kind, Node
from compat.cluster.session import BROKERS, CONTROLLER, OFFSETS, ROTATIONS, ClusterSession, election
from compat.judge.judgment import Outcome, Run, played, runs
from compat.judge.recordings import Recordings
from compat.judge.scenario import all_scenarios
from compat.wire import Wire
from odradek.coordinators.partitioner import partition_for
from odradek.protocol.generated.create_topics_request import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestGroup

RELEASE: Final = "3.9"
PACKAGE: Final = "compat.cluster.scenarios"
_RECORDED_IN: Final = "clusters"
_AT_A_TIME: Final = 4
_OVERRIDES: Final = {
    "auto.create.topics.enable": "true",
    "controlled.shutdown.retry.backoff.ms": "500",
    "default.replication.factor": "3",
    "log.retention.ms": "-1",
    "num.partitions": "2",
    # Only the end of its session takes a broker out of an ISR: which of both is first would be chance.
    "replica.lag.time.max.ms": "60000",
    "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
}


def cluster_runs(only: str = "") -> list[Run]:
    """Every version of every scenario of three brokers."""
    return runs(list(all_scenarios(only, PACKAGE)), RELEASE)


def cluster_recordings() -> Recordings:
    """What three real brokers said."""
    return Recordings(_RECORDED_IN)


def play(todo: list[Run], kind: Kind) -> Iterator[Outcome]:
    """Hold the conversations with three brokers of one kind."""
    with three_brokers(kind) as cluster:
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            quiet = [run for run in todo if not run.scenario.restarts]
            yield from pool.map(lambda run: _hold(run, cluster), quiet)
        for run in todo:
            if run.scenario.restarts:
                yield _hold(run, cluster)


@contextlib.contextmanager
def three_brokers(kind: Kind) -> Iterator[Cluster]:
    """A fresh cluster with a rack for each broker, ready for groups; broker 0 is its controller."""
    with Cluster({}, overrides=_OVERRIDES) as cluster:
        for broker in BROKERS:
            cluster.add(broker, kind, overrides={"broker.rack": f"rack-{broker}"})
        _create_offsets_topic(cluster)
        _put_in_order(cluster)
        yield cluster


def _create_offsets_topic(cluster: Cluster) -> None:
    """Which broker leads which of its partitions is ours to say, so that it is the same in every run."""
    rows = [CreatableReplicaAssignment(index, replicas) for index, replicas in enumerate(ROTATIONS)]
    compact = [CreatableTopicConfig("cleanup.policy", "compact")]
    topic = CreatableTopic(OFFSETS, -1, -1, rows, compact)
    with Wire(cluster.nodes[CONTROLLER].bootstrap) as wire:
        wire.send(CreateTopicsRequest(topics=[topic], timeout_ms=30_000), version=7)


def _put_in_order(cluster: Cluster) -> None:
    """Whatever a scenario did: all brokers run, 0 is controller, each coordinates its share of groups."""
    cluster.put_in_order()
    cluster.move_controller_to(CONTROLLER)
    cluster.wait_in_sync(OFFSETS)
    with Wire(cluster.nodes[CONTROLLER].bootstrap) as wire:
        wire.send(election(OFFSETS, *BROKERS), version=2)
    cluster.wait_for(
        "preferred leaders of the offsets topic",
        lambda: all(cluster.partition_state(OFFSETS, broker)["leader"] == broker for broker in BROKERS),
    )
    cluster.wait_for("coordinators and producer ids", lambda: all(map(_is_ready, cluster.nodes.values())))


def _is_ready(node: Node) -> bool:
    """Whether a broker coordinates its groups and has a block of producer ids."""
    group = next(name for name in map(str, range(1000)) if partition_for(name, len(ROTATIONS)) == node.id)
    offsets = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=[])])
    producer = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
    with Wire(node.bootstrap) as wire:
        coordinates = not wire.send(offsets, version=8).groups[0].error_code
        return coordinates and not wire.send(producer, version=4).error_code


def _hold(run: Run, cluster: Cluster) -> Outcome:
    session = ClusterSession(run, cluster)
    broken = played(run, session)
    if run.scenario.restarts:
        _put_in_order(cluster)
    session.close()
    return Outcome(run, session.transcript, broken)


def record(todo: list[Run], recordings: Recordings, tell: Callable[[Outcome], None]) -> None:
    """Ask three real brokers; what a broken scenario says is not kept."""
    try:
        for outcome in play(todo, Kind.KAFKA):
            tell(outcome)
            if outcome.broken is None:
                recordings.keep(outcome.run.scenario, outcome.run.version, outcome.transcript)
    finally:
        recordings.write()
