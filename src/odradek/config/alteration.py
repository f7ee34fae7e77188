"""Alteration: applying the operations of IncrementalAlterConfigs to what is set (KIP-339).

Source: ConfigAdminManager.prepareIncrementalConfigs up to 3.9 and for brokers,
ConfigurationControlManager.incrementalAlterConfigResource for the rest from 4.0 on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from odradek.config.definition import Definition, Type, write_value
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode


class Operation(IntEnum):
    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class Change(NamedTuple):
    """One operation on one config. `operation` may be a number that no operation has."""

    name: str
    operation: int
    value: str | None


Refusal = Callable[[Operation, str], KafkaError]
"""What to raise for a list operation on a config that is not a list."""


def alter(
    current: Mapping[str, str],
    changes: Iterable[Change],
    definitions: Mapping[str, Definition],
    refuse: Refusal,
) -> dict[str, str]:
    """What is set after `changes`. Appending takes a config's default up where nothing is set.

    Raises what `refuse` gives for a list operation on anything but a known list, and
    KafkaError(UNKNOWN_SERVER_ERROR) for an operation that does not exist, as Kafka does.
    """
    altered = dict(current)
    for change in changes:
        if not Operation.SET <= change.operation <= Operation.SUBTRACT:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
        operation = Operation(change.operation)
        if operation is Operation.DELETE:
            altered.pop(change.name, None)
            continue
        value = change.value or ""
        if operation is not Operation.SET:
            definition = definitions.get(change.name)
            if definition is None or definition.type is not Type.LIST:
                raise refuse(operation, change.name)
            old = altered.get(change.name)
            if old is None:
                old = write_value(definition.default_value()) or ""
            value = _combine(operation, old, value)
        altered[change.name] = value
    return altered


def _combine(operation: Operation, old: str, operand: str) -> str:
    elements = [element for element in old.split(",") if element]
    for element in operand.split(","):
        if operation is Operation.APPEND and element not in elements:
            elements.append(element)
        elif operation is Operation.SUBTRACT and element in elements:
            elements.remove(element)
    return ",".join(elements)
