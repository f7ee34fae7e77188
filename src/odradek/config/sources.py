"""Where an operator's properties come from, put together: a file, the environment, the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odradek.config.environment import configs_from_environment
from odradek.config.properties import parse_properties
from odradek.errors import InvalidConfig


def collect_properties(
    file: str | None, environment: Mapping[str, str], overrides: Iterable[str]
) -> dict[str, str]:
    """Merge a file's text, `KAFKA_*` variables and `NAME=VALUE` overrides; the later win.

    Variables win over a file because Kafka's image appends them to it. Raises MalformedProperties, and
    InvalidConfig for an override without an equals sign.
    """
    properties = {} if file is None else parse_properties(file)
    properties |= configs_from_environment(environment)
    for override in overrides:
        name, equals, value = override.partition("=")
        if not equals or not name.strip():
            raise InvalidConfig("--override", override, "Expected NAME=VALUE")
        properties[name.strip()] = value.strip()
    return properties
