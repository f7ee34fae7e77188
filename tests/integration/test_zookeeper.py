"""One broker on a real ZooKeeper: its tree is Kafka's, it outlives the ensemble, real Kafka takes over."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicCollection
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from kazoo.client import KazooClient

from compat.odradek import Odradek, OdradekDidNotStart
from compat.oracle.kafka import SINGLE_BROKER, Kafka392
from compat.oracle.kraft import KraftBroker, KraftController
from compat.oracle.ports import free_port, wait_until
from compat.oracle.zookeeper import ZooKeeper
from odradek.broker.metadata_store import STORE_FILE

pytestmark = [pytest.mark.integration, pytest.mark.oracle]

SESSION_S = 6
TOPIC, GROUP = "orders", "readers"

OWN_TO_A_BROKER = {"timestamp", "port", "endpoints", "topic_id", "id"}
"""Fields that no two brokers, or two runs of one, have in common."""


@pytest.fixture(scope="module")
def ensemble() -> Iterator[ZooKeeper]:
    with ZooKeeper() as zookeeper:
        yield zookeeper


def own_chroot(word: str) -> str:
    """A root that nobody else has, not even this test when it ran before."""
    return f"{word}-{uuid4().hex[:8]}"


def properties(ensemble: ZooKeeper, chroot: str) -> dict[str, str]:
    return {
        **SINGLE_BROKER,
        "zookeeper.connect": f"{ensemble.connect}/{chroot}",
        "zookeeper.session.timeout.ms": str(SESSION_S * 1000),
        "offsets.topic.num.partitions": "3",
    }


def patient(properties: dict[str, str]) -> dict[str, str]:
    """With Kafka's own session time: a slow machine does not lose a connection that nobody cut."""
    return {**properties, "zookeeper.session.timeout.ms": "18000"}


@contextmanager
def session(ensemble: ZooKeeper) -> Iterator[KazooClient]:
    client = ensemble.client()
    try:
        yield client
    finally:
        client.stop()
        client.close()


def admin_of(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap})


def create(bootstrap: str, topic: str, **config: str) -> None:
    new = NewTopic(topic, 2, 1, config={name.replace("_", "."): value for name, value in config.items()})
    admin = admin_of(bootstrap)
    admin.create_topics([new])[topic].result(120)


