"""BROKER_LOGGER resources of IncrementalAlterConfigs: levels of this process's loggers (KIP-412).

Nothing is stored: a restart brings the levels back. Source: RuntimeLoggerManager.
"""

from __future__ import annotations

from collections.abc import Sequence

from odradek.api.config_resources import broker_number
from odradek.config.alteration import Change, Operation
from odradek.config.release import Release
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.telemetry import ROOT, Level, loggers

_LEVELS = ("DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN")


def alter_levels(
    name: str, changes: Sequence[Change], *, node_id: int, release: Release, validate_only: bool
) -> None:
    """Check every change, then make them. Raises KafkaError."""
    if broker_number(name, what="Node id") != node_id:
        # Up to 3.9 Kafka repeats its own id where it means the one it was asked for.
        received = str(node_id) if release.zookeeper else name
        text = f"Unexpected node id. Expected {node_id}, but received {received}"
        raise KafkaError(ErrorCode.INVALID_REQUEST, text)
    for change in changes:
        _check(change)
    if validate_only:
        return
    for change in changes:
        deleted = change.operation == Operation.DELETE
        loggers.set_level(change.name, None if deleted else Level[str(change.value)])


def _check(change: Change) -> None:
    if change.operation not in tuple(Operation):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    operation = Operation(change.operation)
    if operation in (Operation.APPEND, Operation.SUBTRACT):
        text = f"{operation.name} operation is not allowed for the BROKER_LOGGER resource"
        raise KafkaError(ErrorCode.INVALID_REQUEST, text)
    if not loggers.exists(change.name):
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Logger {change.name} does not exist!")
    if operation is Operation.SET and change.value not in _LEVELS:
        text = (
            f"Cannot set the log level of {change.name} to {change.value} "
            "as it is not a supported log level. "
            f"Valid log levels are {', '.join(_LEVELS)}"
        )
        raise KafkaError(ErrorCode.INVALID_CONFIG, text)
    if operation is Operation.DELETE and change.name == ROOT:
        text = "Removing the log level of the root logger is not allowed"
        raise KafkaError(ErrorCode.INVALID_REQUEST, text)
