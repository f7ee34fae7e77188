"""RemoteLeader: the requests of a follower to the leader of its partitions.

Versions are those of inter.broker.protocol.version. Kafka: RemoteLeaderEndPoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

from odradek.errors import KafkaError, MalformedMessage
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_request import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
    ReplicaState,
)
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.message import Message
from odradek.replication.fetch_settings import FetchSettings
from odradek.replication.leader_session import AskedPartition, Fetched, LeaderSession, SessionFetch

LAST_FETCH_WITHOUT_TOPIC_IDS = 12


class LeaderClient(Protocol):
    """The connection to the leader; `odradek.peers.broker_client.BrokerClient`."""

    async def call(self, request: Message, version: int) -> Any:
        """The response. Raises PeerUnreachable, MalformedMessage."""

    async def aclose(self) -> None:
        """Give the connection up."""


class RemoteLeader:
    """One leader, as one fetcher asks it. Owned by the fetcher's task."""

    def __init__(
        self, client: LeaderClient, node_id: int, broker_epoch: Callable[[], int], settings: FetchSettings
    ) -> None:
        self._client = client
        self._node_id = node_id
        self._broker_epoch = broker_epoch
        self._settings = settings
        self._session = LeaderSession()

    def prepare(self, wanted: Mapping[TopicPartition, AskedPartition]) -> SessionFetch:
        """The next fetch, of exactly these partitions; it must be sent, unless it is empty."""
        if self._settings.versions.fetch <= LAST_FETCH_WITHOUT_TOPIC_IDS:
            wanted = {name: asked._replace(topic_id=NO_TOPIC_ID) for name, asked in wanted.items()}
        return self._session.build(wanted)

    async def fetch(self, fetch: SessionFetch) -> Fetched:
        """The leader's answer by partition; nothing if it ended the session.

        Raises PeerUnreachable, MalformedMessage, and KafkaError for a session whose use of topic ids the
        leader does not accept.
        """
        uses_topic_ids = fetch.uses_topic_ids
        version = self._settings.versions.fetch if uses_topic_ids else LAST_FETCH_WITHOUT_TOPIC_IDS
        try:
            response = await self._client.call(self._request(fetch, version), version)
        except BaseException:
            self._session.failed()
            raise
        fetched = self._session.accept(response, uses_topic_ids=uses_topic_ids)
        if response.error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR:
            raise KafkaError(response.error_code)
        return fetched if fetched is not None else {}

    def _request(self, fetch: SessionFetch, version: int) -> FetchRequest:
        settings = self._settings
        request = FetchRequest(
            max_wait_ms=settings.wait_max_ms,
            min_bytes=settings.min_bytes,
            max_bytes=settings.response_max_bytes,
            session_id=fetch.session_id,
            session_epoch=fetch.epoch,
        )
        if version >= 15:
            request.replica_state = ReplicaState(self._node_id, self._broker_epoch())
        else:
            request.replica_id = self._node_id
        for (topic, topic_id), group in groupby(
            fetch.to_send.items(), key=lambda item: (item[0].topic, item[1].topic_id)
        ):
            partitions = [
                FetchPartition(
                    name.partition,
                    asked.current_leader_epoch,
                    asked.fetch_offset,
                    asked.last_fetched_epoch,
                    asked.log_start_offset,
                    asked.max_bytes,
                )
                for name, asked in group
            ]
            request.topics.append(FetchTopic(topic, topic_id, partitions))
        for (topic, topic_id), forgotten in _by_topic(fetch.forgotten):
            request.forgotten_topics_data.append(ForgottenTopic(topic, topic_id, forgotten))
        return request

    async def offset(self, name: TopicPartition, timestamp: int, leader_epoch: int) -> int:
        """The leader's offset for one of the special timestamps of ListOffsets.

        Raises PeerUnreachable, MalformedMessage, and KafkaError with the leader's code.
        """
        asked = ListOffsetsPartition(
            partition_index=name.partition, current_leader_epoch=leader_epoch, timestamp=timestamp
        )
        response = await self._client.call(
            ListOffsetsRequest(replica_id=self._node_id, topics=[ListOffsetsTopic(name.topic, [asked])]),
            self._settings.versions.list_offsets,
        )
        for topic in response.topics:
            for answer in topic.partitions:
                if (topic.name, answer.partition_index) == (name.topic, name.partition):
                    if answer.error_code:
                        raise KafkaError(answer.error_code)
                    return int(answer.offset)
        raise MalformedMessage(f"ListOffsets was not answered for {name}")

    async def aclose(self) -> None:
        await self._client.aclose()


def _by_topic(
    forgotten: tuple[tuple[TopicPartition, UUID], ...],
) -> Iterator[tuple[tuple[str, UUID], list[int]]]:
    topics: dict[tuple[str, UUID], list[int]] = {}
    for name, topic_id in forgotten:
        topics.setdefault((name.topic, topic_id), []).append(name.partition)
    yield from topics.items()
