"""What brokers and clients ask of the controller, and what they are answered; plain values.

Each is decided like any other event, in its turn, and answered once what it brought about is written.
"""

from __future__ import annotations

from collections.abc import Mapping

from odradek.controller.state import Leadership
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.value_object import value_object


@value_object
class Refused:
    """One partition's part of a command that was not done, in Kafka's words."""

    code: ErrorCode
    message: str | None = None


@value_object
class IsrChange:
    """The ISR that a leader wants; epochs say what it knows."""

    isr: tuple[int, ...]
    leader_epoch: int
    partition_epoch: int
    is_recovering: bool = False


@value_object
class AlterPartitions:
    """A leader asks for other ISRs (AlterPartition). Refused as a whole with STALE_BROKER_EPOCH.

    `ineligible` is the code for an ISR with a broker that is dead or stopping: it depends on the version.
    """

    broker_id: int
    broker_epoch: int
    changes: Mapping[TopicPartition, IsrChange]
    ineligible: ErrorCode = ErrorCode.INELIGIBLE_REPLICA


AlteredPartitions = Mapping[TopicPartition, Leadership | ErrorCode]


@value_object
class ShutDown:
    """A broker asks to stop leading (ControlledShutdown); -1 is an unknown epoch.

    Refused as a whole with STALE_BROKER_EPOCH or BROKER_NOT_AVAILABLE. Answered with the partitions that it
    still leads because nobody else can.
    """

    broker_id: int
    broker_epoch: int


@value_object
class ElectLeaders:
    """A client asks for the preferred replicas to lead or, unclean, for anybody where nobody does."""

    partitions: tuple[TopicPartition, ...]
    unclean: bool


ElectedLeaders = Mapping[TopicPartition, int | Refused]
"""The new leader, or why there is none."""


@value_object
class Reassign:
    """A client asks for other replicas (AlterPartitionReassignments); None ends what is under way."""

    targets: Mapping[TopicPartition, tuple[int, ...] | None]


Reassigned = Mapping[TopicPartition, Refused | None]


Command = AlterPartitions | ShutDown | ElectLeaders | Reassign
