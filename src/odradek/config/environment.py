"""Configs in environment variables, named as Kafka's own image names them.

`KAFKA_LOG_RETENTION_MS` is `log.retention.ms`; two underscores stand for one, three for a hyphen.
Source: kafka.docker.KafkaDockerWrapper.getServerConfigsFromEnv.
"""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "KAFKA_"

NOT_CONFIGS = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "VERSION",
        "HEAP_OPTS",
        "LOG4J_OPTS",
        "OPTS",
        "JMX_OPTS",
        "JVM_PERFORMANCE_OPTS",
        "GC_LOG_OPTS",
        "LOG4J_ROOT_LOGLEVEL",
        "LOG4J_LOGGERS",
        "TOOLS_LOG4J_LOGLEVEL",
        "JMX_HOSTNAME",
    )
)
"""Variables of the image that its scripts read themselves."""


def configs_from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The configs that the variables hold. Variables of other programs are left alone."""
    return {
        config_name(variable): value
        for variable, value in environment.items()
        if variable.startswith(PREFIX) and variable not in NOT_CONFIGS
    }


def config_name(variable: str) -> str:
    """The config that a variable sets.

    The order of the replacements is Kafka's, and so is what follows from it: every `KAFKA_` inside the
    name goes too, and three dots are looked for before two.
    """
    dotted = variable.replace(PREFIX, "").lower().replace("_", ".")
    return dotted.replace("...", "-").replace("..", "_")
