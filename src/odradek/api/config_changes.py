"""What AlterConfigs and IncrementalAlterConfigs share: checking a resource's changes, and making them.

Up to 3.9 a broker answers as in ZooKeeper mode (ConfigAdminManager, ZkAdminManager), from 4.0 on as a broker
and its KRaft controller do (ConfigAdminManager, ConfigurationControlManager). They differ in the order of
their checks and in their texts; both are Kafka's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import trio

from odradek.api.config_resources import ResourceType, broker_number, resource_text, resource_type
from odradek.api.context import RequestContext
from odradek.api.logger_levels import alter_levels
from odradek.config.alteration import Change, Operation, alter
from odradek.config.broker_config import BrokerConfig
from odradek.config.client_metrics_config import validate_client_metrics
from odradek.config.definition import Definition
from odradek.config.definitions import topic_definitions
from odradek.config.dynamic_broker_config import is_password, usable, validate_dynamic
from odradek.config.group_config import validate_group_configs
from odradek.config.topic_config import validate_topic_configs
from odradek.coordination.dynamic_configs import (
    BROKERS,
    CLIENT_METRICS,
    DEFAULT,
    FIRST_WITH_ELIGIBLE_LEADERS,
    GROUPS,
    TOPICS,
    DynamicConfigs,
)
from odradek.errors import InvalidConfig, KafkaError
from odradek.metadata import paths, topic_names
from odradek.protocol.error_codes import ErrorCode
from odradek.value_object import value_object

_MAX_VALUE_LENGTH = 2**15 - 1
_MIN_INSYNC_REPLICAS = "min.insync.replicas"


@value_object
class ResourceChange:
    """The changes of one resource. `incremental` False: what is not among them goes (AlterConfigs)."""

    kind: int
    name: str
    changes: Sequence[Change]
    incremental: bool

    def applied(
        self,
        current: Mapping[str, str],
        definitions: Mapping[str, Definition],
        refusal: str,
        unknown: str | None,
    ) -> dict[str, str]:
        """What is set afterwards. A list operation on another config is refused with a text.

        `refusal` has fields verb and name; `unknown` is for names without a definition, None to fail as
        3.9's code does. Raises KafkaError.
        """
        if not self.incremental:
            return {change.name: change.value or "" for change in self.changes}

        def refuse(operation: Operation, name: str) -> KafkaError:
            text = refusal if name in definitions else unknown
            if text is None:
                return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
            verb = {Operation.APPEND: "append", Operation.SUBTRACT: "subtract"}[operation]
            return KafkaError(ErrorCode.INVALID_CONFIG, text.format(verb=verb, VERB=verb.upper(), name=name))

        return alter(current, self.changes, definitions, refuse)


async def change_resources(
    resources: Sequence[ResourceChange], ctx: RequestContext, *, validate_only: bool
) -> list[tuple[int, str | None]]:
    """Change each resource by itself; answers an error code and text for each, in their order."""
    counts = Counter((resource.kind, resource.name) for resource in resources)
    answers: list[tuple[int, str | None]] = []
    for resource in resources:
        await trio.lowlevel.checkpoint()
        try:
            if counts[resource.kind, resource.name] > 1:
                raise _invalid("Each resource must appear at most once.")
            await _change(resource, ctx, validate_only=validate_only)
        except KafkaError as error:
            answers.append((error.code, error.message))
        else:
            answers.append((ErrorCode.NONE, None))
    return answers


async def _change(resource: ResourceChange, ctx: RequestContext, *, validate_only: bool) -> None:
    configs: DynamicConfigs = ctx.services.configs
    release = configs.config.release
    names = [change.name for change in resource.changes]
    if len(set(names)) != len(names):
        raise _invalid("Error due to duplicate config keys")
    nulls = [
        change.name
        for change in resource.changes
        if change.value is None and not (resource.incremental and change.operation == Operation.DELETE)
    ]
    if nulls:
        raise _invalid(f"Null value not supported for : {', '.join(nulls)}")
    kind = resource_type(resource.kind, release)
    if kind is None or (kind is ResourceType.BROKER_LOGGER and not resource.incremental):
        raise _invalid(f"Unknown resource type {resource.kind}")
    if kind is ResourceType.BROKER_LOGGER:
        alter_levels(
            resource.name,
            resource.changes,
            node_id=configs.config.node_id,
            release=release,
            validate_only=validate_only,
        )
        return
    async with configs.changing:
        await _read_anew(kind, resource.name, ctx)
        entity_type, entity, properties = _checked(kind, resource, ctx, validate_only=validate_only)
        if not validate_only:
            await configs.set(entity_type, entity, properties)


_ENTITY_TYPES = {
    ResourceType.TOPIC: TOPICS,
    ResourceType.CLIENT_METRICS: CLIENT_METRICS,
    ResourceType.GROUP: GROUPS,
}


def _checked(
    kind: ResourceType, resource: ResourceChange, ctx: RequestContext, *, validate_only: bool
) -> tuple[str, str, dict[str, str]]:
    """The type and name of what is changed, and what is set for it afterwards."""
    configs: DynamicConfigs = ctx.services.configs
    if kind is ResourceType.BROKER:
        properties = _checked_broker(resource, configs, validate_only=validate_only)
        return BROKERS, _broker_entity(resource.name, configs), properties
    if not configs.config.release.zookeeper:
        return _ENTITY_TYPES[kind], resource.name, _checked_by_controller(kind, resource, ctx)
    if kind is not ResourceType.TOPIC:
        text = f"AlterConfigs is only supported for topics and brokers, but resource type is {kind.name}"
        raise _invalid(text)
    return TOPICS, resource.name, _checked_topic_before_4(resource, ctx)


async def _read_anew(kind: ResourceType, name: str, ctx: RequestContext) -> None:
    """Know what is set for a broker or a topic that exists, as Kafka does, which keeps none of it in memory.

    Nobody announces what a topic is created with, and another broker's change takes its time to arrive here.
    """
    configs: DynamicConfigs = ctx.services.configs
    if kind is ResourceType.BROKER:
        await configs.refresh(BROKERS, (_broker_entity(name, configs),))
    elif kind is ResourceType.TOPIC and name in ctx.services.metadata:
        await configs.refresh(TOPICS, (name,))


def _broker_entity(name: str, configs: DynamicConfigs) -> str:
    """This broker, however its number was written, or all of them."""
    return str(configs.config.node_id) if name else DEFAULT


def _checked_broker(
    resource: ResourceChange, configs: DynamicConfigs, *, validate_only: bool
) -> dict[str, str]:
    config = configs.config
    per_broker = bool(resource.name)
    if per_broker and broker_number(resource.name, what="Node id") != config.node_id:
        text = f"Unexpected broker id, expected {config.node_id}, but received {resource.name}"
        raise _invalid(text)
    for change in resource.changes if resource.incremental else ():
        if change.operation not in tuple(Operation):
            raise _invalid(f"Unknown operations type {change.operation}")
    stored = configs.broker(config.node_id if per_broker else None)
    current, _ = usable(config, stored, per_broker=per_broker)
    properties = resource.applied(
        current,
        config.definitions,
        "Config value {verb} is not allowed for config key: {name}",
        None if config.release.zookeeper else "Unknown config name: {name}",
    )
    try:
        validate_dynamic(config, properties, per_broker=per_broker)
    except InvalidConfig as refused:
        raise _invalid(str(refused)) from refused
    if config.release.zookeeper:
        if not validate_only:
            _check_passwords(resource, properties, config)
    else:
        _check_lengths(resource)
        _check_min_insync_replicas(resource, current, config)
    return properties


def _check_passwords(resource: ResourceChange, properties: Mapping[str, str], config: BrokerConfig) -> None:
    """Secrets lie encrypted in ZooKeeper, which needs `password.encoder.secret` and is not there yet."""
    if any(is_password(config, name) for name in properties):
        text = "Password encoder secret not configured"
        if not resource.name:
            text = "Password config can be defined only at broker level"
        raise _invalid_value(ResourceType.BROKER, resource.name, text)


def _check_min_insync_replicas(
    resource: ResourceChange, current: Mapping[str, str], config: BrokerConfig
) -> None:
    """KIP-966: with eligible leader replicas, min.insync.replicas is the cluster's, and always set."""
    if config.release < FIRST_WITH_ELIGIBLE_LEADERS:
        return
    changed = {change.name: change for change in resource.changes}
    change = changed.get(_MIN_INSYNC_REPLICAS)
    if resource.name and (
        change is not None or (not resource.incremental and _MIN_INSYNC_REPLICAS in current)
    ):
        text = "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
        raise KafkaError(ErrorCode.INVALID_CONFIG, text)
    removed = change.operation == Operation.DELETE if change and resource.incremental else False
    if not resource.name and (removed or (not resource.incremental and change is None)):
        text = "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
        raise KafkaError(ErrorCode.INVALID_CONFIG, text)


