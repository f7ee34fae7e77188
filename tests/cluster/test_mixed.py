"""One cluster of real Kafka 3.9.2 brokers and ours, with either kind as its controller.

Every test runs under load, and what the clients saw is judged by the checker of histories.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from compat.cluster.cluster import Cluster
from compat.cluster.complaints import complaints
from compat.cluster.node import Kind, Node
from compat.cluster.workload import Workload
from compat.oracle.tools import ToolHost
from tests.cluster.operations import (
    create,
    elect_preferred,
    judge,
    knows,
    leader,
    own_name,
    reassign,
    rotations,
    run_for,
    wait_for_leaders,
)

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("mixed cluster")]

KAFKAS, OURS = (0, 2), (1, 3)
EVERYONE = (0, 1, 2, 3)


@pytest.fixture(scope="module", params=list(Kind), ids=lambda kind: f"{kind.value}-controls")
def controlling(request: pytest.FixtureRequest) -> Kind:
    """By turns, so that all tests with one kind follow each other."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def controller(mixed: Cluster, controlling: Kind) -> Kind:
    """Which kind of broker is controller."""
    mixed.move_controller(controlling)
    return controlling


@pytest.fixture(autouse=True)
def kafka_is_content(mixed: Cluster, controller: Kind) -> Iterator[None]:
    """After each test: what real Kafka wrote about us meanwhile."""
    before = {broker: len(mixed.nodes[broker].log_text()) for broker in KAFKAS}
    yield
    for broker, length in before.items():
        said = complaints(mixed.nodes[broker].log_text()[length:])
        assert not said, "\n".join(said)


def follower_of_controller(cluster: Cluster, kind: Kind) -> Node:
    """A broker of a kind that is not controller just now."""
    controller = cluster.controller_id()
    return next(node for node in cluster.nodes.values() if node.kind is kind and node.id != controller)


def test_clients_and_groups_see_one_cluster(mixed: Cluster, controller: Kind) -> None:
    partitions = create(mixed, own_name("seen"), rotations(EVERYONE), min_insync_replicas="3")
    assert [leader(mixed, each) for each in partitions] == list(EVERYONE)
    with Workload(mixed.bootstrap, partitions, group=own_name("readers")) as workload:
        run_for(workload, mixed, 500)
    judge(mixed, workload, partitions)


@pytest.mark.parametrize("victim", list(Kind), ids=lambda kind: f"{kind.value}-killed")
def test_a_killed_broker_is_replaced_and_comes_back(
    mixed: Cluster, tools_392: ToolHost, controller: Kind, victim: Kind
) -> None:
    name = own_name("killed")
    node = follower_of_controller(mixed, victim)
    partitions = create(mixed, name, rotations(EVERYONE), min_insync_replicas="2")
    with Workload(mixed.bootstrap, partitions, group=name) as workload:
        run_for(workload, mixed, 100)
        node.kill()
        mixed.wait_for("another leader", lambda: leader(mixed, partitions[node.id]) not in (node.id, -1))
        run_for(workload, mixed, 200)
        node.restart()
        mixed.wait_in_sync(name)
        elect_preferred(mixed, tools_392, partitions)
        wait_for_leaders(mixed, dict(zip(partitions, EVERYONE, strict=True)))
        run_for(workload, mixed, 100)
    judge(mixed, workload, partitions)


@pytest.mark.parametrize("leaving", list(Kind), ids=lambda kind: f"{kind.value}-stopped")
def test_a_broker_that_stops_hands_over_first(
    mixed: Cluster, tools_392: ToolHost, controller: Kind, leaving: Kind
) -> None:
    name = own_name("stopped")
    node = follower_of_controller(mixed, leaving)
    partitions = create(mixed, name, rotations(EVERYONE), min_insync_replicas="2")
    with Workload(mixed.bootstrap, partitions, group=name) as workload:
        run_for(workload, mixed, 100)
        before = {broker: len(mixed.nodes[broker].log_text()) for broker in KAFKAS}
        node.stop()
        assert leader(mixed, partitions[node.id]) not in (node.id, -1)
        run_for(workload, mixed, 200)
        if leaving is Kind.ODRADEK:
            # Ours leaves no request about its own replicas without an answer, which Kafka's do now and then.
            # News of others (an ISR that grew just then) can come between its last answer and its leave.
            for broker, length in before.items():
                said = mixed.nodes[broker].log_text()[length:]
                assert not re.search(r"fails to send request \(type: (?!UpdateMetadata)", said), said
        node.restart()
        mixed.wait_in_sync(name)
    judge(mixed, workload, partitions)


