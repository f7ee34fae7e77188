"""What brokers' answers mean to the controller."""

from __future__ import annotations

from odradek.controller.answers import event_of
from odradek.controller.decision import Outgoing
from odradek.controller.events import ReplicasAnswered, ReplicasStopped
from odradek.controller.mailbag import Mailbag
from odradek.controller.state import Replica
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_response import (
    LeaderAndIsrPartitionError,
    LeaderAndIsrResponse,
    LeaderAndIsrTopicError,
)
from odradek.protocol.generated.stop_replica_response import StopReplicaPartitionError, StopReplicaResponse
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse
from tests.controller.states import TOPIC_ID, cluster_of, tp

STATE = cluster_of([1], {0: ([1], (1, [1])), 1: ([1], (1, [1]))})


def lead(state=STATE) -> Outgoing:
    mail = Mailbag()
    for number in (0, 1):
        mail.lead([1], tp(number), is_new=False)
    (outgoing,) = mail.requests(state, inter_broker_listener="PLAINTEXT")
    return outgoing


def led(*codes: int, error_code: int = 0) -> LeaderAndIsrResponse:
    errors = [LeaderAndIsrPartitionError(partition_index=n, error_code=code) for n, code in enumerate(codes)]
    return LeaderAndIsrResponse(
        error_code=error_code, topics=[LeaderAndIsrTopicError(topic_id=TOPIC_ID, partition_errors=errors)]
    )


def test_a_failed_disk_is_an_event_and_success_is_not():
    assert event_of(lead(), led(0, 0), STATE) is None
    assert event_of(lead(), led(0, ErrorCode.KAFKA_STORAGE_ERROR), STATE) == ReplicasAnswered(
        frozenset(), frozenset({Replica(tp(1), 1)})
    )


def test_success_is_one_where_a_disk_had_failed():
    failed = frozenset({Replica(tp(1), 1)})
    state = cluster_of([1], {0: ([1], (1, [1])), 1: ([1], (1, [1]))}, failed_replicas=failed)
    assert event_of(lead(), led(0, 0), state) == ReplicasAnswered(failed, frozenset())


def test_a_request_that_was_refused_as_a_whole_says_nothing_of_replicas():
    stale = led(ErrorCode.KAFKA_STORAGE_ERROR, error_code=ErrorCode.STALE_CONTROLLER_EPOCH)
    assert event_of(lead(), stale, STATE) is None


def stop(*, delete: bool, state=STATE) -> Outgoing:
    mail = Mailbag()
    mail.stop(1, tp(0), delete=delete)
    (outgoing,) = mail.requests(state, inter_broker_listener="PLAINTEXT")
    return outgoing


def test_only_replicas_of_topics_that_are_deleted_are_counted():
    deleting = cluster_of([1], {0: ([1], (1, [1]))}, deleting=frozenset({"t"}))
    response = StopReplicaResponse(partition_errors=[StopReplicaPartitionError("t", 0, 0)])
    assert event_of(stop(delete=True), response, deleting) == ReplicasStopped(1, {tp(0): 0})
    assert event_of(stop(delete=False), response, deleting) is None
    assert event_of(stop(delete=True), response, STATE) is None


def test_a_broker_that_refuses_to_stop_has_deleted_nothing():
    deleting = cluster_of([1], {0: ([1], (1, [1]))}, deleting=frozenset({"t"}))
    code = ErrorCode.STALE_CONTROLLER_EPOCH
    response = StopReplicaResponse(error_code=code, partition_errors=[StopReplicaPartitionError("t", 0, 0)])
    assert event_of(stop(delete=True), response, deleting) == ReplicasStopped(1, {tp(0): code})


def test_metadata_answers_decide_nothing():
    mail = Mailbag()
    mail.tell([1], [tp(0)])
    (outgoing,) = mail.requests(STATE, inter_broker_listener="PLAINTEXT")
    assert event_of(outgoing, UpdateMetadataResponse(error_code=ErrorCode.STALE_BROKER_EPOCH), STATE) is None
