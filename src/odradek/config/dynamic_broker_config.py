"""Dynamic broker configs: which ones a running broker takes, and what it refuses.

Per-broker configs (`/config/brokers/<id>`) win over the cluster's default (`/config/brokers/<default>`).
Source: kafka.server.DynamicBrokerConfig and the validateReconfiguration of what it reconfigures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from odradek.config.broker_config import BrokerConfig
from odradek.config.definition import ConflictingConfig, Type, Update
from odradek.config.synonyms import LISTENER_CONFIG, LISTENER_LIMITS
from odradek.config.topic_config import retention_ms
from odradek.errors import InvalidConfig

CLUSTER_LEVEL_LISTENER_CONFIGS = frozenset({*LISTENER_LIMITS, "num.network.threads"})

SECURITY_CONFIGS = frozenset(
    {
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.truststore.certificates",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
    }
)
"""Configs that can change for one listener only. Source: SslConfigs.RECONFIGURABLE_CONFIGS."""

_JMX_REPORTER = "org.apache.kafka.common.metrics.JmxReporter"

_THREAD_POOLS = (
    "num.io.threads",
    "num.replica.fetchers",
    "num.recovery.threads.per.data.dir",
    "background.threads",
)


def is_password(config: BrokerConfig, name: str) -> bool:
    """Whether a dynamic config's value is a secret, for a listener or not."""
    return any(
        definition.type is Type.PASSWORD and definition.update is not Update.READ_ONLY
        for definition in (config.definition(base) for base in (name, _base_name(name)))
        if definition is not None
    )


def validate_dynamic(config: BrokerConfig, properties: Mapping[str, str], *, per_broker: bool) -> None:
    """Refuse a whole new set of dynamic configs, of this broker or of the cluster's default.

    `config` is what the broker lives with now. Raises InvalidConfig with the text that clients see.
    """
    _refuse(config, _not_dynamic(config, properties), "Cannot update these configs dynamically")
    _refuse(
        config,
        SECURITY_CONFIGS & properties.keys(),
        "These security configs can be dynamically updated only per-listener using the listener prefix",
        set_name="HashSet",
    )
    for name, text in properties.items():
        _validate_type(config, name, text)
    if not per_broker:
        _refuse(
            config,
            _per_broker(config, properties),
            "Cannot update these configs at default cluster level, broker id must be specified",
        )
    changed = config.with_dynamic(
        dynamic_default=config.dynamic_default if per_broker else properties,
        dynamic_broker=properties if per_broker else config.dynamic_broker,
    )
    _validate_reconfiguration(config, changed)


