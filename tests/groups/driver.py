"""A shard with the least runtime there can be: a list for a journal, and time that tests set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from odradek.coordinators.outcome import JournalRecord, Now, Outcome, ReplayedRecord
from odradek.errors import KafkaError
from odradek.groups.commands import Heartbeat, JoinGroup, JoinGroupReply, SyncGroup
from odradek.groups.config import GroupConfig
from odradek.groups.shard import GroupShard

EPOCH_MS = 1_700_000_000_000


def subscription(*topics: str) -> bytes:
    """ConsumerProtocolSubscription version 0 of these topics."""
    names = b"".join(len(t).to_bytes(2, "big") + t.encode() for t in topics)
    return b"\x00\x00" + len(topics).to_bytes(4, "big") + names + b"\xff\xff\xff\xff"


class Driver:
    """Commits every record at once unless `hold` is set; then `commit` or `fail` does it."""

    def __init__(
        self, config: GroupConfig | None = None, journal: Iterable[JournalRecord] = (), now_ms: int = 0
    ) -> None:
        self.config = config or GroupConfig(initial_rebalance_delay_ms=0)
        self.shard = GroupShard(self.config)
        self.now_ms = now_ms
        self.tickets = 0
        self.replies: dict[int, Any] = {}
        self.journal: list[JournalRecord] = []
        self.hold = False
        self.held: list[Outcome] = []
        for record in journal:
            self._replay(record)
        for outcome in self.shard.loaded(self.now):
            self._settle(outcome)

    @property
    def now(self) -> Now:
        return Now(EPOCH_MS + self.now_ms, self.now_ms)

    def send(self, command: Any) -> int:
        """Hand a command over; the ticket under which `replies` will hold the answer."""
        self.tickets += 1
        ticket = self.tickets
        self._settle(self.shard.handle(command, ticket, self.now))
        self.elapse(0)
        return ticket

    def ask(self, command: Any) -> Any:
        """The answer to a command that is answered at once; KafkaErrors come out as they are."""
        return self.replies.pop(self.send(command))

    def refused(self, command: Any) -> int:
        """The code that a command is refused with."""
        try:
            answer = self.ask(command)
        except KafkaError as error:
            return error.code
        raise AssertionError(f"was answered {answer}")

    def elapse(self, elapsed_ms: int) -> None:
        """Let time pass, firing timers in order at their own time."""
        end_ms = self.now_ms + elapsed_ms
        while True:
            deadline = self.shard.next_deadline_ms()
            if deadline is None or deadline > end_ms:
                break
            self.now_ms = max(self.now_ms, deadline)
            for outcome in self.shard.expire(self.now):
                self._settle(outcome)
        self.now_ms = end_ms

    def commit(self) -> None:
        """Everything held is committed."""
        held, self.held = self.held, []
        for outcome in held:
            self._commit(outcome)

    def fail(self, error: KafkaError) -> None:
        """Everything held could not be written."""
        held, self.held = self.held, []
        for outcome in held:
            if outcome.after is not None:
                self._settle(outcome.after(error, self.now))
            else:
                for ticket, reply in outcome.replies:
                    self.replies[ticket] = reply if outcome.best_effort else error

    def restarted(self) -> Driver:
        """Another coordinator that has loaded what this one has written; it gives nobody an old id."""
        again = Driver(self.config, self.journal, self.now_ms)
        again.tickets = self.tickets
        return again

    def _settle(self, outcome: Outcome) -> None:
        if outcome.records and self.hold:
            self.held.append(outcome)
        else:
            self._commit(outcome)

    def _commit(self, outcome: Outcome) -> None:
        for record in outcome.records:
            self._replay(record)
        self.replies.update(outcome.replies)
        if outcome.after is not None:
            self._settle(outcome.after(None, self.now))

    def _replay(self, record: JournalRecord) -> None:
        self.shard.replay(ReplayedRecord(record.key, record.value, len(self.journal)))
        self.journal.append(record)

    # -- what members do ---------------------------------------------------------------------------------

    def join(self, member_id: str = "", **changes: Any) -> int:
        """Send a JoinGroup; a new member's id will be `m1`, `m2`, ... by ticket."""
        command = JoinGroup(
            group_id="g",
            member_id=member_id,
            group_instance_id=None,
            client_id="client",
            client_host="/127.0.0.1",
            rebalance_timeout_ms=60_000,
            session_timeout_ms=10_000,
            protocol_type="consumer",
            protocols=(("range", subscription("t")),),
            fresh_member_id=f"m{self.tickets + 1}",
        )
        return self.send(replace(command, **changes))

    def sync(self, member_id: str, generation_id: int, **assignments: bytes) -> int:
        return self.send(SyncGroup("g", generation_id, member_id, None, None, None, assignments))

    def heartbeat(self, member_id: str, generation_id: int) -> int:
        """The code of a heartbeat, refused or not."""
        try:
            return int(self.ask(Heartbeat("g", generation_id, member_id)))
        except KafkaError as error:
            return error.code

    def ask_generation(self) -> int:
        """The generation that group `g` is in."""
        return self.shard.groups["g"].generation_id

    def stable(self, members: int = 1, **changes: Any) -> list[str]:
        """Bring group `g` to its next stable generation with new members; their ids, the leader's first."""
        tickets = [self.join(**changes) for _ in range(members)]
        ids = [f"m{ticket}" for ticket in tickets]
        joined = self._rejoin_all(dict(zip(ids, tickets, strict=True)), changes)
        leader = joined[ids[0]].leader_id
        for member_id in [i for i in ids if i != leader] + [leader]:
            assignments = {i: b"of " + i.encode() for i in ids} if member_id == leader else {}
            self.sync(member_id, joined[ids[0]].generation_id, **assignments)
        return [leader] + [i for i in ids if i != leader]

    def _rejoin_all(self, tickets: dict[str, int], changes: dict[str, Any]) -> dict[str, JoinGroupReply]:
        """Members that were answered before the last one came join again, as heartbeats tell them to."""
        for member_id, ticket in list(tickets.items())[:-1]:
            if ticket in self.replies:
                tickets[member_id] = self.join(member_id, **changes)
        return {member_id: self.replies[ticket] for member_id, ticket in tickets.items()}
