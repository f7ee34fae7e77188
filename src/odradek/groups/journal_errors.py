"""What a client is told when a record could not be written to `__consumer_offsets`.

Kafka translates the codes of the append twice, once for each kind of record (GroupMetadataManager's
`storeGroup` and `maybeConvertOffsetCommitError`): clients of these APIs know coordinators, not replicas.
"""

from __future__ import annotations

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

_UNREPLICATED = {
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.NOT_ENOUGH_REPLICAS,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
}
_MOVED = {ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.KAFKA_STORAGE_ERROR}
_TOO_LARGE = {
    ErrorCode.MESSAGE_TOO_LARGE,
    ErrorCode.RECORD_LIST_TOO_LARGE,
    ErrorCode.INVALID_FETCH_SIZE,
}


def group_metadata_error(error: KafkaError) -> ErrorCode:
    """For joins and syncs."""
    code = ErrorCode(error.code)
    if code is ErrorCode.REQUEST_TIMED_OUT:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return ErrorCode.UNKNOWN_SERVER_ERROR if code in _TOO_LARGE else _coordinator_error(code)


def offset_commit_error(error: KafkaError) -> ErrorCode:
    """For offset commits and deletions."""
    code = ErrorCode(error.code)
    return ErrorCode.INVALID_COMMIT_OFFSET_SIZE if code in _TOO_LARGE else _coordinator_error(code)


def _coordinator_error(code: ErrorCode) -> ErrorCode:
    if code in _UNREPLICATED:
        return ErrorCode.COORDINATOR_NOT_AVAILABLE
    if code in _MOVED:
        return ErrorCode.NOT_COORDINATOR
    return code
