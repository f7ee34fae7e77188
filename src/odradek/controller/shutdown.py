"""How a broker stops without anybody noticing: others lead first what it led, and it follows no more. Pure.

Source: KafkaController.doControlledShutdown.
"""

from __future__ import annotations

from dataclasses import replace

from odradek.controller import elections
from odradek.controller.commands import ShutDown
from odradek.controller.decision import Changes
from odradek.controller.mailbag import Mailbag
from odradek.controller.state import ClusterState
from odradek.errors import KafkaError
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode

UNKNOWN_BROKER_EPOCH = -1


def shut_down(
    state: ClusterState, command: ShutDown, mail: Mailbag
) -> tuple[Changes, tuple[TopicPartition, ...]]:
    """Elect others for what a broker leads; give what it still leads. It stays marked until it is gone.

    Raises STALE_BROKER_EPOCH for an earlier life of the broker, BROKER_NOT_AVAILABLE for an unknown one, of
    which Kafka fails to look up the epoch if one is told (UNKNOWN_SERVER_ERROR).
    """
    node_id = command.broker_id
    broker = state.brokers.get(node_id)
    if broker is None:
        has_epoch = command.broker_epoch != UNKNOWN_BROKER_EPOCH
        code = ErrorCode.UNKNOWN_SERVER_ERROR if has_epoch else ErrorCode.BROKER_NOT_AVAILABLE
        raise KafkaError(code, f"Broker id {node_id} does not exist.")
    if command.broker_epoch != UNKNOWN_BROKER_EPOCH and command.broker_epoch < broker.epoch:
        message = (
            "Received controlled shutdown request from an old broker epoch "
            f"{command.broker_epoch} for broker {node_id}. Current broker epoch is {broker.epoch}."
        )
        raise KafkaError(ErrorCode.STALE_BROKER_EPOCH, message)
    state = replace(state, shutting_down=state.shutting_down | {node_id})
    changes = Changes(state)
    remaining: list[TopicPartition] = []
    for topic_partition, _ in state.replicas_on({node_id}):
        current = changes.current(topic_partition)
        if current is None or topic_partition.topic in state.deleting:
            continue
        replicas = state.assignment(topic_partition).replicas
        if len(replicas) == 1:
            continue
        if current.leader == node_id:
            elected = elections.leader_for_shutdown(
                current,
                replicas,
                state.online_replicas(topic_partition, or_stopping=True),
                state.shutting_down,
                controller_epoch=state.controller_epoch,
            )
            if elected is None:
                remaining.append(topic_partition)
                continue
            told = state.reachable_replicas(topic_partition)
        else:
            elected = elections.without_replica(current, node_id, controller_epoch=state.controller_epoch)
            mail.stop(node_id, topic_partition, delete=False)
            told = tuple(node for node in state.reachable_replicas(topic_partition) if node != node_id)
        if elected is not None:
            changes.set(topic_partition, elected)
        mail.lead(told, topic_partition, is_new=False)
        mail.tell(state.brokers, [topic_partition])
    return changes, tuple(remaining)
