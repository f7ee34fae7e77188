"""Fetch sessions (KIP-227): what a reader fetches is remembered, so that it sends and gets only what changed.

    session_id 0, epoch 0      a full fetch that would like a session; the answer names it, or 0 for none
    session_id 0, epoch -1     a full fetch without a session; so is every fetch before version 7
    session_id n, epoch 1, 2 … an incremental fetch: partitions changed, added and forgotten
    session_id n, epoch 0, -1  the session ends; a full fetch, which may begin another

Kafka: FetchSession.scala, without its shards.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from odradek.errors import KafkaError
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.protocol.error_codes import ErrorCode

if TYPE_CHECKING:
    # The messages are loaded with the first fetch, not with the broker.
    from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest
    from odradek.protocol.generated.fetch_response import PartitionData

NO_SESSION_ID = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
MAX_EPOCH = 2**31 - 1

_LOWEST_ID, _HIGHEST_ID = -(2**28) + 2, 2**31 - 9
"""What falls into one of eight shards, as Kafka divides ids up."""

NO_LEADER_EPOCH = -1
"""Here any negative epoch is none; elsewhere one below -1 is an epoch of the past."""

EVICTION_MS = 120_000
"""A session unused for so long gives way to any other; Kafka's MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS."""

FIRST_VERSION_WITH_TOPIC_IDS = 13

PartitionKey: TypeAlias = tuple[str | UUID, int]
TopicName: TypeAlias = Callable[[UUID], str | None]


class FetchedPartition:
    """One partition of a fetch: what the reader asked for, and what it was told last. One is made for each
    partition of each full fetch, hence no dataclass.
    """

    __slots__ = (
        "current_leader_epoch",
        "fetch_offset",
        "follower_log_start_offset",
        "high_watermark",
        "key",
        "last_fetched_epoch",
        "log_start_offset",
        "max_bytes",
        "partition",
        "topic",
        "topic_id",
    )

    def __init__(self, topic: str | None, topic_id: UUID, asked: FetchPartition) -> None:
        self.topic = topic
        """None while the topic id is not known."""
        self.topic_id = topic_id
        self.partition = asked.partition
        self.key: PartitionKey = (topic_id if topic_id != NO_TOPIC_ID else topic or "", asked.partition)
        self.high_watermark = -1
        self.log_start_offset = -1
        self.ask(asked)

    def ask(self, asked: FetchPartition) -> None:
        """The reader's newest word."""
        self.max_bytes = asked.partition_max_bytes
        self.fetch_offset = asked.fetch_offset
        self.current_leader_epoch = max(asked.current_leader_epoch, NO_LEADER_EPOCH)
        self.last_fetched_epoch = asked.last_fetched_epoch
        self.follower_log_start_offset = asked.log_start_offset

    def tell(self, answer: PartitionData) -> bool:
        """Remembers what the reader is told; False if it knows all that already."""
        is_news = (
            bool(answer.records)
            or answer.high_watermark != self.high_watermark
            or answer.log_start_offset != self.log_start_offset
            or answer.error_code != 0
            or answer.preferred_read_replica != -1
            or answer.diverging_epoch.epoch >= 0
        )
        # After an error the partition is told anew, whatever it says then.
        self.high_watermark = -1 if answer.error_code else answer.high_watermark
        self.log_start_offset = answer.log_start_offset
        return is_news


Answers: TypeAlias = "list[tuple[FetchedPartition, PartitionData]]"


@dataclass(slots=True, eq=False, repr=False)
class FetchSession:
    """A reader's partitions in the order in which they are read; one that had data goes to the end."""

    id: int
    is_privileged: bool
    uses_topic_ids: bool
    created_ms: int
    used_ms: int
    epoch: int = 1
    partitions: dict[PartitionKey, FetchedPartition] = field(default_factory=dict)


class FetchContext:
    """One fetch: the partitions to read, and afterwards which of the answers to send.

    This one, of a full fetch, sends everything; `session_id` is 0 unless a session was begun.
    """

    def __init__(
        self, partitions: Iterable[FetchedPartition] = (), error: ErrorCode = ErrorCode.NONE
    ) -> None:
        self.partitions = partitions
        self.error = error
        """Of the session; nothing is read then."""
        self.session_id = NO_SESSION_ID

    def select(self, answers: Answers, now_ms: int) -> Answers:
        """The answers to send; afterwards `session_id` and `error` are final."""
        return answers


class _FullFetch(FetchContext):
    """A full fetch that would like a session."""

    def __init__(
        self, sessions: FetchSessions, session: FetchSession, partitions: Iterable[FetchedPartition]
    ) -> None:
        super().__init__(partitions)
        self._sessions = sessions
        self._session = session

    def select(self, answers: Answers, now_ms: int) -> Answers:
        for partition, answer in answers:
            partition.tell(answer)
            self._session.partitions[partition.key] = partition
        self._session.created_ms = self._session.used_ms = now_ms
        if self._sessions.begin(self._session, now_ms):
            self.session_id = self._session.id
        return answers


