"""A member of a consumer group: joins, is assigned partitions, reads them, commits; again after each fall."""

from collections.abc import Callable

import trio

from compat.history.history import History
from compat.history.operations import NEVER, Commit, CommitRead, Outcome, Partition, Reposition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from odradek.protocol.generated.find_coordinator_response import FindCoordinatorResponse
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.heartbeat_response import HeartbeatResponse
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.protocol.generated.join_group_response import JoinGroupResponse
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.offset_commit_response import OffsetCommitResponse
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestTopic
from odradek.protocol.generated.offset_fetch_response import OffsetFetchResponse
from odradek.protocol.generated.sync_group_request import SyncGroupRequest, SyncGroupRequestAssignment
from odradek.protocol.generated.sync_group_response import SyncGroupResponse
from tests.simulation.client import Client, Lost
from tests.simulation.consumer import Consumer

FIND_COORDINATOR_VERSION = 3
JOIN_GROUP_VERSION = 6
SYNC_GROUP_VERSION = 4
HEARTBEAT_VERSION = 4
OFFSET_COMMIT_VERSION = 8
OFFSET_FETCH_VERSION = 7

_SESSION_TIMEOUT_MS = 6_000
_REBALANCE_TIMEOUT_MS = 3_000


class _Fallen(Exception):
    """The membership cannot go on as it is."""


class GroupMember:
    """One member; what it reads goes to the history as its group's polls.

    `epoch_of` tells in which leader epoch a broker coordinates the group, which no member can know.
    """

    def __init__(
        self,
        client: Client,
        history: History,
        consumer: Consumer,
        group: str,
        partitions: list[Partition],
        epoch_of: Callable[[str], int | None],
    ) -> None:
        self._client = client
        self._epoch_of = epoch_of
        self._history = history
        self._consumer = consumer
        self._group = group
        self._partitions = partitions
        self._member_id = ""
        self._generation = -1
        self._committed: dict[Partition, int] = {}
        self._read: dict[Partition, int] = {}

    async def run(self, stop: trio.Event, interval_s: float) -> None:
        """Be a member until asked to stop."""
        while not stop.is_set():
            try:
                coordinator = await self._find_coordinator()
                assigned = await self._join(coordinator)
                await self._start_from_commits(coordinator, assigned)
                while not stop.is_set():
                    await self._go_on(coordinator, assigned)
                    with trio.move_on_after(self._client.random.expovariate(1 / interval_s)):
                        await stop.wait()
            except (_Fallen, *Lost):
                await self._client.back_off()

    async def _find_coordinator(self) -> str:
        request = FindCoordinatorRequest(self._group)
        answer: FindCoordinatorResponse = await self._client.ask(
            self._client.any_broker(), request, FIND_COORDINATOR_VERSION
        )
        self._check(answer.error_code)
        return answer.host

    async def _join(self, coordinator: str) -> list[Partition]:
        protocol = JoinGroupRequestProtocol("range", b"")
        request = JoinGroupRequest(
            self._group,
            _SESSION_TIMEOUT_MS,
            _REBALANCE_TIMEOUT_MS,
            self._member_id,
            protocol_type="consumer",
            protocols=[protocol],
        )
        joined: JoinGroupResponse = await self._client.ask(coordinator, request, JOIN_GROUP_VERSION)
        if joined.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            self._member_id = joined.member_id
        self._check(joined.error_code)
        self._member_id, self._generation = joined.member_id, joined.generation_id
        assignments = []
        if joined.leader == self._member_id:
            members = sorted(member.member_id for member in joined.members)
            for index, member_id in enumerate(members):
                mine = [str(partition.index) for partition in self._partitions[index :: len(members)]]
                assignments.append(SyncGroupRequestAssignment(member_id, ",".join(mine).encode()))
        request_to_sync = SyncGroupRequest(
            self._group, self._generation, self._member_id, assignments=assignments
        )
        synced: SyncGroupResponse = await self._client.ask(coordinator, request_to_sync, SYNC_GROUP_VERSION)
        self._check(synced.error_code)
        indexes = {int(index) for index in bytes(synced.assignment).decode().split(",") if index}
        return [partition for partition in self._partitions if partition.index in indexes]

    async def _start_from_commits(self, coordinator: str, assigned: list[Partition]) -> None:
        for partition in assigned:
            started = trio.current_time()
            epoch = self._epoch_of(coordinator)
            topic = OffsetFetchRequestTopic(partition.topic, [partition.index])
            request = OffsetFetchRequest(self._group, [topic])
            answer: OffsetFetchResponse = await self._client.ask(coordinator, request, OFFSET_FETCH_VERSION)
            self._check(answer.error_code)
            found = answer.topics[0].partitions[0]
            self._check(found.error_code)
            offset = found.committed_offset
            self._client.learn_epoch(partition.topic, partition.index, found.committed_leader_epoch)
            ended = trio.current_time()
            self._history.add(
                CommitRead(self._client.name, self._group, partition, offset, started, ended, epoch)
            )
            self._consumer.seek(partition, max(offset, 0))
            self._read[partition] = self._committed[partition] = max(offset, 0)
        moved = Reposition(self._client.name, trio.current_time(), frozenset(assigned))
        self._history.add(moved)

    async def _go_on(self, coordinator: str, assigned: list[Partition]) -> None:
        request = HeartbeatRequest(self._group, self._generation, self._member_id)
        answer: HeartbeatResponse = await self._client.ask(coordinator, request, HEARTBEAT_VERSION)
        self._check(answer.error_code)
        if not assigned:
            return
        partition = self._client.random.choice(assigned)
        seen = await self._consumer.poll(partition, self._group)
        if seen:
            self._read[partition] = seen[-1].offset + 1
        if self._read[partition] > self._committed[partition]:
            await self._commit(coordinator, partition, self._read[partition])

    async def _commit(self, coordinator: str, partition: Partition, offset: int) -> None:
        started = trio.current_time()
        epoch = self._client.leader_epoch(partition.topic, partition.index)
        position = OffsetCommitRequestPartition(partition.index, offset, epoch)
        topic = OffsetCommitRequestTopic(partition.topic, partitions=[position])
        request = OffsetCommitRequest(self._group, self._generation, self._member_id, topics=[topic])
        outcome, ended = Outcome.UNKNOWN, NEVER
        try:
            answer: OffsetCommitResponse = await self._client.ask(coordinator, request, OFFSET_COMMIT_VERSION)
            code = answer.topics[0].partitions[0].error_code
            if code == ErrorCode.NONE:
                outcome, ended = Outcome.DONE, trio.current_time()
                self._committed[partition] = offset
        finally:
            coordinated_in = self._epoch_of(coordinator)
            self._history.add(
                Commit(
                    self._client.name,
                    self._group,
                    partition,
                    offset,
                    started,
                    ended,
                    outcome,
                    coordinated_in,
                )
            )
        self._check(code)

    def _check(self, code: int) -> None:
        if code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
            self._member_id = ""
        if code != ErrorCode.NONE:
            raise _Fallen(code)
