"""Configs of client metrics subscriptions (KIP-714): what Kafka refuses to store.

Source: org.apache.kafka.server.metrics.ClientMetricsConfigs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from odradek.config.definitions import client_metrics_definitions
from odradek.config.release import Release
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

_INTERVAL_MS = range(100, 3_600_000 + 1)

_MATCHES = frozenset(
    {
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    }
)


def validate_client_metrics(release: Release, subscription: str, properties: Mapping[str, str]) -> None:
    """Raises KafkaError, and InvalidConfig for a value of the wrong type."""
    if not subscription:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty")
    definitions = client_metrics_definitions(release)
    for name in properties:
        if name not in definitions:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown client metrics configuration: {name}")
    values = {name: definitions[name].parse(text) for name, text in properties.items()}
    interval_ms = values.get("interval.ms")
    if interval_ms is not None and interval_ms not in _INTERVAL_MS:
        text = (
            f"Invalid value {interval_ms} for interval.ms, interval must be between 100 and 3600000 (1 hour)"
        )
        raise KafkaError(ErrorCode.INVALID_REQUEST, text)
    patterns = values.get("match")
    for pattern in patterns if isinstance(patterns, tuple) else ():
        _check_match(pattern)


def _check_match(pattern: str) -> None:
    """`client attribute=regular expression`."""
    parts = pattern.split("=")
    allowed = len(parts) == 2 and parts[0].strip() in _MATCHES
    try:
        re.compile(parts[-1].strip())
    except re.error:
        allowed = False
    if not allowed:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Illegal client matching pattern: {pattern}")