class _IncrementalFetch(FetchContext):
    """A fetch within a session."""

    def __init__(self, session: FetchSession) -> None:
        super().__init__(session.partitions.values())
        self._session = session
        self._epoch = session.epoch
        self.session_id = session.id

    def select(self, answers: Answers, now_ms: int) -> Answers:
        if self._session.epoch != self._epoch:
            self.error = ErrorCode.INVALID_FETCH_SESSION_EPOCH
            return []
        selected = [(partition, answer) for partition, answer in answers if partition.tell(answer)]
        partitions = self._session.partitions
        for partition, answer in selected:
            if answer.records and partition.key in partitions:
                partitions[partition.key] = partitions.pop(partition.key)
        return selected


class FetchSessions:
    """The sessions of one broker, at most `max_sessions`; owned by the trio thread."""

    def __init__(self, max_sessions: int, *, random_id: Callable[[], int] | None = None) -> None:
        self._max_sessions = max_sessions
        self._sessions: dict[int, FetchSession] = {}
        self._random_id = random_id or (lambda: random.randrange(1, _HIGHEST_ID + 1))

    def __len__(self) -> int:
        return len(self._sessions)

    def context(
        self, request: FetchRequest, *, version: int, is_follower: bool, now_ms: int, topic_name: TopicName
    ) -> FetchContext:
        """What this request is about; `topic_name` resolves the topic ids of version 13 and later.

        Raises KafkaError for a session id that Kafka never gives, and fails to look up.
        """
        if not _LOWEST_ID <= request.session_id <= _HIGHEST_ID:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"No such session: {request.session_id}")
        if request.session_epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            self._sessions.pop(request.session_id, None)
            asked = _asked_partitions(request, version, topic_name)
            if request.session_epoch == FINAL_EPOCH:
                return FetchContext(asked.values())
            session = FetchSession(
                NO_SESSION_ID, is_follower, version >= FIRST_VERSION_WITH_TOPIC_IDS, now_ms, now_ms
            )
            return _FullFetch(self, session, asked.values())
        session_or_none = self._sessions.get(request.session_id)
        if session_or_none is None:
            return FetchContext(error=ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        return self._incremental(session_or_none, request, version, now_ms, topic_name)

    def _incremental(
        self, session: FetchSession, request: FetchRequest, version: int, now_ms: int, topic_name: TopicName
    ) -> FetchContext:
        if session.epoch != request.session_epoch:
            return FetchContext(error=ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.uses_topic_ids != (version >= FIRST_VERSION_WITH_TOPIC_IDS):
            return FetchContext(error=ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        partitions = session.partitions
        for topic in request.topics:
            for asked in topic.partitions:
                known = partitions.get(
                    (topic.topic_id if session.uses_topic_ids else topic.topic, asked.partition)
                )
                if known is not None:
                    known.ask(asked)
                    continue
                name = topic_name(topic.topic_id) if session.uses_topic_ids else topic.topic
                added = FetchedPartition(name, topic.topic_id, asked)
                partitions[added.key] = added
        for forgotten in request.forgotten_topics_data:
            for index in forgotten.partitions:
                partitions.pop(
                    (forgotten.topic_id if session.uses_topic_ids else forgotten.topic, index), None
                )
        if not partitions:
            del self._sessions[session.id]
            return FetchContext(_asked_partitions(request, version, topic_name).values())
        if session.uses_topic_ids:
            for partition in partitions.values():
                if partition.topic is None:
                    partition.topic = topic_name(partition.topic_id)
        session.used_ms = now_ms
        session.epoch = 1 if session.epoch == MAX_EPOCH else session.epoch + 1
        return _IncrementalFetch(session)

    def begin(self, session: FetchSession, now_ms: int) -> bool:
        """Keeps a session under a new id, if there is room or one that may be evicted."""
        if len(self._sessions) >= self._max_sessions and not self._evict_for(session, now_ms):
            return False
        session.id = self._random_id()
        while session.id in self._sessions:
            session.id = self._random_id()
        self._sessions[session.id] = session
        return True

    def _evict_for(self, session: FetchSession, now_ms: int) -> bool:
        """Evicts the least recently used session if it is stale, else the least valuable one that is less
        valuable than `session`: followers' count more, then those with more partitions.
        """
        if not self._sessions:
            return False
        oldest = min(self._sessions.values(), key=lambda other: (other.used_ms, other.id))
        if now_ms - oldest.used_ms > EVICTION_MS:
            del self._sessions[oldest.id]
            return True
        evictable = [
            other
            for other in self._sessions.values()
            if now_ms - other.created_ms > EVICTION_MS or (session.is_privileged and not other.is_privileged)
        ]
        if not evictable:
            return False
        least = min(evictable, key=_value)
        if _value(session) < _value(least):
            return False
        del self._sessions[least.id]
        return True


def _value(session: FetchSession) -> tuple[bool, int, int]:
    """EvictableKey: what a session is worth when another wants its place."""
    return session.is_privileged, len(session.partitions), session.id


def _asked_partitions(
    request: FetchRequest, version: int, topic_name: TopicName
) -> dict[PartitionKey, FetchedPartition]:
    """The request's partitions in its order; of a partition named twice the later word counts."""
    uses_topic_ids = version >= FIRST_VERSION_WITH_TOPIC_IDS
    partitions: dict[PartitionKey, FetchedPartition] = {}
    for topic in request.topics:
        name = topic_name(topic.topic_id) if uses_topic_ids else topic.topic
        for asked in topic.partitions:
            partition = FetchedPartition(name, topic.topic_id, asked)
            partitions[partition.key] = partition
    return partitions