def test_partitions_move_from_ours_to_theirs_and_back(
    mixed: Cluster, tools_392: ToolHost, controller: Kind, tmp_path: Path
) -> None:
    topic = own_name("moved")
    partitions = create(mixed, topic, rotations(OURS), min_insync_replicas="2")
    with Workload(mixed.bootstrap, partitions, group=topic) as workload:
        run_for(workload, mixed, 100)
        for brokers in (KAFKAS, OURS):
            # Faster than the workload writes: a slower move would never come to its end.
            reassign(mixed, tools_392, {topic: rotations(brokers)}, tmp_path, "--throttle", "1000000")
            assert mixed.replicas(topic) == dict(enumerate(rotations(brokers)))
            mixed.wait_in_sync(topic)
            run_for(workload, mixed, 100)
    judge(mixed, workload, partitions)
    mixed.wait_for("deletion of files", lambda: not any(holds(mixed.nodes[each], topic) for each in KAFKAS))


def test_configs_reach_every_broker(mixed: Cluster, tools_392: ToolHost, controller: Kind) -> None:
    topic = own_name("configured")
    create(mixed, topic, [EVERYONE])
    entity = ("--entity-type", "topics", "--entity-name", topic)
    for broker in (*OURS, *KAFKAS):
        bootstrap = ("--bootstrap-server", mixed.nodes[broker].bootstrap)
        config = f"retention.ms={3_600_000 + broker}"
        done = tools_392.run("ConfigCommand", *bootstrap, "--alter", *entity, "--add-config", config)
        assert "Completed updating config" in done.stdout, done
        for other in EVERYONE:
            described = partial(describes, mixed.nodes[other], tools_392, topic, config)
            mixed.wait_for(f"{config}, set at {broker}, at {other}", described)


def describes(node: Node, tools: ToolHost, topic: str, config: str) -> bool:
    asked = ("--bootstrap-server", node.bootstrap, "--describe", "--entity-type", "topics")
    return config in tools.run("ConfigCommand", *asked, "--entity-name", topic).stdout


def test_log_directories_of_all_are_described(mixed: Cluster, tools_392: ToolHost, controller: Kind) -> None:
    topic = own_name("described")
    create(mixed, topic, [EVERYONE])
    options = ("--bootstrap-server", mixed.bootstrap, "--describe", "--topic-list", topic)
    said = tools_392.run("LogDirsCommand", *options).stdout
    assert "Received log directory information from brokers 0,1,2,3" in said
    assert said.count(f'"partition":"{topic}-0"') == len(EVERYONE)


def test_every_replica_knows_the_same_producers(
    mixed: Cluster, tools_392: ToolHost, controller: Kind
) -> None:
    topic = own_name("produced")
    partitions = create(mixed, topic, [EVERYONE], min_insync_replicas="4")
    with Workload(mixed.bootstrap, partitions, group=topic) as workload:
        run_for(workload, mixed, 100)
    judge(mixed, workload, partitions)
    options = ("--topic", topic, "--partition", "0")
    said = {
        tools_392.run(
            "TransactionsCommand",
            *(
                "--bootstrap-server",
                mixed.bootstrap,
                "describe-producers",
                *options,
                "--broker-id",
                f"{each}",
            ),
        ).stdout
        for each in EVERYONE
    }
    [table] = said
    header, idempotent = table.splitlines()
    assert header.split()[:2] == ["ProducerId", "ProducerEpoch"]
    assert len(idempotent.split()) == 6


def test_a_deleted_topic_is_gone_everywhere(mixed: Cluster, tools_392: ToolHost, controller: Kind) -> None:
    topic = own_name("deleted")
    create(mixed, topic, rotations(EVERYONE))
    done = tools_392.run("TopicCommand", "--bootstrap-server", mixed.bootstrap, "--delete", "--topic", topic)
    assert done.returncode == 0, done
    mixed.wait_for("deletion", lambda: mixed.znode(f"/brokers/topics/{topic}") is None)
    mixed.wait_for("deletion of files", lambda: not any(holds(mixed.nodes[each], topic) for each in EVERYONE))
    mixed.wait_for("forgetting", lambda: not any(knows(mixed.nodes[each], topic) for each in EVERYONE))


def holds(node: Node, topic: str) -> bool:
    """Whether a broker has a partition of a topic in its log directory, not yet renamed for deletion."""
    return any(node.log_dir.glob(f"{topic}-[0-9]"))
