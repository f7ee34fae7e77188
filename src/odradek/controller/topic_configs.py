"""A new topic's own configs: refused with INVALID_CONFIG and Kafka's words when they cannot be used."""

from __future__ import annotations

from collections.abc import Mapping

from odradek.config.broker_config import BrokerConfig
from odradek.config.topic_config import validate_topic_configs
from odradek.errors import InvalidConfig, KafkaError
from odradek.protocol.error_codes import ErrorCode


def check_topic_configs(config: BrokerConfig, configs: Mapping[str, str | None]) -> None:
    """Raise INVALID_CONFIG unless a topic may have these configs, none of which may be None."""
    try:
        validate_topic_configs(config, {name: value for name, value in configs.items() if value is not None})
    except InvalidConfig as error:
        raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from error
