"""How long a cluster of three takes to start, and to go on after `kill -9`, beside three real Kafka 3.9.2.

    python -m compat.cluster.failover --kills 20            until a write with acks=all goes on
    python -m compat.cluster.failover --partitions 1000     until every partition has a leader
    … --kind kafka                                          the same of real Kafka

Timeouts are Kafka's defaults: a session lasts 18 s. Every broker is killed in turn, the controller too.
"""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import click
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from compat.cluster.cluster import Cluster
from compat.cluster.node import Kind, Node
from compat.cluster.workload import IMPATIENT
from compat.oracle.zookeeper_ensemble import ZooKeeperEnsemble
from compat.wire import Wire
from odradek.protocol.generated.elect_leaders_request import ElectLeadersRequest, TopicPartitions
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic

BROKERS: Final = (0, 1, 2)
TOPIC: Final = "failover"
AS_KAFKA: Final = {"zookeeper.session.timeout.ms": "18000", "replica.lag.time.max.ms": "30000"}
_PATIENCE_S: Final = 120


def start_cluster(kind: Kind, ensemble: ZooKeeperEnsemble) -> Cluster:
    """Three brokers with Kafka's own timeouts; to be entered."""
    return Cluster(dict.fromkeys(BROKERS, kind), overrides=AS_KAFKA, ensemble=ensemble)


def create(cluster: Cluster, partitions: int) -> None:
    """A topic whose leaders are spread evenly."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, **IMPATIENT})
    assignment = [[*BROKERS[index % 3 :], *BROKERS[: index % 3]] for index in range(partitions)]
    new = NewTopic(TOPIC, partitions, replica_assignment=assignment, config={"min.insync.replicas": "2"})
    admin.create_topics([new], request_timeout=_PATIENCE_S)[TOPIC].result(_PATIENCE_S)
    cluster.wait_in_sync(TOPIC, timeout_s=_PATIENCE_S)


def leaders(node: Node) -> list[int]:
    """The leader of every partition, according to one broker; empty when it does not say."""
    try:
        with Wire(node.bootstrap) as wire:
            topics = [MetadataRequestTopic(name=TOPIC)]
            asked = MetadataRequest(topics=topics, allow_auto_topic_creation=False)
            topic = wire.send(asked, version=12).topics[0]
    except OSError:
        return []
    partitions = sorted(topic.partitions, key=lambda partition: int(partition.partition_index))
    return [-1 if partition.error_code else partition.leader_id for partition in partitions]


def seconds_until(ready: Callable[[], bool], since_s: float) -> float:
    """Poll as fast as answers come; raises TimeoutError."""
    while not ready():
        if time.monotonic() - since_s > _PATIENCE_S:
            raise TimeoutError(f"not within {_PATIENCE_S} s")
    return time.monotonic() - since_s


def time_to_write_again(cluster: Cluster, victim: int) -> float:
    """From the kill of a leader until a write to its partition is acknowledged by the whole ISR."""
    settings = {"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, **IMPATIENT}
    producer = Producer({**settings, "linger.ms": 0})
    producer.produce(TOPIC, b"before", partition=victim)
    producer.flush(_PATIENCE_S)
    started_s = time.monotonic()
    cluster.nodes[victim].kill()
    failures: list[object] = []
    producer.produce(TOPIC, b"after", partition=victim, on_delivery=lambda error, _: failures.append(error))
    producer.flush(_PATIENCE_S)
    elapsed_s = time.monotonic() - started_s
    if failures != [None]:
        raise TimeoutError(f"the write failed: {failures}")
    return elapsed_s


def elect_preferred(cluster: Cluster, partitions: int) -> None:
    """Every leadership back to where it began, and everyone in sync."""
    cluster.wait_in_sync(TOPIC, timeout_s=_PATIENCE_S)
    controller = cluster.controller_id()
    assert controller is not None
    asked = TopicPartitions(topic=TOPIC, partitions=list(range(partitions)))
    with Wire(cluster.nodes[controller].bootstrap) as wire:
        wire.send(ElectLeadersRequest(topic_partitions=[asked], timeout_ms=_PATIENCE_S * 1000), version=2)
    expected = [index % 3 for index in range(partitions)]
    for node in cluster.nodes.values():
        seconds_until(partial(_says, node, expected), time.monotonic())


def _says(node: Node, expected: list[int]) -> bool:
    return leaders(node) == expected


def kill_in_turn(kind: Kind, kills: int) -> list[float]:
    """Kill every broker in turn, restarting each; seconds of each kill."""
    took = []
    with ZooKeeperEnsemble() as ensemble, start_cluster(kind, ensemble) as cluster:
        create(cluster, len(BROKERS))
        for number in range(kills):
            victim = BROKERS[number % len(BROKERS)]
            is_controller = cluster.controller_id() == victim
            took.append(time_to_write_again(cluster, victim))
            click.echo(f"kill {number + 1}: {took[-1]:.2f} s{' (controller)' if is_controller else ''}")
            cluster.nodes[victim].restart()
            elect_preferred(cluster, len(BROKERS))
    return took


def start_and_fail(kind: Kind, partitions: int) -> tuple[float, float]:
    """Seconds until a stopped cluster serves all partitions, and until a killed broker's have new leaders."""
    with ZooKeeperEnsemble() as ensemble, start_cluster(kind, ensemble) as cluster:
        create(cluster, partitions)
        for node in cluster.nodes.values():
            node.stop()
        started_s = time.monotonic()
        with ThreadPoolExecutor(len(BROKERS)) as pool:
            list(pool.map(lambda node: node.restart(), cluster.nodes.values()))
        last = cluster.nodes[BROKERS[-1]]
        start_s = seconds_until(lambda: leaders(last).count(-1) == 0 and bool(leaders(last)), started_s)
        elect_preferred(cluster, partitions)
        victim = next(broker for broker in BROKERS if broker not in (cluster.controller_id(), last.id))
        killed_s = time.monotonic()
        cluster.nodes[victim].kill()
        moved_s = seconds_until(lambda: not {victim, -1} & set(leaders(last) or [-1]), killed_s)
    return start_s, moved_s


@click.command()
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), default=Kind.ODRADEK.value)
@click.option("--kills", type=int, default=0, help="How often to kill a leader.")
@click.option("--partitions", type=int, default=0, help="Of how many partitions to time start and failover.")
def main(kind: str, kills: int, partitions: int) -> None:
    """Measure starts and failovers of a cluster of three."""
    if kills:
        took = sorted(kill_in_turn(Kind(kind), kills))
        click.echo(f"{kind}: {kills} kills, median {statistics.median(took):.2f} s, longest {took[-1]:.2f} s")
    if partitions:
        start_s, moved_s = start_and_fail(Kind(kind), partitions)
        times = f"started in {start_s:.1f} s, failed over in {moved_s:.2f} s"
        click.echo(f"{kind}: {partitions} partitions, {times}")


if __name__ == "__main__":
    main()
