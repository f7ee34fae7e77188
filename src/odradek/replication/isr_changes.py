"""IsrChanges: asks the controller for the ISRs that this broker's leaders propose.

One request is in flight, with all that was proposed by then, and one proposal for each partition. A request
as a whole is repeated until it succeeds; what a refusal means is the partition's to say.

Kafka: DefaultAlterPartitionManager; KIP-497, KIP-704 (leader recovery), KIP-841 (topic ids), KIP-903 (epochs
of brokers).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import trio

from odradek.errors import MalformedMessage
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_partition_request import (
    AlterPartitionRequest,
    BrokerState,
    PartitionData,
    TopicData,
)
from odradek.protocol.generated.alter_partition_response import AlterPartitionResponse
from odradek.protocol.message import Message
from odradek.replication.partition import Partition
from odradek.replication.partition_state import IsrProposal
from odradek.telemetry import get_logger

RETRY_SECONDS = 0.05
"""After a request that failed, as a whole or in part."""

VERSION = 3
VERSION_WITHOUT_TOPIC_IDS = 1
UNKNOWN_BROKER_EPOCH = -1
"""What brokers of a ZooKeeper cluster say of each other; only KRaft brokers know better."""

_log = get_logger(__name__)


class ControllerChannel(Protocol):
    """The way to the controller; `odradek.peers.controller_channel.ControllerChannel`."""

    async def call(self, request: Message, version: int) -> Any:
        """The response of the broker that is the controller; endless until there is one.

        Raises MalformedMessage.
        """


class _Item(NamedTuple):
    partition: Partition
    proposal: IsrProposal
    topic_id: UUID


class IsrChanges:
    """The proposals that were not answered yet. Owned by the trio thread; `run` sends them."""

    def __init__(self, node_id: int, controller: ControllerChannel, broker_epoch: Callable[[], int]) -> None:
        self._node_id = node_id
        self._controller = controller
        self._broker_epoch = broker_epoch
        self._unsent: dict[TopicPartition, _Item] = {}
        self._refused: list[_Item] = []
        self._submitted = trio.Event()
        self._is_failing = False

    def submit(self, partition: Partition, proposal: IsrProposal) -> None:
        """Has a proposal sent; it is refused if an older one of the partition waits for its answer."""
        item = _Item(partition, proposal, partition.topic_id)
        if partition.topic_partition in self._unsent:
            self._refused.append(item)
        else:
            self._unsent[partition.topic_partition] = item
        self._submitted.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Sends what is submitted, until cancelled."""
        task_status.started()
        while True:
            await self._submitted.wait()
            self._submitted = trio.Event()
            while self._refused:
                item = self._refused.pop()
                item.partition.isr_refused(item.proposal, ErrorCode.OPERATION_NOT_ATTEMPTED)
            if self._unsent and not await self._send(list(self._unsent.values())):
                await trio.sleep(RETRY_SECONDS)
            if self._unsent:
                self._submitted.set()

    async def _send(self, items: list[_Item]) -> bool:
        """False if any of it must be sent again."""
        has_ids = all(item.topic_id != NO_TOPIC_ID for item in items)
        version = VERSION if has_ids else VERSION_WITHOUT_TOPIC_IDS
        request = self._request(items, version)
        try:
            response: AlterPartitionResponse = await self._controller.call(request, version)
        except MalformedMessage as error:
            self._fail(reason=str(error))
            return False
        if response.error_code:
            self._fail(code=response.error_code, broker_epoch=request.broker_epoch)
            return False
        self._is_failing = False
        self._take_over(items, response)
        # What is there again was refused by who may not be the controller any more, or not answered.
        return not any(item.partition.topic_partition in self._unsent for item in items)

    def _fail(self, **why: object) -> None:
        """Say it once: a broker whose session is over may be refused for as long as the ensemble is away."""
        say = _log.debug if self._is_failing else _log.warn
        say("AlterPartition failed, trying again", **why)
        self._is_failing = True

    def _request(self, items: list[_Item], version: int) -> AlterPartitionRequest:
        items = sorted(items, key=lambda item: item.partition.topic_partition)
        request = AlterPartitionRequest(broker_id=self._node_id, broker_epoch=self._broker_epoch())
        for (topic, topic_id), group in groupby(
            items, key=lambda item: (item.partition.topic_partition.topic, item.topic_id)
        ):
            request.topics.append(
                TopicData(topic, topic_id, [_partition_data(item, version) for item in group])
            )
        return request

    def _take_over(self, items: list[_Item], response: AlterPartitionResponse) -> None:
        """An item without an answer stays, and is sent again."""
        names = {item.topic_id: item.partition.topic_partition.topic for item in items}
        answers = {
            TopicPartition(topic.topic_name or names.get(topic.topic_id, ""), answer.partition_index): answer
            for topic in response.topics
            for answer in topic.partitions
        }
        for partition, proposal, _ in items:
            answer = answers.get(partition.topic_partition)
            if answer is None:
                _log.warn("no answer to an ISR change", partition=str(partition.topic_partition))
                continue
            del self._unsent[partition.topic_partition]
            if answer.error_code:
                partition.isr_refused(proposal, answer.error_code)
            else:
                partition.isr_changed(proposal, answer.isr, answer.leader_epoch, answer.partition_epoch)


def _partition_data(item: _Item, version: int) -> PartitionData:
    proposal = item.proposal
    asked = PartitionData(
        partition_index=item.partition.topic_partition.partition,
        leader_epoch=proposal.leader_epoch,
        partition_epoch=proposal.partition_epoch,
    )
    if version == VERSION:
        asked.new_isr_with_epochs = [BrokerState(replica, UNKNOWN_BROKER_EPOCH) for replica in proposal.isr]
    else:
        asked.new_isr = list(proposal.isr)
    return asked