def produce(bootstrap: str, *values: str) -> None:
    """Append to partition 0 with an idempotent producer, and see it acknowledged."""
    failures: list[Any] = []
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "message.timeout.ms": 120_000}
    )
    for value in values:
        producer.produce(TOPIC, value, partition=0, on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(130) == 0
    assert failures == [None] * len(values)


def consume(bootstrap: str, count: int) -> list[str]:
    """The first records of partition 0."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused"})
    consumer.assign([Place(TOPIC, 0, 0)])
    values: list[str] = []

    def done() -> bool:
        for message in consumer.consume(count, 0.2):
            assert message.error() is None
            values.append((message.value() or b"").decode())
        return len(values) >= count

    assert wait_until(done, timeout_s=180), values
    consumer.close()
    return values


def commit(bootstrap: str, offset: int) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP})
    consumer.commit(offsets=[Place(TOPIC, 0, offset)], asynchronous=False)
    consumer.close()


def committed(bootstrap: str) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP})
    (place,) = consumer.committed([Place(TOPIC, 0)], 120)
    consumer.close()
    return int(place.offset)


def live(bootstrap: str) -> None:
    """What a small life leaves behind: topics, records, offsets, configs, a deleted topic."""
    create(bootstrap, TOPIC, retention_ms="3600000", segment_bytes="1048576")
    create(bootstrap, "doomed")
    produce(bootstrap, "one", "two")
    commit(bootstrap, 1)
    admin = admin_of(bootstrap)
    entry = ConfigEntry("log.retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.BROKER, "0", incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(120)
    admin.delete_topics(["doomed"])["doomed"].result(120)


def tree(client: KazooClient, path: str) -> dict[str, Any]:
    """Every node below, by its path from there: its kind, and its data without what is a broker's own."""
    # Kafka says that a topic is deleted before its nodes are.
    assert wait_until(lambda: client.get_children(f"{path}/admin/delete_topics") == [], timeout_s=180)
    nodes: dict[str, Any] = {}
    waiting = [path]
    while waiting:
        parent = waiting.pop()
        data, stat = client.get(parent)
        kind = "ephemeral" if stat.ephemeralOwner else "persistent"
        nodes[parent.removeprefix(path)] = kind, comparable(data)
        waiting += [f"{parent}/{name}" for name in client.get_children(parent)]
    return nodes


def comparable(data: bytes | None) -> Any:
    if not data or not data.startswith(b"{"):
        return data
    # Field by field and in their order; by a field more brokers of ours know each other.
    fields = [(name, value) for name, value in json.loads(data).items() if name != "odradek"]
    return [(name, None if name in OWN_TO_A_BROKER else value) for name, value in fields]


def test_the_tree_is_the_one_that_kafka_makes(ensemble: ZooKeeper) -> None:
    root, other = own_chroot("ours"), own_chroot("theirs")
    with session(ensemble) as client:
        with Odradek(overrides=properties(ensemble, root)) as broker:
            live(broker.bootstrap)
            ours = tree(client, f"/{root}")
            assert broker.stop() == 0
        assert client.get_children(f"/{root}/brokers/ids") == []
        assert client.exists(f"/{root}/controller") is None
        with Kafka392(zookeeper=ensemble, overrides=properties(ensemble, other)) as kafka:
            live(kafka.bootstrap)
            theirs = tree(client, f"/{other}")
    assert ours == theirs


def test_a_real_kafka_takes_over_and_hands_back(ensemble: ZooKeeper, tmp_path: Path) -> None:
    overrides = properties(ensemble, own_chroot("handed-over"))
    with Odradek(overrides=overrides, log_dir=tmp_path / "ours") as broker:
        create(broker.bootstrap, TOPIC)
        produce(broker.bootstrap, "one", "two")
        commit(broker.bootstrap, 1)
        assert broker.stop() == 0
    shutil.copytree(tmp_path / "ours", tmp_path / "theirs")
    with Kafka392(zookeeper=ensemble, overrides=overrides, log_dir=tmp_path / "theirs") as kafka:
        assert consume(kafka.bootstrap, 2) == ["one", "two"]
        assert committed(kafka.bootstrap) == 1
        produce(kafka.bootstrap, "three")
        commit(kafka.bootstrap, 3)
        kafka.stop()
        assert " ERROR " not in kafka.log_text()
    shutil.copytree(tmp_path / "theirs", tmp_path / "ours-again")
    with Odradek(overrides=overrides, log_dir=tmp_path / "ours-again") as broker:
        assert consume(broker.bootstrap, 3) == ["one", "two", "three"]
        assert committed(broker.bootstrap) == 3
        produce(broker.bootstrap, "four")
        assert consume(broker.bootstrap, 4)[-1] == "four"
        create(broker.bootstrap, "another")


def events(broker: Odradek) -> list[str]:
    """What the broker has logged, without its fields."""
    return [json.loads(line)["event"] for line in broker.log_text().splitlines() if line.startswith("{")]


def test_the_ensemble_goes_and_comes_back(tmp_path: Path) -> None:
    with ZooKeeper() as ensemble, Odradek(overrides=patient(properties(ensemble, "kafka"))) as broker:
        create(broker.bootstrap, TOPIC)
        produce(broker.bootstrap, "one")
        ensemble.kill()
        assert wait_until(lambda: "ZooKeeper connection lost, reconnecting" in events(broker), timeout_s=180)
        produce(broker.bootstrap, "two")
        assert consume(broker.bootstrap, 2) == ["one", "two"]
        ensemble.restart()
        create(broker.bootstrap, "later")
        assert broker.stop() == 0
        assert events(broker).count("ZooKeeper connection lost, reconnecting") == 1


def test_a_session_that_expired_is_followed_by_another(ensemble: ZooKeeper) -> None:
    root = own_chroot("expiring")
    with Odradek(overrides=properties(ensemble, root)) as broker, session(ensemble) as client:
        create(broker.bootstrap, TOPIC)
        produce(broker.bootstrap, "one")
        first = client.exists(f"/{root}/brokers/ids/0").czxid
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            assert wait_until(lambda: client.exists(f"/{root}/brokers/ids/0") is None, timeout_s=180)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert wait_until(lambda: client.exists(f"/{root}/controller") is not None, timeout_s=180)
        assert client.get(f"/{root}/controller_epoch")[0] == b"2"
        assert client.exists(f"/{root}/brokers/ids/0").czxid > first
        produce(broker.bootstrap, "two")
        assert consume(broker.bootstrap, 2) == ["one", "two"]
        create(broker.bootstrap, "later")
        assert broker.stop() == 0
        assert events(broker).count("ZooKeeper session expired, registering again") == 1


def test_a_killed_broker_comes_back_when_its_session_is_over(ensemble: ZooKeeper) -> None:
    with Odradek(overrides=properties(ensemble, own_chroot("killed"))) as broker:
        create(broker.bootstrap, TOPIC)
        produce(broker.bootstrap, "one")
        broker.kill()
        broker.restart()
        assert consume(broker.bootstrap, 1) == ["one"]
        assert "waiting until nobody counts on logs that were not closed" in events(broker)


def moved(source: dict[str, str], target: dict[str, str], file: Path) -> None:
    """The metadata of one configuration, exported and imported into that of another."""
    for action, properties, option in (("export", source, "--to"), ("import", target, "--from")):
        overrides = [word for name, value in properties.items() for word in ("--override", f"{name}={value}")]
        program = [sys.executable, "-m", "odradek.cli.main", "metadata", action]
        subprocess.run([*program, *overrides, option, str(file)], check=True, timeout=180)


def test_a_broker_that_began_alone_goes_into_an_ensemble_and_hands_over_to_kafka(
    ensemble: ZooKeeper, tmp_path: Path
) -> None:
    log_dir, file = tmp_path / "ours", tmp_path / "tree.jsonl"
    with Odradek(log_dir=log_dir, overrides={"offsets.topic.num.partitions": "3"}) as alone:
        live(alone.bootstrap)
        assert alone.stop() == 0
    overrides = properties(ensemble, own_chroot("grown"))
    with pytest.raises(OdradekDidNotStart, match="odradek metadata import"):
        with Odradek(overrides=overrides, log_dir=log_dir):
            pass
    moved({"log.dirs": str(log_dir)}, overrides, file)
    with Odradek(overrides=overrides, log_dir=log_dir) as first:
        assert consume(first.bootstrap, 2) == ["one", "two"]
        assert committed(first.bootstrap) == 1
        produce(first.bootstrap, "three")
        assert first.stop() == 0
    shutil.copytree(log_dir, tmp_path / "theirs")
    with Kafka392(zookeeper=ensemble, overrides=overrides, log_dir=tmp_path / "theirs") as kafka:
        assert consume(kafka.bootstrap, 3) == ["one", "two", "three"]
        assert committed(kafka.bootstrap) == 1
        produce(kafka.bootstrap, "four")
        kafka.stop()
        assert " ERROR " not in kafka.log_text()
    # And back, as it was left by Kafka: the ensemble's tree is a file of ours again.
    shutil.copytree(tmp_path / "theirs", tmp_path / "alone-again")
    (tmp_path / "alone-again" / STORE_FILE).unlink()
    moved(overrides, {"log.dirs": str(tmp_path / "alone-again")}, tmp_path / "back.jsonl")
    with Odradek(log_dir=tmp_path / "alone-again") as alone:
        assert consume(alone.bootstrap, 4)[-1] == "four"


def remembered(bootstrap: str) -> dict[str, Any]:
    """What the life above left, as a client is told of it."""
    admin = admin_of(bootstrap)
    topic = admin.describe_topics(TopicCollection([TOPIC]))[TOPIC].result(120)
    configs = {
        kind: admin.describe_configs([resource := ConfigResource(kind, name)])[resource].result(120)
        for kind, name in ((ResourceType.TOPIC, TOPIC), (ResourceType.BROKER, "0"))
    }
    return {
        "topics": sorted(admin.list_topics(timeout=120).topics),
        "topic id": str(topic.topic_id),
        "partitions": len(topic.partitions),
        "retention.ms": configs[ResourceType.TOPIC]["retention.ms"].value,
        "segment.bytes": configs[ResourceType.TOPIC]["segment.bytes"].value,
        "log.retention.ms": configs[ResourceType.BROKER]["log.retention.ms"].value,
        "committed": committed(bootstrap),
    }


def test_kafkas_own_migration_leads_on_to_kraft_and_to_4(ensemble: ZooKeeper, tmp_path: Path) -> None:
    root, log_dir = own_chroot("migrated"), tmp_path / "logs"
    on_zookeeper = properties(ensemble, root)
    with Odradek(overrides=on_zookeeper, log_dir=log_dir) as ours:
        live(ours.bootstrap)
        life = remembered(ours.bootstrap)
        assert ours.stop() == 0
    with session(ensemble) as client:
        cluster_id = json.loads(client.get(f"/{root}/cluster/id")[0])["id"]
    quorum = free_port(), cluster_id
    migrating = {"zookeeper.connect": on_zookeeper["zookeeper.connect"]}
    migrating["zookeeper.metadata.migration.enable"] = "true"
    with KraftController("3.9.2", *quorum, log_dir=tmp_path / "quorum", overrides=migrating) as controller:
        both = {**on_zookeeper, **migrating, **controller.quorum}
        with Kafka392(zookeeper=ensemble, overrides=both, log_dir=log_dir) as kafka:
            assert wait_until(lambda: " to DUAL_WRITE state" in controller.log_text(), timeout_s=120)
            # What it has read is what it would have written.
            assert "Did not make any ZK writes when reconciling" in controller.log_text()
            assert remembered(kafka.bootstrap) == life
            kafka.stop()
        with KraftBroker("3.9.2", controller.quorum, log_dir=log_dir) as kafka:
            assert remembered(kafka.bootstrap) == life
            kafka.stop()
        controller.stop()
    values = ["one", "two"]
    for release in ("3.9.2", "4.3.0"):
        with KraftController(release, *quorum, log_dir=tmp_path / "quorum") as controller:
            with KraftBroker(release, controller.quorum, log_dir=log_dir) as kafka:
                assert remembered(kafka.bootstrap) == life
                assert consume(kafka.bootstrap, len(values)) == values
                produce(kafka.bootstrap, release)
                values.append(release)
                kafka.stop()
            controller.stop()
