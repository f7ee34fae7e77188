"""DescribeConfigs (key 32): the configs of topics, brokers, loggers, groups and metrics subscriptions.

0  initial   1  synonyms and sources (KIP-226)   2  answered before throttling
3  types and documentation (KIP-569)   4  flexible
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from odradek.api.api import Api, Versions
from odradek.api.config_order import answer_order
from odradek.api.config_resources import ResourceType, broker_number, resource_type
from odradek.api.context import RequestContext
from odradek.api.turns import each_in_turn
from odradek.config.broker_config import BrokerConfig
from odradek.config.description import (
    Entry,
    Source,
    describe_broker,
    describe_broker_default,
    describe_client_metrics,
    describe_group,
    describe_topic,
)
from odradek.coordination.dynamic_configs import CLIENT_METRICS, GROUPS, TOPICS, DynamicConfigs
from odradek.errors import InvalidConfig, KafkaError
from odradek.metadata import topic_names
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from odradek.protocol.generated.describe_configs_response import (
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from odradek.telemetry import loggers

api = Api(key=ApiKey.DESCRIBE_CONFIGS, versions=Versions(0, 4), request=DescribeConfigsRequest)


@api.handler
async def describe_configs(request: DescribeConfigsRequest, ctx: RequestContext) -> DescribeConfigsResponse:
    release = ctx.services.configs.config.release
    if any(resource_type(resource.resource_type, release) is None for resource in request.resources):
        return _refusal(request, ErrorCode.INVALID_REQUEST)
    # What is not known of a topic without a replica here: nobody announces what it is created with.
    named = {each.resource_name for each in request.resources if each.resource_type == ResourceType.TOPIC}
    await ctx.services.configs.refresh(TOPICS, named & ctx.services.metadata.snapshot.topics.keys())
    results = await each_in_turn(request.resources, lambda resource: _describe(resource, request, ctx))
    return DescribeConfigsResponse(results=results)


@api.refusal
def refuse(request: DescribeConfigsRequest, ctx: RequestContext, code: int) -> DescribeConfigsResponse:
    return _refusal(request, code)


def _refusal(request: DescribeConfigsRequest, code: int) -> DescribeConfigsResponse:
    results = [_result(each, code, ErrorCode(code).message) for each in request.resources]
    return DescribeConfigsResponse(results=results)


def _result(
    resource: DescribeConfigsResource, code: int = ErrorCode.NONE, message: str | None = ""
) -> DescribeConfigsResult:
    return DescribeConfigsResult(
        error_code=code,
        error_message=message,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
    )


async def _describe(
    resource: DescribeConfigsResource, request: DescribeConfigsRequest, ctx: RequestContext
) -> DescribeConfigsResult:
    configs: DynamicConfigs = ctx.services.configs
    kind = ResourceType(resource.resource_type)
    name = resource.resource_name
    result = _result(resource)
    try:
        if kind is ResourceType.TOPIC:
            topic_names.validate(name)
            if name not in ctx.services.metadata:
                # Kafka sends no text here, though it has one everywhere else.
                return _result(resource, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        entries = {entry.name: entry for entry in _entries(kind, name, configs)}
    except KafkaError as error:
        return _result(resource, error.code, error.message)
    except InvalidConfig:
        return _result(resource, ErrorCode.UNKNOWN_SERVER_ERROR, None)
    order = answer_order(entries, set(resource.configuration_keys or ()), configs.config.release)
    result.configs = [_config(entries[each], kind, request) for each in order]
    return result


def _entries(kind: ResourceType, name: str, configs: DynamicConfigs) -> Iterable[Entry]:
    config = configs.config
    match kind:
        case ResourceType.TOPIC:
            return describe_topic(config, configs.topic(name))
        case ResourceType.BROKER:
            return _broker_entries(name, config)
        case ResourceType.BROKER_LOGGER:
            return _logger_entries(name, config)
        case ResourceType.CLIENT_METRICS:
            if not name:
                raise _invalid("Client metrics subscription name must not be empty")
            if config.release.zookeeper:
                raise _invalid("Config type client-metrics is only supported on KRaft clusters")
            return describe_client_metrics(config, configs.entity(CLIENT_METRICS, name))
        case ResourceType.GROUP:
            if not name:
                raise _invalid("Group name must not be empty")
            return describe_group(config, configs.entity(GROUPS, name))


def _broker_entries(name: str, config: BrokerConfig) -> Iterator[Entry]:
    if not name:
        return describe_broker_default(config)
    if broker_number(name) != config.node_id:
        text = f"Unexpected broker id, expected {config.node_id} or empty string, but received {name}"
        raise _invalid(text)
    return describe_broker(config)


def _logger_entries(name: str, config: BrokerConfig) -> Iterator[Entry]:
    if not name:
        raise _invalid("Broker id must not be empty")
    if broker_number(name) != config.node_id:
        raise _invalid(f"Unexpected broker id, expected {config.node_id} but received {name}")
    return (
        Entry(logger, level.name, Source.DYNAMIC_BROKER_LOGGER) for logger, level in loggers.levels().items()
    )


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)


def _config(
    entry: Entry, kind: ResourceType, request: DescribeConfigsRequest
) -> DescribeConfigsResourceResult:
    synonyms = entry.synonyms if request.include_synonyms else ()
    return DescribeConfigsResourceResult(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        is_sensitive=entry.sensitive,
        synonyms=[
            DescribeConfigsSynonym(name=each.name, value=each.value, source=each.source) for each in synonyms
        ],
        config_type=entry.type_id,
        documentation=_documentation(entry, kind) if request.include_documentation else None,
    )


def _documentation(entry: Entry, kind: ResourceType) -> str | None:
    from odradek.config.documentation import documentation

    return documentation(kind.name, entry.name)
