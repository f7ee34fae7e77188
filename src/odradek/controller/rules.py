"""The controller's one function: a state and an event give a decision. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from odradek.controller import deletion, partitions
from odradek.controller.decision import Decision, LeadershipChanges, Mailbag, Outgoing, Write
from odradek.controller.events import (
    BrokersChanged,
    DeletionsChanged,
    Elected,
    Event,
    ReplicasStopped,
    TopicsChanged,
)
from odradek.controller.partitions import UncleanElection
from odradek.controller.state import ClusterState


@dataclass(frozen=True, slots=True)
class Rules:
    """What configuration decides: who may be elected, whether topics may go, which listener brokers use.

    `restart_ends_leadership`: in KRaft a broker that stops leads nothing any more, and is elected when it is
    back, so the leader epoch grows twice. In ZooKeeper mode that takes a controller that goes on meanwhile.
    """

    inter_broker_listener: str
    delete_topic_enable: bool
    unclean_leader_election: UncleanElection
    restart_ends_leadership: bool = False

    def decide(self, state: ClusterState, event: Event) -> Decision:
        """Say what follows from an event; changes nothing."""
        mail = Mailbag()
        writes: tuple[Write, ...]
        match event:
            case Elected():
                return self._take_over(state, event)
            case TopicsChanged():
                changes = partitions.topics_changed(state, event, mail)
                return self._decision(changes, mail)
            case BrokersChanged():
                changes = partitions.brokers_changed(state, event, mail, self.unclean_leader_election)
                came = [n for n in event.brokers if event.brokers[n] != state.brokers.get(n)]
                deletion.stop_replicas(changes.state, sorted(state.deleting), came, mail)
                return self._decision(changes, mail)
            case DeletionsChanged():
                state, writes = deletion.deletions_changed(
                    state, event, mail, enabled=self.delete_topic_enable
                )
            case ReplicasStopped():
                state, writes = deletion.replicas_stopped(state, event)
        return Decision(state, writes, self._requests(state, mail))

    def _take_over(self, state: ClusterState, event: Elected) -> Decision:
        """Take over, then begin anew with the deletions that were not finished."""
        doomed = event.deletions & event.topics.keys() if self.delete_topic_enable else frozenset()
        mail = Mailbag()
        changes = partitions.take_over(
            replace(state, deleting=frozenset(doomed)), event, mail, self.unclean_leader_election
        )
        # The brokers are to hear of a doomed topic only that it goes, which the wish itself brings about.
        begun = replace(changes.new_state(), deleting=frozenset())
        ended, writes = deletion.deletions_changed(
            begun, DeletionsChanged(event.deletions), mail, enabled=self.delete_topic_enable
        )
        return Decision(ended, changes.writes() + writes, self._requests(ended, mail))

    def _decision(self, changes: LeadershipChanges, mail: Mailbag) -> Decision:
        state = changes.new_state()
        return Decision(state, changes.writes(), self._requests(state, mail))

    def _requests(self, state: ClusterState, mail: Mailbag) -> tuple[Outgoing, ...]:
        return mail.requests(state, inter_broker_listener=self.inter_broker_listener)
