"""Feats of groups: members on threads of their own, one in a process of its own that is killed."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from compat.clients.harness.python.program import Run
from compat.clients.harness.python.reading import equal, poll, produced, topic, wait_until
from compat.clients.harness.python.surface import Record, Refused


class Member:
    """A member of a feat's group; its thread owns the consumer, the others read what it leaves here."""

    def __init__(self, run: Run, name: str, **options: Any) -> None:
        self.partitions: frozenset[int] = frozenset()
        self.shares: list[frozenset[int]] = []
        self.values: list[tuple[int | None, bytes | None]] = []
        self._failure: Exception | None = None
        self._polling = True
        self._thread = threading.Thread(target=self._poll, args=(run, name, options), daemon=True)
        self._thread.start()

    def _poll(self, run: Run, name: str, options: Mapping[str, Any]) -> None:
        try:
            consumer = run.client.consumer(run.bootstrap, group=run.name("group"), **options)
            consumer.subscribe(name)
            while self._polling:
                self.values += [(record.partition, record.value) for record in consumer.poll(100)]
                self.partitions = consumer.assignment()
                if self.shares[-1:] != [self.partitions]:
                    self.shares.append(self.partitions)
            consumer.close()
        except Exception as error:  # noqa: BLE001 - handed to the feat's thread
            self._failure = error

    def check(self) -> None:
        """Raise what ended the member's thread."""
        if self._failure is not None:
            raise self._failure

    def leave(self) -> None:
        self._polling = False
        self._thread.join()
        self.check()


def share(members: Sequence[Member], each: int) -> None:
    """Wait until every member has `each` partitions and no two have the same."""

    def shared() -> bool:
        for member in members:
            member.check()
        parts = [member.partitions for member in members]
        return all(len(part) == each for part in parts) and len(frozenset().union(*parts)) == each * len(
            parts
        )

    wait_until(shared)


def _join(run: Run) -> None:
    name = topic(run, 6)
    members = [Member(run, name) for _ in range(3)]
    share(members, 2)
    _consume(run, name, members)


def _leave(run: Run, **options: Any) -> None:
    name = topic(run, 6)
    members = [Member(run, name, **options) for _ in range(3)]
    share(members, 2)
    members.pop().leave()
    share(members, 3)
    _consume(run, name, members)


def _crash(run: Run) -> None:
    name = topic(run, 6)
    members = [Member(run, name) for _ in range(2)]
    crashing = run.member_process(name, run.name("group"))
    share(members, 2)
    crashing.kill()
    began = time.monotonic()
    share(members, 3)
    if time.monotonic() - began < 4:
        raise AssertionError("a crash was noticed before the session timeout")
    _consume(run, name, members)


