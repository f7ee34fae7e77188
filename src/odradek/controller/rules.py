"""The controller's one function: a state and an event give a decision. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from odradek.controller import (
    deletion,
    isr_changes,
    partitions,
    reassignment,
    replica_elections,
    shutdown,
)
from odradek.controller.commands import AlterPartitions, ElectLeaders, Reassign, ShutDown
from odradek.controller.decision import Changes, Decision, DeleteTree, Outgoing, Write
from odradek.controller.events import (
    BrokersChanged,
    DeletionsChanged,
    DeletionsResumed,
    Elected,
    Event,
    LeadershipRead,
    LogDirsFailed,
    PreferredElectionNodeRead,
    ReassignmentNodeRead,
    ReassignmentsContinued,
    RebalanceDue,
    ReplicasAnswered,
    ReplicasStopped,
    TopicsChanged,
    UncleanElectionEnabled,
)
from odradek.controller.mailbag import Mailbag
from odradek.controller.partitions import UncleanElection
from odradek.controller.reassignment import Moves
from odradek.controller.state import ClusterState
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.value_object import value_object


@value_object
class Rules:
    """What configuration decides: who may be elected, whether topics may go, which listeners brokers use.

    `restart_ends_leadership`: in KRaft a broker that stops leads nothing any more, and is elected when it is
    back, so the leader epoch grows twice. In ZooKeeper mode that takes a controller that goes on meanwhile.
    """

    inter_broker_listener: str
    delete_topic_enable: bool
    unclean_leader_election: UncleanElection
    restart_ends_leadership: bool = False
    leader_imbalance_percentage: int = 10
    """leader.imbalance.per.broker.percentage"""
    rebalance_interval_seconds: float | None = None
    """leader.imbalance.check.interval.seconds; None without auto.leader.rebalance.enable"""
    control_plane_listener: str = ""
    """Where brokers take the controller's requests; empty where they take each other's."""
    knows_leader_recovery: bool = True
    """Since inter.broker.protocol.version 3.2 (KIP-704)."""
    features_version: int = 2
    """Of /feature; 1 before inter.broker.protocol.version 3.3."""

    def decide(self, state: ClusterState, event: Event) -> Decision:
        """Say what follows from an event; changes nothing. Raises KafkaError to refuse a command."""
        mail = Mailbag()
        writes: tuple[Write, ...]
        match event:
            case Elected():
                return self._take_over(state, event)
            case TopicsChanged():
                changes = partitions.topics_changed(state, event, mail)
                return self._decision(changes, mail, then=_doomed(changes.state, event.changed))
            case BrokersChanged():
                return self._brokers_changed(state, event, mail)
            case LeadershipRead():
                state = isr_changes.leadership_read(state, event, mail)
                moving = _moving(state, event.leadership)
                return Decision(state, requests=self._requests(state, mail), then=moving)
            case LogDirsFailed():
                return self._decision(partitions.log_dirs_failed(state, event, mail), mail)
            case ReplicasAnswered():
                changes = partitions.replicas_answered(state, event, mail, self.unclean_leader_election)
                return self._decision(changes, mail)
            case DeletionsChanged():
                state, writes = deletion.deletions_changed(
                    state, event, mail, enabled=self.delete_topic_enable
                )
            case DeletionsResumed(topics):
                state, writes = deletion.begin(state, [t for t in topics if t in state.deleting], mail)
            case ReplicasStopped():
                state, writes = deletion.replicas_stopped(state, event)
            case ReassignmentNodeRead():
                return self._moved(*reassignment.node_read(state, event, mail))
            case ReassignmentsContinued():
                return self._moved(*reassignment.continued(state, event, mail))
            case PreferredElectionNodeRead():
                changes = replica_elections.elect_preferred(state, event.partitions, mail)
                done = DeleteTree(paths.PREFERRED_REPLICA_ELECTION)
                return self._decision(changes, mail, extra=(done,))
            case RebalanceDue():
                chosen = replica_elections.imbalanced(state, percentage=self.leader_imbalance_percentage)
                return self._decision(replica_elections.elect_preferred(state, chosen, mail), mail)
            case UncleanElectionEnabled(topic):
                changes = partitions.unclean_election_enabled(
                    state, topic, mail, self.unclean_leader_election
                )
                return self._decision(changes, mail)
            case AlterPartitions():
                changes, altered = isr_changes.alter_partitions(state, event, mail)
                then = _moving(changes.state, changes.led)
                return self._decision(changes, mail, answer=altered, then=then)
            case ShutDown():
                changes, remaining = shutdown.shut_down(state, event, mail)
                return self._decision(changes, mail, answer=remaining)
            case ElectLeaders():
                changes, elected = replica_elections.elect_leaders(state, event, mail)
                return self._decision(changes, mail, answer=elected)
            case Reassign():
                moves, results, writes = reassignment.reassign(state, event, mail)
                return replace(self._moved(moves, writes), answer=results)
        return Decision(state, writes, self._requests(state, mail))

    def _take_over(self, state: ClusterState, event: Elected) -> Decision:
        """Take over, then begin anew with the deletions and moves that were not finished."""
        doomed = event.deletions & event.topics.keys() if self.delete_topic_enable else frozenset()
        mail = Mailbag()
        changes = partitions.take_over(
            replace(state, deleting=frozenset(doomed)), event, mail, self.unclean_leader_election
        )
        # The brokers are to hear of a doomed topic only that it goes, which the wish itself brings about.
        begun = replace(self._new_state(changes), deleting=frozenset())
        ended, writes = deletion.deletions_changed(
            begun, DeletionsChanged(event.deletions), mail, enabled=self.delete_topic_enable
        )
        return Decision(
            ended,
            changes.writes() + writes,
            self._requests(ended, mail),
            then=_restarted(ended.reassigning),
        )

    def _brokers_changed(self, state: ClusterState, event: BrokersChanged, mail: Mailbag) -> Decision:
        """Elect for the dead; where brokers came, go on with deletions and moves that waited for them."""
        changes = partitions.brokers_changed(state, event, mail, self.unclean_leader_election)
        came = {n for n, broker in event.brokers.items() if broker != state.brokers.get(n)}
        deletion.stop_replicas(changes.state, sorted(state.deleting), came, mail)
        waiting = [tp for tp in changes.state.reassigning if came & {*changes.state.assignment(tp).target}]
        return self._decision(changes, mail, then=_restarted(waiting))

    def _moved(self, moves: Moves, writes: tuple[Write, ...]) -> Decision:
        resumable = moves.resumable_deletions()
        then = (DeletionsResumed(resumable),) if resumable else ()
        return self._decision(moves.changes, moves.mail, extra=writes, then=then)

    def _decision(
        self,
        changes: Changes,
        mail: Mailbag,
        *,
        extra: tuple[Write, ...] = (),
        answer: object = None,
        then: tuple[Event, ...] = (),
    ) -> Decision:
        state = self._new_state(changes)
        return Decision(state, changes.writes() + extra, self._requests(state, mail), answer, then)

    def _new_state(self, changes: Changes) -> ClusterState:
        if not self.knows_leader_recovery:
            changes.take_leaders_for_recovered()
        return changes.new_state()

    def _requests(self, state: ClusterState, mail: Mailbag) -> tuple[Outgoing, ...]:
        return mail.requests(state, inter_broker_listener=self.inter_broker_listener)


def _doomed(state: ClusterState, changed: Iterable[str]) -> tuple[Event, ...]:
    """Partitions that were added to a topic while it is being deleted have to go as well."""
    topics = tuple(topic for topic in changed if topic in state.deleting)
    return (DeletionsResumed(topics),) if topics else ()


def _restarted(partitions: Iterable[TopicPartition]) -> tuple[Event, ...]:
    moving = tuple(partitions)
    return (ReassignmentsContinued(moving, is_restart=True),) if moving else ()


def _moving(state: ClusterState, partitions: Iterable[TopicPartition]) -> tuple[Event, ...]:
    moving = tuple(tp for tp in partitions if tp in state and state.assignment(tp).is_being_reassigned)
    return (ReassignmentsContinued(moving),) if moving else ()
