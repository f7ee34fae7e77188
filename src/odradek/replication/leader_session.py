"""LeaderSession: a follower's end of an incremental fetch session, which says only what changed. Pure.

    build(wanted)      the next request's session, partitions and forgotten partitions
    accept(response)   what the response says about the session; False: its partitions are not to be used
    failed()           no response came, so nobody knows what the leader remembers

Kafka: FetchSessionHandler; KIP-227, KIP-516. The leader's end is `odradek.api.fetch_sessions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias
from uuid import UUID

from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_response import FetchResponse, PartitionData

NO_SESSION = 0
INITIAL_EPOCH = 0
MAX_EPOCH = 2**31 - 1


class AskedPartition(NamedTuple):
    """What is asked for one partition; sent again when anything of it changes."""

    topic_id: UUID
    fetch_offset: int
    log_start_offset: int
    max_bytes: int
    current_leader_epoch: int
    last_fetched_epoch: int


class SessionFetch(NamedTuple):
    """One request within a session. `asked` is what the session holds with it, sent or implied."""

    session_id: int
    epoch: int
    to_send: Mapping[TopicPartition, AskedPartition]
    forgotten: tuple[tuple[TopicPartition, UUID], ...]
    asked: Mapping[TopicPartition, AskedPartition]
    uses_topic_ids: bool

    @property
    def is_empty(self) -> bool:
        """Nothing to ask for and nothing to forget: no request is needed."""
        return not self.asked and not self.forgotten


Fetched: TypeAlias = "dict[TopicPartition, PartitionData]"


class LeaderSession:
    """The session with one leader. Owned by one fetcher."""

    def __init__(self) -> None:
        self._session_id = NO_SESSION
        self._epoch = INITIAL_EPOCH
        self._partitions: dict[TopicPartition, AskedPartition] = {}
        self._names: dict[UUID, str] = {}

    def build(self, wanted: Mapping[TopicPartition, AskedPartition]) -> SessionFetch:
        """The request that makes the session hold exactly what is wanted, in that order."""
        uses_topic_ids = all(asked.topic_id != NO_TOPIC_ID for asked in wanted.values())
        forgotten: list[tuple[TopicPartition, UUID]] = []
        to_send: Mapping[TopicPartition, AskedPartition]
        if self._epoch == INITIAL_EPOCH:
            self._partitions = dict(wanted)
            to_send = wanted
        else:
            changed: dict[TopicPartition, AskedPartition] = {}
            for name, before in list(self._partitions.items()):
                now = wanted.get(name)
                if now is None:
                    del self._partitions[name]
                    forgotten.append((name, before.topic_id))
                    uses_topic_ids = uses_topic_ids and before.topic_id != NO_TOPIC_ID
                    continue
                if NO_TOPIC_ID not in (before.topic_id, now.topic_id) and before.topic_id != now.topic_id:
                    # Another topic of the same name: the old one is forgotten, the new one added.
                    forgotten.append((name, before.topic_id))
                if before != now:
                    changed[name] = self._partitions[name] = now
            for name, now in wanted.items():
                if name not in self._partitions:
                    changed[name] = self._partitions[name] = now
            to_send = changed
        self._names = {asked.topic_id: name.topic for name, asked in wanted.items()} if uses_topic_ids else {}
        return SessionFetch(
            self._session_id, self._epoch, to_send, tuple(forgotten), self._partitions, uses_topic_ids
        )

    def accept(self, response: FetchResponse, *, uses_topic_ids: bool) -> Fetched | None:
        """The response's partitions by name; None if it is an error or does not fit the request."""
        if response.error_code:
            if response.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND:
                self._begin_anew()
            else:
                self._epoch = INITIAL_EPOCH
            return None
        fetched = self._named(response, uses_topic_ids=uses_topic_ids)
        is_full = self._epoch == INITIAL_EPOCH
        if fetched is None or not self._fits(fetched, is_full=is_full):
            if is_full:
                self._begin_anew()
            else:
                self._epoch = INITIAL_EPOCH
            return None
        if response.session_id == NO_SESSION:
            self._begin_anew()
        else:
            self._session_id = response.session_id
            self._epoch = 1 if self._epoch == MAX_EPOCH else self._epoch + 1
        return fetched

    def failed(self) -> None:
        """The next request ends the session, if there still is one, and asks for another."""
        self._epoch = INITIAL_EPOCH

    def _begin_anew(self) -> None:
        self._session_id = NO_SESSION
        self._epoch = INITIAL_EPOCH

    def _named(self, response: FetchResponse, *, uses_topic_ids: bool) -> Fetched | None:
        fetched: Fetched = {}
        for topic in response.responses:
            name = self._names.get(topic.topic_id) if uses_topic_ids else topic.topic
            if name is None:
                return None
            for partition in topic.partitions:
                fetched[TopicPartition(name, partition.partition_index)] = partition
        return fetched

    def _fits(self, fetched: Iterable[TopicPartition], *, is_full: bool) -> bool:
        """A full answer has all that was asked, an incremental one nothing that was not."""
        answered = set(fetched)
        return answered == self._partitions.keys() if is_full else answered <= self._partitions.keys()