def usable(
    config: BrokerConfig, stored: Mapping[str, str], *, per_broker: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Split stored configs into those a broker takes and the names of those it ignores (and logs)."""
    ignored = {name for name, text in stored.items() if not _is_valid(config, name, text)}
    ignored |= set(_not_dynamic(config, stored)) | (SECURITY_CONFIGS & stored.keys())
    if not per_broker:
        ignored |= set(_per_broker(config, stored))
    return {name: text for name, text in stored.items() if name not in ignored}, tuple(sorted(ignored))


def _base_name(name: str) -> str:
    match = LISTENER_CONFIG.fullmatch(name)
    return match[1] if match else name


def _not_dynamic(config: BrokerConfig, names: Iterable[str]) -> list[str]:
    definitions = config.definitions
    return [name for name in names if name in definitions and definitions[name].update is Update.READ_ONLY]


def _per_broker(config: BrokerConfig, names: Iterable[str]) -> list[str]:
    return [
        name
        for name in names
        if ((base := _base_name(name)) != name and base not in CLUSTER_LEVEL_LISTENER_CONFIGS)
        or (name in config.definitions and config.definitions[name].update is Update.PER_BROKER)
    ]


def _validate_type(config: BrokerConfig, name: str, text: str) -> None:
    definition = config.definition(_base_name(name))
    if definition is not None:
        definition.parse(text)


def _is_valid(config: BrokerConfig, name: str, text: str) -> bool:
    try:
        _validate_type(config, name, text)
    except InvalidConfig:
        return False
    return True


def _refuse(config: BrokerConfig, names: Iterable[str], reason: str, *, set_name: str = "Set") -> None:
    """Refuse names, listed as Scala shows a set up to 3.9 and as Java does from 4.0 on."""
    listed = list(names)
    if not listed:
        return
    shown = ", ".join(listed)
    if config.release.zookeeper:
        text = f"{'HashSet' if len(listed) > 4 else set_name}({shown})"
    else:
        text = f"[{shown}]"
    raise ConflictingConfig(listed[0], shown, f"{reason}: {text}")


def _validate_reconfiguration(old: BrokerConfig, new: BrokerConfig) -> None:
    """Ask each part of a broker whether it can go from `old` to `new` without a restart."""
    checks: tuple[Callable[[BrokerConfig, BrokerConfig], None], ...] = (
        _check_thread_pools,
        _check_cleaner_threads,
        _check_local_retention,
        _check_metric_reporters,
        _check_listener_limits,
    )
    for check in checks:
        try:
            check(old, new)
        except InvalidConfig as refused:
            # Kafka hands the exception to a constructor that takes it for a value, and shows its toString().
            shown = f"org.apache.kafka.common.config.ConfigException: {refused}"
            text = f"Invalid value {shown} for configuration Invalid dynamic configuration"
            raise ConflictingConfig(refused.name, refused.value, text) from refused


def _check_thread_pools(old: BrokerConfig, new: BrokerConfig) -> None:
    for name in _THREAD_POOLS:
        was, wanted = old.int(name), new.int(name)
        failed = f"Dynamic thread count update validation failed for {name}={wanted}"
        if wanted <= 0:
            raise ConflictingConfig(name, wanted, f"{failed}, value should be at least 1")
        if wanted < was // 2:
            text = f"{failed}, value should be at least half the current value {was}"
            raise ConflictingConfig(name, wanted, text)
        if wanted > was * 2:
            text = f"{failed}, value should not be greater than double the current value {was}"
            raise ConflictingConfig(name, wanted, text)


def _check_cleaner_threads(old: BrokerConfig, new: BrokerConfig) -> None:
    name = "log.cleaner.threads"
    was, wanted = old.int(name), new.int(name)
    if wanted < was // 2:
        text = f"Log cleaner threads cannot be reduced to less than half the current value {was}"
        raise ConflictingConfig(name, wanted, text)
    if wanted > was * 2:
        text = f"Log cleaner threads cannot be increased to more than double the current value {was}"
        raise ConflictingConfig(name, wanted, text)


def _check_metric_reporters(old: BrokerConfig, new: BrokerConfig) -> None:
    """Reporters are Java classes: only the one that every Kafka has can be named without being missed."""
    name = "metric.reporters"
    added = set(new.list(name)) - set(old.list(name)) - {_JMX_REPORTER}
    if added:
        text = (
            f"Validation of dynamic config update of Set({name}) failed with class "
            "class kafka.server.DynamicMetricsReporters"
        )
        raise ConflictingConfig(name, ",".join(sorted(added)), text)


def _check_listener_limits(old: BrokerConfig, new: BrokerConfig) -> None:
    """A listener may begin with 0, which lets nobody in, and cannot be brought to it."""
    for listener in new.listeners:
        for name in LISTENER_LIMITS:
            wanted = new.listener_int(listener.name, name)
            if wanted is not None and wanted <= 0 and wanted != old.listener_int(listener.name, name):
                raise ConflictingConfig(name, wanted, f"Invalid {name} {wanted}")


def _check_local_retention(old: BrokerConfig, new: BrokerConfig) -> None:
    if "log.local.retention.ms" not in new.definitions:
        return
    limits = (
        ("log.local.retention.ms", "log.retention.ms", retention_ms(new)),
        ("log.local.retention.bytes", "log.retention.bytes", new.int("log.retention.bytes")),
    )
    for name, whole_name, whole in limits:
        local = new.int(name)
        if whole < 0 or local == -2:
            continue
        if local == -1:
            raise InvalidConfig(name, local, f"Value must not be -1 as {whole_name} value is set as {whole}.")
        if local > whole:
            text = f"Value must not be more than {whole_name} property value: {whole}"
            raise InvalidConfig(name, local, text)
