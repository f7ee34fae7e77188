"""The controller's loop over the embedded store: elected, told what changed, obeyed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import trio
import trio.testing

from odradek.clock import VirtualClock
from odradek.controller.controller import Controller
from odradek.controller.registration import create_roots, register_broker
from odradek.controller.rules import Rules
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create, Delete, Set
from odradek.metadata import paths, znodes
from odradek.metadata.topic_id import parse_topic_id
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import (
    BrokerRegistration,
    ControllerRegistration,
    Endpoint,
    LeaderAndIsr,
    ReplicaAssignment,
    TopicAssignment,
)
from odradek.peers.control_channels import Answered, ControlRequest, Destination
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from tests.controller.cluster import Cluster, cluster

TOPIC_ID = parse_topic_id("A6d4TlLOTfqs-8And5x6LQ")
OTHER_ID = parse_topic_id("rJx_8MynSTa5UB47YwBDRw")


def topic(*replicas: tuple[int, ...], topic_id=TOPIC_ID) -> bytes:
    partitions = {number: ReplicaAssignment(nodes) for number, nodes in enumerate(replicas)}
    return TopicAssignment(topic_id, partitions).encode()


async def state(cluster: Cluster, name: str, number: int = 0) -> LeaderAndIsr:
    data = (await cluster.store.get(paths.partition_state(TopicPartition(name, number)))).data
    return LeaderAndIsr.decode(data)


async def test_the_first_broker_is_elected_and_writes_what_kafkas_controller_writes(autojump_clock):
    async with cluster() as one:
        registration = ControllerRegistration.decode((await one.store.get(paths.CONTROLLER)).data)
        epoch = await one.store.get(paths.CONTROLLER_EPOCH)
        feature = await one.store.get(paths.FEATURE)
        assert registration.broker_id == 0
        assert (epoch.data, epoch.version) == (b"1", 1)
        assert feature.data == znodes.encode_features({})
        assert one.members[0].controller.is_active
        assert one.metadata.snapshot.controller_id == 0
        assert list(one.metadata.snapshot.brokers) == [0]


async def test_who_was_elected_is_not_active_before_it_knows_what_there_is(autojump_clock, monkeypatch):
    """Seed 342 of the simulation: a leader was told that its topic does not exist, and waited for ever."""
    async with cluster(2) as two:
        successor = two.members[1]
        is_read = trio.Event()
        children = successor.store.children

        async def children_later(path: str) -> frozenset[str]:
            await is_read.wait()
            found: frozenset[str] = await children(path)
            return found

        monkeypatch.setattr(successor.store, "children", children_later)
        await two.members[0].stop()
        await trio.testing.wait_all_tasks_blocked()
        elected = ControllerRegistration.decode((await two.store.get(paths.CONTROLLER)).data)
        assert elected.broker_id == 1
        assert not successor.controller.is_active
        is_read.set()
        await two.wait(lambda snapshot: snapshot.controller_id == 1, node_id=1)
        assert successor.controller.is_active


async def test_a_new_topic_is_led_and_known(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,), (0,))))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        assert await state(one, "t", 1) == LeaderAndIsr(0, 0, (0,), controller_epoch=1)
        assert one.brokers[0].replicas == {TopicPartition("t", 0): (0, 0), TopicPartition("t", 1): (0, 0)}
        assert one.metadata.topic_name(TOPIC_ID) == "t"
        leads = [request for request in one.brokers[0].asked if isinstance(request, LeaderAndIsrRequest)]
        assert [leads[-1].controller_epoch, leads[-1].broker_epoch] == [
            1,
            (await one.store.get(paths.broker_id(0))).czxid,
        ]
        assert all(each.is_new for each in leads[-1].topic_states[0].partition_states)


async def test_added_partitions_are_led(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,))))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        await one.store.commit(Set(paths.topic("t"), topic((0,), (0,))))
        await one.wait(lambda snapshot: len(snapshot.topics["t"].partitions) == 2)
        assert (await state(one, "t", 0)).leader_epoch == 0


async def test_a_topic_marked_for_deletion_disappears_with_everything_it_had(autojump_clock):
    async with cluster() as one:
        await one.store.commit(
            Create(paths.topic("t"), topic((0,), (0,))), Create(paths.config("topics", "t"), b"{}")
        )
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        await one.store.commit(Create(paths.delete_topic("t")))
        await one.wait(lambda snapshot: "t" not in snapshot.topics)
        await trio.testing.wait_all_tasks_blocked()
        assert await one.store.children(paths.TOPICS) == frozenset()
        assert await one.store.children(paths.DELETE_TOPICS) == frozenset()
        assert not await one.store.exists(paths.config("topics", "t"))
        assert one.brokers[0].replicas == {}
        stops = [request for request in one.brokers[0].asked if isinstance(request, StopReplicaRequest)]
        (states,) = [each.partition_states for each in stops[0].topic_states]
        assert [(each.leader_epoch, each.delete_partition) for each in states] == [(-2, True), (-2, True)]


async def test_a_topic_created_anew_at_once_is_another_topic(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,))))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        await one.store.commit(Create(paths.delete_topic("t")))
        async for _ in one.store.changes(paths.TOPICS):
            if not await one.store.children(paths.TOPICS):
                break
        await one.store.commit(Create(paths.topic("t"), topic((0,), topic_id=OTHER_ID)))
        await one.wait(lambda snapshot: OTHER_ID in snapshot.topics_by_id)
        assert one.metadata.topic_name(TOPIC_ID) is None


async def test_the_wish_to_delete_what_does_not_exist_is_dropped(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.delete_topic("nothing")))
        await trio.testing.wait_all_tasks_blocked()
        assert await one.store.children(paths.DELETE_TOPICS) == frozenset()


async def test_a_topic_that_is_deleted_as_soon_as_it_is_created_goes(autojump_clock):
    """The wish was taken for one about a topic that does not exist, and dropped."""
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,))), Create(paths.delete_topic("t")))
        await trio.testing.wait_all_tasks_blocked()
        assert await one.store.children(paths.DELETE_TOPICS) == frozenset()
        assert await one.store.children(paths.TOPICS) == frozenset()


async def test_a_new_controller_heeds_a_wish_that_comes_while_it_reads_the_topics(
    autojump_clock, monkeypatch
):
    async with cluster(2) as two:
        successor = two.members[1]
        children = successor.store.children
        listed: list[str] = []

        async def children_and_then_more(path: str) -> frozenset[str]:
            found: frozenset[str] = await children(path)
            listed.append(path)
            if listed.count(paths.TOPICS) == 2:
                monkeypatch.undo()
                await two.store.commit(Create(paths.topic("t"), topic((1,))), Create(paths.delete_topic("t")))
            return found

        monkeypatch.setattr(successor.store, "children", children_and_then_more)
        await two.members[0].stop()
        await two.wait(lambda snapshot: snapshot.controller_id == 1, node_id=1)
        await trio.testing.wait_all_tasks_blocked()
        assert await two.store.children(paths.DELETE_TOPICS) == frozenset()
        assert await two.store.children(paths.TOPICS) == frozenset()


async def test_our_bug_ends_the_office_and_not_the_broker(autojump_clock, monkeypatch):
    async with cluster() as one:
        failing = one.members[0].controller
        first = failing.state.controller_epoch
        monkeypatch.setattr("odradek.controller.partitions.topics_changed", lambda *_: 1 / 0)
        await one.store.commit(Create(paths.topic("t"), topic((0,))))
        await trio.testing.wait_all_tasks_blocked()
        assert not failing.is_active
        assert not await one.store.exists(paths.CONTROLLER)
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        assert failing.state.controller_epoch == first + 1


async def test_who_fails_as_controller_again_and_again_leaves_more_and_more_time_to_others(
    autojump_clock, monkeypatch
):
    async with cluster() as one:
        monkeypatch.setattr("odradek.controller.partitions.take_over", lambda *_: 1 / 0)
        await one.store.commit(Delete(paths.CONTROLLER))
        await trio.sleep(300)
        elections = int((await one.store.get(paths.CONTROLLER_EPOCH)).data)
        assert 10 < elections < 20
        monkeypatch.undo()
        await one.store.commit(Create(paths.topic("t"), topic((0,))))
        await trio.sleep(31)
        assert "t" in one.metadata.snapshot.topics


async def test_partitions_added_while_their_topic_is_being_deleted_go_with_it(autojump_clock):
    """Nobody was told to delete them, and so the topic waited for them until the next controller."""
    async with cluster(2) as two:
        await two.store.commit(Create(paths.topic("t"), topic((0, 1))))
        await two.wait(lambda snapshot: "t" in snapshot.topics)
        await two.members[1].stop()
        await two.store.commit(Create(paths.delete_topic("t")))
        await trio.testing.wait_all_tasks_blocked()
        await two.store.commit(Set(paths.topic("t"), topic((0, 1), (0, 1))))
        await trio.testing.wait_all_tasks_blocked()
        await two.start(1)
        await trio.testing.wait_all_tasks_blocked()
        assert await two.store.children(paths.TOPICS) == frozenset()
        assert await two.store.children(paths.DELETE_TOPICS) == frozenset()


async def test_nothing_is_deleted_where_deletion_is_disabled(autojump_clock):
    async with cluster(delete_topic_enable="false") as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,))), Create(paths.delete_topic("t")))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        await trio.testing.wait_all_tasks_blocked()
        assert await one.store.children(paths.TOPICS) == {"t"}
        assert await one.store.children(paths.DELETE_TOPICS) == frozenset()


async def test_a_replica_that_cannot_be_deleted_keeps_its_topic_marked(autojump_clock):
    async with cluster() as one:
        one.brokers[0].deletion_error = ErrorCode.KAFKA_STORAGE_ERROR
        await one.store.commit(Create(paths.topic("t"), topic((0,))))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        await one.store.commit(Create(paths.delete_topic("t")))
        await one.wait(lambda snapshot: "t" not in snapshot.topics)
        await trio.testing.wait_all_tasks_blocked()
        assert await one.store.children(paths.DELETE_TOPICS) == {"t"}
        assert one.members[0].controller.state.deleting == {"t"}


async def test_a_restart_changes_the_controller_epoch_and_no_leader_epoch(autojump_clock):
    """As a single 3.9.2 broker does, stopped in order or killed."""
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,))))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        await one.members[0].stop()
        await one.start(0)
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        assert (await one.store.get(paths.CONTROLLER_EPOCH)).data == b"2"
        assert await state(one, "t") == LeaderAndIsr(0, 0, (0,), controller_epoch=1)
        leads = [request for request in one.brokers[0].asked if isinstance(request, LeaderAndIsrRequest)]
        assert leads[-1].controller_epoch == 2
        assert not leads[-1].topic_states[0].partition_states[0].is_new


async def test_in_kraft_a_restart_is_two_leader_epochs(autojump_clock):
    """As a single 4.3.0 broker does: nobody leads while it is away."""
    async with cluster(odradek_emulate="4.3") as one:
        await one.store.commit(Create(paths.topic("t"), topic((0,))))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        assert (await state(one, "t")).leader_epoch == 0
        await one.members[0].stop()
        await one.start(0)
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        assert await state(one, "t") == LeaderAndIsr(0, 2, (0,), controller_epoch=2)


async def test_what_was_wished_while_nobody_was_controller_is_done(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("old"), topic((0,))))
        await one.wait(lambda snapshot: "old" in snapshot.topics)
        await one.members[0].stop()
        await one.store.commit(
            Create(paths.topic("new"), topic((0,), topic_id=OTHER_ID)),
            Create(paths.delete_topic("old")),
        )
        await one.start(0)
        await one.wait(lambda snapshot: list(snapshot.topics) == ["new"])
        await trio.testing.wait_all_tasks_blocked()
        assert await one.store.children(paths.TOPICS) == {"new"}


async def test_another_broker_takes_over_from_a_dead_controller(autojump_clock):
    async with cluster(size=2) as two:
        await two.store.commit(Create(paths.topic("t"), topic((0, 1))))
        await two.wait(lambda snapshot: "t" in snapshot.topics, node_id=1)
        assert not two.members[1].controller.is_active
        await two.members[0].stop()
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 1, node_id=1)
        assert two.members[1].controller.is_active
        assert await state(two, "t") == LeaderAndIsr(1, 2, (1,), controller_epoch=2)


async def test_a_partition_without_a_living_replica_waits_for_it(autojump_clock):
    async with cluster(size=2) as two:
        await two.store.commit(Create(paths.topic("t"), topic((1,))))
        await two.wait(lambda snapshot: "t" in snapshot.topics)
        await two.members[1].stop()
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == -1)
        assert await state(two, "t") == LeaderAndIsr(-1, 1, (1,), controller_epoch=1)
        assert two.metadata.snapshot.topics["t"].partitions[0].offline_replicas == (1,)
        await two.start(1)
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 1)
        assert await state(two, "t") == LeaderAndIsr(1, 2, (1,), controller_epoch=1)


async def test_a_topic_on_a_dead_broker_is_deleted_when_that_returns(autojump_clock):
    async with cluster(size=2) as two:
        await two.store.commit(Create(paths.topic("t"), topic((0, 1))))
        await two.wait(lambda snapshot: "t" in snapshot.topics)
        await two.members[1].stop()
        await two.store.commit(Create(paths.delete_topic("t")))
        await two.wait(lambda snapshot: "t" not in snapshot.topics)
        await trio.testing.wait_all_tasks_blocked()
        assert await two.store.children(paths.DELETE_TOPICS) == {"t"}
        await two.start(1)
        await trio.testing.wait_all_tasks_blocked()
        assert await two.store.children(paths.DELETE_TOPICS) == frozenset()
        assert TopicPartition("t", 0) not in two.brokers[1].replicas


async def test_a_deposed_controller_writes_nothing_more(autojump_clock):
    async with cluster() as one:
        async for _ in one.store.changes(paths.CONTROLLER):
            break
        node = await one.store.get(paths.CONTROLLER_EPOCH)
        other = ControllerRegistration(9, 0)
        await one.store.commit(
            Delete(paths.CONTROLLER),
            Create(paths.CONTROLLER, other.encode()),
            Set(paths.CONTROLLER_EPOCH, b"7", version=node.version),
            Create(paths.topic("t"), topic((0,))),
        )
        await trio.testing.wait_all_tasks_blocked()
        assert not one.members[0].controller.is_active
        assert not await one.store.exists(paths.topic_partitions("t"))
        await one.store.commit(Delete(paths.CONTROLLER))
        await one.wait(lambda snapshot: "t" in snapshot.topics)
        assert (await state(one, "t")).controller_epoch == 8


async def test_a_broken_node_does_not_take_the_others_with_it(autojump_clock):
    async with cluster() as one:
        await one.store.commit(Create(paths.topic("broken"), b"{"), Create(paths.topic("t"), topic((0,))))
        await one.wait(lambda snapshot: list(snapshot.topics) == ["t"])


async def test_roots_are_created_once(autojump_clock):
    async with cluster() as one:
        await create_roots(one.store)
        assert await one.store.children("/config") == {*paths.CONFIG_TYPES, "changes"}


async def nothing_is_configured(topics: Sequence[str]) -> None: ...


class Openings:
    """An outbox that only remembers where it could send."""

    def __init__(self) -> None:
        self.opened: list[Mapping[int, Destination]] = []

    def open(self, destinations: Mapping[int, Destination]) -> None:
        self.opened.append(destinations)

    def send(self, node_id: int, request: ControlRequest, answered: Answered | None = None) -> None: ...


async def test_brokers_are_told_over_the_control_plane_where_there_is_one(autojump_clock):
    async with EmbeddedStore() as store, trio.open_nursery() as nursery:
        await create_roots(store)
        endpoints = Endpoint("h", 1, "PLAINTEXT", "PLAINTEXT"), Endpoint("h", 2, "CONTROL", "PLAINTEXT")
        epoch = await register_broker(store, 0, BrokerRegistration(endpoints, timestamp_ms=1))
        assert epoch is not None
        outbox = Openings()
        rules = Rules("PLAINTEXT", True, lambda topic: False, control_plane_listener="CONTROL")
        await nursery.start(Controller(store, 0, rules, outbox, VirtualClock(), nothing_is_configured).run)
        assert outbox.opened[-1] == {0: Destination(epoch, "h", 2)}
        nursery.cancel_scope.cancel()