def _consume(run: Run, name: str, members: Sequence[Member]) -> None:
    """Each record reaches the one member that has its partition."""
    records = [Record(b"%d" % number, partition=number % 6) for number in range(60)]
    run.client.produce(run.bootstrap, name, records)
    wait_until(lambda: sum(len(member.values) for member in members) >= 60)
    for member in members:
        equal(member.partitions, frozenset(partition for partition, _ in member.values))
        equal(60 // len(members), len(set(member.values)))
    for member in members:
        member.leave()


def _static(run: Run) -> None:
    name = topic(run, 6)
    members = [Member(run, name, instance=f"instance-{number}") for number in range(3)]
    share(members, 2)
    before = members[2].partitions
    shares = [len(member.shares) for member in members[:2]]
    members[2].leave()
    members[2] = Member(run, name, instance="instance-2")
    wait_until(lambda: members[2].partitions == before)
    equal(shares, [len(member.shares) for member in members[:2]])
    admin = run.client.admin(run.bootstrap)
    shown = sorted(str(instance) for _, _, instance in admin.group(run.name("group")).members)
    if shown != ["", "", ""]:
        equal(["instance-0", "instance-1", "instance-2"], shown)
    admin.close()
    for member in members:
        member.leave()


def _assignor(run: Run, assignor: str, expected: Sequence[set[int]]) -> None:
    name = topic(run, 6)
    members = [Member(run, name, assignor=assignor) for _ in range(2)]
    share(members, 3)
    parts = sorted(sorted(member.partitions) for member in members)
    if expected:
        equal([sorted(part) for part in expected], parts)
    admin = run.client.admin(run.bootstrap)
    equal(assignor, admin.group(run.name("group")).protocol)
    admin.close()
    for member in members:
        member.leave()


def _commit(run: Run) -> None:
    name = produced(run, 30)
    for expected in (0, 10, 20):
        consumer = run.client.consumer(run.bootstrap, group=run.name("group"))
        consumer.subscribe(name)
        found = poll(consumer, 10)
        equal((expected, expected + 9), (found[0].offset, found[9].offset))
        consumer.commit(name, 0, expected + 10)
        equal(expected + 10, consumer.committed(name, 0))
        consumer.close()


def _list_groups(run: Run) -> None:
    member = Member(run, topic(run))
    share([member], 1)
    admin = run.client.admin(run.bootstrap)
    equal(1, list(admin.groups()).count(run.name("group")))
    admin.close()
    member.leave()


def _describe_group(run: Run) -> None:
    member = Member(run, topic(run, 3), client_id="it is me")
    share([member], 3)
    admin = run.client.admin(run.bootstrap)
    group = admin.group(run.name("group"))
    equal(("STABLE", "range"), (group.state.upper(), group.protocol))
    equal([("it is me", "127.0.0.1")], [(client_id, host) for client_id, host, _ in group.members])
    member.leave()
    wait_until(lambda: admin.group(run.name("group")).state.upper() == "EMPTY")
    admin.close()


def _reset_offsets(run: Run) -> None:
    name = produced(run, 20)
    group = run.name("group")
    consumer = run.client.consumer(run.bootstrap, group=group)
    consumer.subscribe(name)
    poll(consumer, 20)
    consumer.commit(name, 0, 20)
    consumer.close()
    admin = run.client.admin(run.bootstrap)
    admin.set_offset(group, name, 0, 15)
    admin.close()
    again = run.client.consumer(run.bootstrap, group=group)
    again.subscribe(name)
    equal(b"value 15", poll(again, 5)[0].value)
    again.close()


def _delete_group(run: Run) -> None:
    member = Member(run, topic(run))
    share([member], 1)
    admin = run.client.admin(run.bootstrap)
    group = run.name("group")
    _refused("NON_EMPTY_GROUP", lambda: admin.delete_group(group))
    member.leave()
    admin.delete_group(group)
    _refused("GROUP_ID_NOT_FOUND", lambda: admin.delete_group(group))
    admin.close()


def _refused(code: str, action: Callable[[], None]) -> None:
    try:
        action()
    except Refused as answer:
        equal(code, answer.code)
    else:
        raise AssertionError(f"it must be refused with {code}")


FEATS: Final[Mapping[str, Callable[[Run], None]]] = {
    "group-join": _join,
    "group-leave": _leave,
    "group-crash": _crash,
    "group-static": _static,
    "group-range": lambda run: _assignor(run, "range", [{0, 1, 2}, {3, 4, 5}]),
    "group-roundrobin": lambda run: _assignor(run, "roundrobin", [{0, 2, 4}, {1, 3, 5}]),
    "group-sticky": lambda run: _assignor(run, "sticky", []),
    "group-cooperative-sticky": lambda run: _assignor(run, "cooperative-sticky", []),
    "group-commit": _commit,
    "group-consumer-protocol": lambda run: _leave(run, consumer_protocol=True),
    "admin-list-groups": _list_groups,
    "admin-describe-group": _describe_group,
    "admin-reset-offsets": _reset_offsets,
    "admin-delete-group": _delete_group,
}
