"""`make cluster`: three brokers of ours and a real ZooKeeper on this machine, until Ctrl-C.

Says what to try, and which leaders and ISRs change meanwhile. A broker that is killed is started again after
a while. Everything is in a temporary directory and goes at the end.
"""

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Final

from kazoo.exceptions import NoNodeError

from compat.cluster.cluster import Cluster
from compat.cluster.node import Kind
from compat.oracle.ports import free_port
from compat.wire import Wire
from odradek.metadata.topic_names import INTERNAL_TOPICS
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest

TOPIC: Final = "orders"
PORTS: Final = (9092, 9093, 9094)
PARTITIONS: Final = 6
RESTART_AFTER_S: Final = 15
_LOOK_EVERY_S: Final = 0.1

Leaders = Mapping[str, tuple[int, tuple[int, ...]]]
"""Leader and ISR by topic-partition."""

OVERRIDES: Final = {
    "zookeeper.session.timeout.ms": "18000",
    "auto.create.topics.enable": "true",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
}


def main() -> None:
    """Run the cluster until Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("Starting ZooKeeper and three brokers ...", flush=True)
    with contextlib.suppress(KeyboardInterrupt), Cluster({}, overrides=OVERRIDES) as cluster:
        for number, port in enumerate(PORTS, 1):
            address = f"PLAINTEXT://localhost:{port if _is_free(port) else free_port()}"
            cluster.add(number, Kind.ODRADEK, overrides={"listeners": address})
        _create_topic(cluster)
        _create_offsets_topic(cluster)
        _introduce(cluster)
        _watch(cluster)
    print("\nTaken down.", flush=True)


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _create_topic(cluster: Cluster) -> None:
    controller = cluster.controller_id()
    assert controller is not None, "brokers that serve have a controller"
    with Wire(cluster.nodes[controller].bootstrap) as wire:
        request = CreateTopicsRequest([CreatableTopic(TOPIC, PARTITIONS, 3)], 20_000)
        (topic,) = wire.send(request, version=7).topics
    assert topic.error_code == ErrorCode.NONE, topic.error_message


def _create_offsets_topic(cluster: Cluster) -> None:
    """By asking for a coordinator: with one broker gone a group could not begin, as in Kafka."""
    request = FindCoordinatorRequest(coordinator_keys=["readers"])

    def found() -> bool:
        with Wire(cluster.nodes[1].bootstrap) as wire:
            return bool(wire.send(request, version=4).coordinators[0].error_code == ErrorCode.NONE)

    cluster.wait_for("coordinator of groups", found)


def _introduce(cluster: Cluster) -> None:
    # All of them: whoever kills the first broker can go on with the same commands.
    bootstrap = ",".join(node.bootstrap for node in cluster.nodes.values())
    print(f"ZooKeeper   {cluster.ensemble.connect}")
    for node_id, node in cluster.nodes.items():
        print(f"broker {node_id}    {node.bootstrap}  pid {node.broker.pid}")
    tries = {
        f"kcat -b {bootstrap} -t {TOPIC} -P -X acks=all": "type records, a line each",
        f"kcat -b {bootstrap} -t {TOPIC} -C -u": "read them",
        f"kcat -b {bootstrap} -u -G readers {TOPIC}": "or as a group, by two of these",
        f"kcat -b {bootstrap} -t {TOPIC} -L": "who leads what",
        f"kill -9 {cluster.nodes[1].broker.pid}": "its partitions have other leaders at once",
        f"kill -STOP {cluster.nodes[2].broker.pid}": "here the session decides, 18 s",
        f"kill -CONT {cluster.nodes[2].broker.pid}": "it follows again",
    }
    print(f"\nTopic {TOPIC} has {PARTITIONS} partitions on all three. Try in another terminal:\n")
    for command, effect in tries.items():
        print(f"  {command:{max(map(len, tries))}}  {effect}")
    print(
        f"\nWhat happens is said here. A killed broker is started again after {RESTART_AFTER_S} s. "
        "Ctrl-C ends all.\n",
        flush=True,
    )


def _watch(cluster: Cluster) -> None:
    """Say what changes, and start again what ended."""
    known, gone_at = _leaders(cluster), dict[int, float]()
    _say("leaders", ", ".join(f"{name}: {leader}" for name, (leader, _) in known.items()))
    controller = cluster.controller_id()
    while True:
        time.sleep(_LOOK_EVERY_S)
        for node_id, node in cluster.nodes.items():
            if not node.running and node_id not in gone_at:
                gone_at[node_id] = time.monotonic()
                _say(f"broker {node_id}", "is gone")
        now = _leaders(cluster)
        for line in _changes(known, now):
            _say(*line)
        known = now
        if cluster.controller_id() not in (controller, None):
            controller = cluster.controller_id()
            _say("controller", f"is broker {controller}")
        for node_id, since in list(gone_at.items()):
            if time.monotonic() - since > RESTART_AFTER_S:
                cluster.nodes[node_id].restart()
                del gone_at[node_id]
                _say(f"broker {node_id}", f"is back, pid {cluster.nodes[node_id].broker.pid}")


def _leaders(cluster: Cluster) -> Leaders:
    found = {}
    zookeeper, root = cluster.zookeeper, "/brokers/topics"
    for topic in sorted(set(zookeeper.get_children(root)) - INTERNAL_TOPICS):
        with contextlib.suppress(NoNodeError):
            partitions = zookeeper.get_children(f"{root}/{topic}/partitions")
            for partition in sorted(partitions, key=int):
                data, _ = zookeeper.get(f"{root}/{topic}/partitions/{partition}/state")
                state = json.loads(data)
                found[f"{topic}-{partition}"] = int(state["leader"]), tuple(sorted(state["isr"]))
    return found


def _changes(before: Leaders, after: Leaders) -> Iterator[tuple[str, str]]:
    for name, (leader, isr) in after.items():
        if name not in before:
            yield name, f"is new: leader {leader}, in sync {list(isr)}"
            continue
        leader_before, isr_before = before[name]
        if leader != leader_before:
            yield name, f"leader {leader_before} -> {leader}, in sync {list(isr)}"
        elif isr != isr_before:
            yield name, f"in sync {list(isr)}"


def _say(who: str, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {who:12} {what}", flush=True)


if __name__ == "__main__":
    main()
