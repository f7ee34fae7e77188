"""CreateTopics (key 19): bring topics into being, with counts or assignments, and with configs of their own.

0  initial   1  validate_only, error_message   2  throttle_time_ms   3  answered before throttling
4  partition count and replication factor -1: the broker's defaults (KIP-464)   5  flexible; what was created
6  answered at once when over quota   7  topic_id
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from odradek.api.api import Api, Versions
from odradek.api.config_order import answer_order
from odradek.api.context import RequestContext
from odradek.config.broker_config import BrokerConfig
from odradek.config.description import describe_topic
from odradek.controller.new_topic import CreatedTopic, NewTopic
from odradek.metadata.topic_names import CLUSTER_METADATA_TOPIC
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.create_topics_response import (
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsResponse,
)

api = Api(key=ApiKey.CREATE_TOPICS, versions=Versions(0, 7), request=CreateTopicsRequest)


@api.handler
async def create_topics(request: CreateTopicsRequest, ctx: RequestContext) -> CreateTopicsResponse:
    services = ctx.services
    zookeeper: bool = services.release.zookeeper
    if zookeeper and not services.controller.is_active:
        # With an empty message, where Kafka's other refusals have none.
        refused = [_refused(topic.name, ErrorCode.NOT_CONTROLLER, "") for topic in request.topics]
        return CreateTopicsResponse(topics=refused)
    counts = Counter(topic.name for topic in request.topics)
    wanted = [
        _new_topic(topic)
        for topic in request.topics
        if counts[topic.name] == 1 and topic.name != CLUSTER_METADATA_TOPIC
    ]
    created: dict[str, CreatedTopic] = await services.topics.create_topics(
        wanted, timeout_ms=request.timeout_ms, validate_only=request.validate_only
    )
    # A KRaft controller answers a repeated name once, behind the others; before, it came as often as asked.
    repeated = [name for name, count in counts.items() if count > 1]
    names = [topic.name for topic in request.topics if not (counts[topic.name] > 1 and not zookeeper)]
    results = [_result(name, created, request.validate_only, ctx) for name in names]
    if not zookeeper:
        results += [_refused(name, ErrorCode.INVALID_REQUEST, "Duplicate topic name.") for name in repeated]
    return CreateTopicsResponse(topics=results)


def _new_topic(topic: CreatableTopic) -> NewTopic:
    configs = {config.name: config.value for config in topic.configs}
    # Of a name that is repeated the last counts, but null is refused wherever it is.
    configs |= {config.name: None for config in topic.configs if config.value is None}
    return NewTopic(
        name=topic.name,
        partition_count=topic.num_partitions,
        replication_factor=topic.replication_factor,
        assignments=tuple((each.partition_index, tuple(each.broker_ids)) for each in topic.assignments),
        configs=configs,
    )


def _result(
    name: str, created: dict[str, CreatedTopic], validate_only: bool, ctx: RequestContext
) -> CreatableTopicResult:
    if name == CLUSTER_METADATA_TOPIC:
        message = f"Creation of internal topic {CLUSTER_METADATA_TOPIC} is prohibited."
        return _refused(name, ErrorCode.INVALID_REQUEST, message)
    if name not in created:
        return _refused(name, ErrorCode.INVALID_REQUEST, "Found multiple entries for this topic.")
    topic = created[name]
    result = CreatableTopicResult(name=name, error_code=topic.code, error_message=topic.message, configs=[])
    # A ZooKeeper-mode broker reads the id back from the tree, where a validation leaves none.
    if not (validate_only and ctx.services.release.zookeeper):
        result.topic_id = topic.topic_id
    if topic.code == ErrorCode.NONE:
        result.num_partitions = topic.partition_count
        result.replication_factor = topic.replication_factor
        if ctx.api_version >= 5:
            result.configs = _described(ctx.services.config, frozenset(topic.configs.items()))
    return result


@lru_cache(maxsize=16)
def _described(config: BrokerConfig, overrides: frozenset[tuple[str, str]]) -> list[CreatableTopicConfigs]:
    """The configs in an answer. Remembered: many topics are created with the same, and it takes 1.5 ms."""
    entries = {entry.name: entry for entry in describe_topic(config, dict(overrides))}
    order = sorted(entries)
    if config.release.zookeeper:
        order = answer_order(entries, frozenset(), config.release)
    return [
        CreatableTopicConfigs(
            name=entry.name,
            value=entry.value,
            read_only=entry.read_only,
            config_source=entry.source,
            is_sensitive=entry.sensitive,
        )
        for entry in map(entries.__getitem__, order)
    ]


def _refused(name: str, code: ErrorCode, message: str | None) -> CreatableTopicResult:
    return CreatableTopicResult(name=name, error_code=code, error_message=message, configs=[])


@api.refusal
def refuse(request: CreateTopicsRequest, ctx: RequestContext, code: int) -> CreateTopicsResponse:
    error = ErrorCode(code)
    return CreateTopicsResponse(topics=[_refused(topic.name, error, None) for topic in request.topics])