def _checked_topic_before_4(resource: ResourceChange, ctx: RequestContext) -> dict[str, str]:
    configs: DynamicConfigs = ctx.services.configs
    name = resource.name
    if not name:
        raise _invalid("Default topic resources are not allowed.")
    # Only what is to be changed is read first.
    if resource.incremental and (reason := paths.reason_impossible(paths.config(TOPICS, name))):
        raise _invalid_value(ResourceType.TOPIC, name, reason)
    properties = resource.applied(
        configs.topic(name),
        topic_definitions(configs.config.release),
        "Config value {verb} is not allowed for config key: {name}",
        None,
    )
    _check_topic_exists(name, ctx)
    try:
        validate_topic_configs(configs.config, properties)
    except InvalidConfig as refused:
        raise _invalid_value(ResourceType.TOPIC, name, str(refused)) from refused
    return properties


def _checked_by_controller(
    kind: ResourceType, resource: ResourceChange, ctx: RequestContext
) -> dict[str, str]:
    configs: DynamicConfigs = ctx.services.configs
    config = configs.config
    name = resource.name
    current = configs.entity(_ENTITY_TYPES[kind], name)
    # The controller knows the lists of topics and brokers, and takes no other config for one.
    lists = topic_definitions(config.release) if kind is ResourceType.TOPIC else {}
    refusal = "Can't {VERB} to key {name} because its type is not LIST."
    properties = resource.applied(current, lists, refusal, refusal)
    _check_lengths(resource)
    try:
        match kind:
            case ResourceType.TOPIC:
                if not name:
                    raise _invalid("Default topic resources are not allowed.")
                topic_names.validate(name)
                validate_topic_configs(config, properties, current)
                _check_topic_exists(name, ctx)
            case ResourceType.CLIENT_METRICS:
                validate_client_metrics(config.release, name, properties)
            case _:
                if not name:
                    raise _invalid("Default group resources are not allowed.")
                validate_group_configs(config, properties)
    except InvalidConfig as refused:
        raise KafkaError(ErrorCode.INVALID_CONFIG, str(refused)) from refused
    return properties


def _check_topic_exists(name: str, ctx: RequestContext) -> None:
    if name not in ctx.services.metadata:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")


def _check_lengths(resource: ResourceChange) -> None:
    if any(len(change.value or "") > _MAX_VALUE_LENGTH for change in resource.changes):
        text = (
            "The configuration value cannot be added because it exceeds the maximum value size of "
            f"{_MAX_VALUE_LENGTH} bytes."
        )
        raise KafkaError(ErrorCode.INVALID_CONFIG, text)


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)


def _invalid_value(kind: ResourceType, name: str, reason: str) -> KafkaError:
    text = f"Invalid config value for resource {resource_text(kind, name)}: {reason}"
    return KafkaError(ErrorCode.INVALID_CONFIG, text)
