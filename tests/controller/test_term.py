"""A term of office over a store in memory: what is asked, noticed and repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.testing

from odradek.controller import census
from odradek.controller.commands import AlterPartitions, ElectLeaders, IsrChange, Reassign, Refused, ShutDown
from odradek.controller.new_topic import NewTopic
from odradek.controller.state import Leadership
from odradek.coordination.changes import Changes
from odradek.coordination.perseverance import RETRY_SECONDS
from odradek.coordination.store import BadVersion, Create, Delete, Set
from odradek.coordination.tree_session import TreeSession
from odradek.errors import KafkaError
from odradek.metadata import paths, znodes
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr, ReplicaAssignment, TopicAssignment
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from tests.controller.cluster import Cluster, cluster
from tests.controller.test_controller import OTHER_ID, TOPIC_ID, state, topic

T0 = TopicPartition("t", 0)


async def epoch_of(running: Cluster, node_id: int) -> int:
    return (await running.store.get(paths.broker_id(node_id))).czxid


async def in_sync(running: Cluster, leader: int, *isr: int) -> object:
    """Have the leader of t-0 ask for an ISR."""
    known = running.controller.state.leadership[T0]
    change = IsrChange(isr, known.leader_and_isr.leader_epoch, known.partition_epoch)
    command = AlterPartitions(leader, await epoch_of(running, leader), {T0: change})
    return (await running.controller.alter_partitions(command))[T0]


async def assignment(running: Cluster, name: str = "t") -> ReplicaAssignment:
    node = await running.store.get(paths.topic(name))
    return TopicAssignment.decode(node.data).partitions[0]


async def create(running: Cluster, *replicas: tuple[int, ...]) -> None:
    await running.store.commit(Create(paths.topic("t"), topic(*replicas)))
    await running.wait(lambda snapshot: "t" in snapshot.topics)


async def test_an_isr_is_answered_once_it_is_written_and_told(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (0, 1))
        answer = await in_sync(two, 0, 0)
        written = LeaderAndIsr(0, 0, (0,), controller_epoch=1)
        assert answer == Leadership(written, 1)
        assert await state(two, "t") == written
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].isr == (0,), node_id=1)


async def test_replicas_move_from_one_broker_to_another(autojump_clock):
    async with cluster(size=3) as three:
        await create(three, (0, 1))
        assert await three.controller.reassign(Reassign({T0: (2,)})) == {T0: None}
        assert await assignment(three) == ReplicaAssignment((2, 0, 1), adding=(2,), removing=(0, 1))
        await trio.testing.wait_all_tasks_blocked()
        assert three.brokers[2].replicas[T0] == (0, 1)
        await in_sync(three, 0, 0, 1, 2)
        await three.wait(lambda snapshot: snapshot.topics["t"].partitions[0].replicas == (2,))
        await trio.testing.wait_all_tasks_blocked()
        assert await assignment(three) == ReplicaAssignment((2,))
        assert (await state(three, "t")).isr == (2,)
        assert [T0 in broker.replicas for broker in three.brokers.values()] == [False, False, True]


async def test_another_controller_goes_on_with_a_move(autojump_clock):
    async with cluster(size=3) as three:
        await create(three, (1,))
        await three.controller.reassign(Reassign({T0: (2,)}))
        await three.members[0].stop()
        await three.wait(lambda snapshot: snapshot.controller_id != 0, node_id=1)
        await trio.testing.wait_all_tasks_blocked()
        await in_sync(three, 1, 1, 2)
        await three.wait(lambda snapshot: snapshot.topics["t"].partitions[0].replicas == (2,), node_id=1)


async def test_the_old_node_for_moves_is_heeded(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (0,))
        node = Create(paths.REASSIGN_PARTITIONS, znodes.encode_reassignments({T0: (1,)}))
        await two.store.commit(node)
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].replicas == (1, 0))
        assert await two.store.exists(paths.REASSIGN_PARTITIONS)
        await in_sync(two, 0, 0, 1)
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].replicas == (1,))
        await trio.testing.wait_all_tasks_blocked()
        assert not await two.store.exists(paths.REASSIGN_PARTITIONS)
        await two.store.commit(node)
        await trio.testing.wait_all_tasks_blocked()
        assert not await two.store.exists(paths.REASSIGN_PARTITIONS)


async def test_the_old_node_for_elections_is_heeded(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (1, 0))
        await two.members[1].stop()
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 0)
        await two.start(1)
        await trio.testing.wait_all_tasks_blocked()
        await in_sync(two, 0, 0, 1)
        asked = b'{"version":1,"partitions":[{"topic":"t","partition":0}]}'
        await two.store.commit(Create(paths.PREFERRED_REPLICA_ELECTION, asked))
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 1)
        assert not await two.store.exists(paths.PREFERRED_REPLICA_ELECTION)


async def test_leaders_go_back_by_themselves_after_a_while(autojump_clock):
    async with cluster(size=2, leader_imbalance_check_interval_seconds="30") as two:
        await create(two, (1, 0))
        await trio.sleep(6)
        await two.members[1].stop()
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 0)
        await two.start(1)
        await trio.testing.wait_all_tasks_blocked()
        await in_sync(two, 0, 0, 1)
        await trio.sleep(28)
        assert (await state(two, "t")).leader == 0
        await trio.sleep(2)
        assert (await state(two, "t")).leader == 1


async def test_what_a_leader_of_an_older_kafka_wrote_by_itself_is_told(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (0, 1))
        changed = LeaderAndIsr(0, 0, (0,), controller_epoch=1)
        await two.store.commit(
            Set(paths.partition_state(T0), changed.encode()),
            Create(
                f"{paths.ISR_CHANGE_NOTIFICATION}/isr_change_",
                b'{"version":1,"partitions":[{"topic":"t","partition":0},{"topic":"gone","partition":0}]}',
                sequential=True,
            ),
        )
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].isr == (0,), node_id=1)
        await trio.testing.wait_all_tasks_blocked()
        assert await two.store.children(paths.ISR_CHANGE_NOTIFICATION) == frozenset()


async def test_a_failed_log_directory_costs_its_replicas_the_lead(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (1, 0))
        two.brokers[1].failed.add(T0)
        event = znodes.encode_log_dir_event(1)
        path = f"{paths.LOG_DIR_EVENT_NOTIFICATION}/log_dir_event_"
        await two.store.commit(Create(path, event, sequential=True))
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 0)
        assert await state(two, "t") == LeaderAndIsr(0, 1, (0,), controller_epoch=1)
        assert two.metadata.snapshot.topics["t"].partitions[0].offline_replicas == (1,)
        assert await two.store.children(paths.LOG_DIR_EVENT_NOTIFICATION) == frozenset()


async def test_a_state_that_somebody_else_wrote_is_read_before_the_command_is_decided_again(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (0, 1))
        unknown = LeaderAndIsr(1, 7, (1, 0), controller_epoch=1)
        await two.store.commit(Set(paths.partition_state(T0), unknown.encode()))
        assert await two.controller.reassign(Reassign({T0: (1, 0)})) == {T0: None}
        assert await state(two, "t") == LeaderAndIsr(1, 8, (1, 0), controller_epoch=1)


async def test_what_a_term_knows_survives_that_everything_is_read_again(autojump_clock):
    async with cluster(size=3) as three:
        await create(three, (0, 1))
        await three.store.commit(Create(paths.REASSIGN_PARTITIONS, znodes.encode_reassignments({T0: (2,)})))
        await trio.testing.wait_all_tasks_blocked()
        await three.controller.shut_down(ShutDown(1, -1))
        known = three.controller.state.leadership[T0]
        unknown = replace(known.leader_and_isr, leader_epoch=20)
        await three.store.commit(Set(paths.partition_state(T0), unknown.encode()))
        change = IsrChange((0,), known.leader_and_isr.leader_epoch, known.partition_epoch)
        command = AlterPartitions(0, await epoch_of(three, 0), {T0: replace(change, isr=(0, 2))})
        answer = await three.controller.alter_partitions(command)
        assert answer == {T0: ErrorCode.FENCED_LEADER_EPOCH}
        assert three.controller.state.shutting_down == {1}
        assert three.controller.state.reassigned_by_node == {T0: (2,)}


async def test_a_broker_stops_and_its_followers_are_told(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (1, 0))
        remaining = await two.controller.shut_down(ShutDown(1, await epoch_of(two, 1)))
        assert remaining == ()
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].leader == 0)
        assert two.metadata.snapshot.topics["t"].partitions[0].offline_replicas == (1,)
        await two.members[1].stop()
        await two.start(1)
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].offline_replicas == ())


async def test_who_is_not_the_controller_does_nothing(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (0, 1))
        with pytest.raises(KafkaError) as refused:
            await two.members[1].controller.elect_leaders(ElectLeaders((T0,), unclean=False))
        assert refused.value.code == ErrorCode.NOT_CONTROLLER


async def test_who_waits_for_a_controller_that_is_deposed_is_told(autojump_clock):
    async with cluster(size=1) as one:
        await create(one, (0,))
        node = await one.store.get(paths.CONTROLLER_EPOCH)
        await one.store.commit(
            Set(paths.CONTROLLER_EPOCH, b"7", version=node.version), Delete(paths.CONTROLLER)
        )
        with pytest.raises(KafkaError) as refused:
            await one.controller.reassign(Reassign({T0: (0,)}))
        assert refused.value.code == ErrorCode.NOT_CONTROLLER


async def test_a_new_endpoint_of_a_broker_is_told(autojump_clock):
    async with cluster(size=2) as two:
        await two.store.commit(
            Set(
                paths.broker_id(1),
                znodes.BrokerRegistration(
                    (znodes.Endpoint("elsewhere", 7, "PLAINTEXT", "PLAINTEXT"),), timestamp_ms=1
                ).encode(),
            )
        )
        await two.wait(lambda snapshot: snapshot.brokers[1].endpoints["PLAINTEXT"].host == "elsewhere")


async def test_a_new_broker_knows_the_others_before_it_is_to_follow_them(autojump_clock):
    async with cluster(size=2) as two:
        await create(two, (0, 1))
        await two.members[1].stop()
        await two.wait(lambda snapshot: list(snapshot.brokers) == [0])
        two.brokers[1].asked.clear()
        await two.start(1)
        await trio.testing.wait_all_tasks_blocked()
        first, second, *_ = two.brokers[1].asked
        assert [each.id for each in first.live_brokers] == [0, 1]  # type: ignore[union-attr]
        assert isinstance(second, LeaderAndIsrRequest)
        assert second.topic_states[0].topic_id == TOPIC_ID


async def test_features_that_were_disabled_are_enabled_again(autojump_clock):
    async with cluster() as one:
        disabled = b'{"features":{},"version":2,"status":0}'
        await one.store.commit(Set(paths.FEATURE, disabled))
        await one.members[0].stop()
        await one.start(0)
        await one.wait(lambda snapshot: snapshot.controller_id == 0)
        await trio.testing.wait_all_tasks_blocked()
        assert (await one.store.get(paths.FEATURE)).data == znodes.encode_features({})


async def test_features_are_kept_and_written_as_the_protocol_version_has_them(autojump_clock):
    async with cluster() as one:
        finalized = znodes.encode_features({"f": 3})
        await one.store.commit(Set(paths.FEATURE, finalized))
        for version in (1, 2):
            one.rules = replace(one.rules, features_version=version)
            await one.members[0].stop()
            await one.start(0)
            await trio.testing.wait_all_tasks_blocked()
            node = await one.store.get(paths.FEATURE)
            assert node.data == znodes.encode_features({"f": 3}, version)


async def test_a_command_that_shows_a_bug_of_ours_is_the_only_one_that_fails(autojump_clock, monkeypatch):
    async with cluster() as one:
        await create(one, (0,))
        epoch = one.controller.state.controller_epoch
        with monkeypatch.context() as broken:
            broken.setattr("odradek.controller.replica_elections.elect_leaders", lambda *_: 1 / 0)
            with pytest.raises(KafkaError) as refused:
                await one.controller.elect_leaders(ElectLeaders((T0,), unclean=False))
        assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
        answers = await one.controller.elect_leaders(ElectLeaders((T0,), unclean=False))
        assert isinstance(answers[T0], Refused)
        assert one.controller.state.controller_epoch == epoch


async def test_what_was_noticed_is_not_lost_when_something_else_could_not_be_written(
    autojump_clock, monkeypatch
):
    """The node for moves was read in vain: the topic that came with it was written by somebody meanwhile."""
    async with cluster(size=2) as two:
        await create(two, (0,))
        store = two.members[0].store

        async def refused_once(*operations):
            monkeypatch.undo()
            raise BadVersion(paths.topic("u"))

        monkeypatch.setattr(store, "commit", refused_once)
        await two.store.commit(
            Create(paths.topic("u"), topic((0,), topic_id=OTHER_ID)),
            Create(paths.REASSIGN_PARTITIONS, znodes.encode_reassignments({T0: (1,)})),
        )
        await two.wait(lambda snapshot: snapshot.topics["t"].partitions[0].replicas == (1, 0))
        assert "u" in two.metadata.snapshot.topics


async def test_notifications_that_cannot_be_read_go_like_the_others(autojump_clock):
    """They stayed for ever, and each other one had a line logged for each of them."""
    async with cluster() as one:
        for path in (paths.ISR_CHANGE_NOTIFICATION, paths.LOG_DIR_EVENT_NOTIFICATION):
            await one.store.commit(Create(f"{path}/change_", b"no", sequential=True))
            await trio.testing.wait_all_tasks_blocked()
            assert await one.store.children(path) == frozenset()


async def test_a_topic_that_comes_while_a_controller_takes_over_is_followed(autojump_clock, monkeypatch):
    children = TreeSession.children
    came = False

    async def and_then_one_comes(self, path):
        nonlocal came
        names = await children(self, path)
        if path == paths.TOPICS and not came:
            came = True
            await self.commit(Create(paths.topic("late"), topic((0,))))
        return names

    monkeypatch.setattr(TreeSession, "children", and_then_one_comes)
    async with cluster() as one:
        await one.wait(lambda snapshot: "late" in snapshot.topics)
        await trio.testing.wait_all_tasks_blocked()
        node = await one.store.get(paths.topic("late"))
        known = TopicAssignment.decode(node.data)
        more = replace(known, partitions={**known.partitions, 1: ReplicaAssignment((0,))})
        await one.store.commit(Set(paths.topic("late"), more.encode(), version=node.version))
        await one.wait(lambda snapshot: len(snapshot.topics["late"].partitions) == 2)


async def test_deleted_topics_are_followed_no_more(autojump_clock, monkeypatch):
    followed: set[str] = set()
    follow, discard = Changes.follow, Changes.discard

    def note_and_follow(self, path):
        followed.add(path)
        follow(self, path)

    def note_and_discard(self, path):
        followed.discard(path)
        discard(self, path)

    monkeypatch.setattr(Changes, "follow", note_and_follow)
    monkeypatch.setattr(Changes, "discard", note_and_discard)
    async with cluster() as one:
        for name in ("a", "b", "c"):
            await one.topics.create_topics([NewTopic(name, 1, 1)], timeout_ms=10_000)
            assert paths.topic(name) in followed
            await one.topics.delete_topics([name], timeout_ms=10_000)
        await trio.testing.wait_all_tasks_blocked()
        assert not any(path.startswith(f"{paths.TOPICS}/") for path in followed)


async def test_a_state_that_cannot_be_read_costs_its_partition_only(autojump_clock):
    async with cluster() as one:
        await create(one, (0,))
        await one.topics.create_topics([NewTopic("well", 1, 1)], timeout_ms=10_000)
        await one.store.commit(Set(paths.partition_state(T0), b""))
        await one.members[0].stop()
        with trio.fail_after(20):
            await one.start(0)
        state = one.controller.state
        assert state.is_offline(T0)
        assert not state.is_offline(TopicPartition("well", 0))


async def test_an_unreadable_state_is_named(capsys, autojump_clock):
    async with cluster() as one:
        await create(one, (0,))
        await one.store.commit(Set(paths.partition_state(T0), b""))
        await census.read_leadership(one.store, [T0])
        assert f'"path": "{paths.partition_state(T0)}"' in capsys.readouterr().err


async def test_a_takeover_that_the_tree_foils_pauses_longer_each_time(autojump_clock, monkeypatch):
    commit, left = TreeSession.commit, 12

    async def foiled(self, *operations):
        nonlocal left
        if left and any(operation.path == paths.partition_state(T0) for operation in operations):
            left -= 1
            raise BadVersion(paths.partition_state(T0))
        return await commit(self, *operations)

    async with cluster() as one:
        monkeypatch.setattr(TreeSession, "commit", foiled)
        begun_at = trio.current_time()
        await create(one, (0,))
        assert left == 0
        assert 2 * RETRY_SECONDS < trio.current_time() - begun_at < 12 * RETRY_SECONDS
