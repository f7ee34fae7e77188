"""DeleteTopics: by whom, and with replicas on a broker that is gone."""

from compat.cluster.session import BROKERS, ROTATIONS, ClusterSession, isr, metadata
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.metadata_response import MetadataResponse


def deletion(name: str, *, timeout_ms: int = 30_000) -> DeleteTopicsRequest:
    return DeleteTopicsRequest(topics=[DeleteTopicState(name=name)], timeout_ms=timeout_ms)


def unknown(answer: MetadataResponse) -> bool:
    return answer.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@scenario(ApiKey.DELETE_TOPICS, newest_only=True)
def everywhere(k: ClusterSession) -> None:
    topic = k.create_topic(*ROTATIONS)
    k.send(0, deletion(topic.name))
    for broker in BROKERS:
        k.send(broker, metadata(topic.name), until=unknown)


@scenario(ApiKey.DELETE_TOPICS, newest_only=True)
def not_the_controller(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for broker in (1, 2):
        k.send(broker, deletion(topic.name))
        k.send(broker, deletion(k.name("none")))


@scenario(ApiKey.DELETE_TOPICS, newest_only=True, restarts=True)
def with_a_replica_that_is_gone(k: ClusterSession) -> None:
    topic = k.create_topic(*ROTATIONS)
    k.stop(2)
    k.watch(0, metadata(topic.name), isr(2, 2, 2))
    k.send(0, deletion(topic.name, timeout_ms=500))
    k.send(0, metadata(topic.name))
    k.send(1, metadata(topic.name), until=unknown)
    k.send(0, deletion(topic.name, timeout_ms=500))
    k.start(2)
    # Version 9 has no ids: Kafka remembers that of a topic whose end it is told of twice.
    for broker in BROKERS:
        k.send(broker, metadata(topic.name), version=9, until=unknown)
