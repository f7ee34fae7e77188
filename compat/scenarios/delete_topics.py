"""DeleteTopics: by name and by id."""

from uuid import UUID

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic

BY_ID = 6
"""The first version that knows ids."""


def delete(k: Session, *names: str, timeout_ms: int = 30_000) -> DeleteTopicsRequest:
    if k.version < BY_ID:
        return DeleteTopicsRequest(topic_names=list(names), timeout_ms=timeout_ms)
    return DeleteTopicsRequest(topics=[DeleteTopicState(name=name) for name in names], timeout_ms=timeout_ms)


def is_gone(k: Session, name: str) -> None:
    request = MetadataRequest(topics=[MetadataRequestTopic(name=name)], allow_auto_topic_creation=False)
    k.send(request, until=lambda answer: answer.topics[0].error_code)


@scenario(ApiKey.DELETE_TOPICS)
def one_topic(k: Session) -> None:
    topic = k.create_topic()
    k.send(delete(k, topic.name))
    is_gone(k, topic.name)


@scenario(ApiKey.DELETE_TOPICS)
def several_topics(k: Session) -> None:
    names = [k.create_topic(suffix).name for suffix in ("b", "a", "c")]
    k.send(delete(k, *names), unordered="responses")


@scenario(ApiKey.DELETE_TOPICS)
def unknown_topic(k: Session) -> None:
    k.send(delete(k, k.name()))


@scenario(ApiKey.DELETE_TOPICS)
def known_and_unknown(k: Session) -> None:
    topic = k.create_topic()
    k.send(delete(k, k.name("none"), topic.name), unordered="responses")


@scenario(ApiKey.DELETE_TOPICS)
def names_that_are_no_topics(k: Session) -> None:
    for name in ("", "..", "a b", "x" * 300):
        k.send(delete(k, name))


@scenario(ApiKey.DELETE_TOPICS)
def the_same_topic_twice(k: Session) -> None:
    topic = k.create_topic()
    k.send(delete(k, topic.name, topic.name))


@scenario(ApiKey.DELETE_TOPICS)
def deleted_and_made_again(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"old")
    k.send(delete(k, topic.name))
    is_gone(k, topic.name)
    again = k.create_topic()
    k.note("offset of the first record", k.produce(again, b"new"))
    k.note("the id is another one", again.id != topic.id)


@scenario(ApiKey.DELETE_TOPICS)
def no_topics(k: Session) -> None:
    k.send(delete(k))


@scenario(ApiKey.DELETE_TOPICS)
def without_time(k: Session) -> None:
    topic = k.create_topic()
    k.send(delete(k, topic.name, timeout_ms=0))
    is_gone(k, topic.name)


@scenario(ApiKey.DELETE_TOPICS, since=6)
def by_id(k: Session) -> None:
    topic = k.create_topic()
    k.send(DeleteTopicsRequest(topics=[DeleteTopicState(topic_id=topic.id)], timeout_ms=30_000))
    is_gone(k, topic.name)


@scenario(ApiKey.DELETE_TOPICS, since=6)
def by_unknown_id(k: Session) -> None:
    k.send(DeleteTopicsRequest(topics=[DeleteTopicState(topic_id=UUID(int=7))], timeout_ms=30_000))


@scenario(ApiKey.DELETE_TOPICS, since=6)
def by_name_and_id(k: Session) -> None:
    topic = k.create_topic()
    both = DeleteTopicState(name=topic.name, topic_id=topic.id)
    k.send(DeleteTopicsRequest(topics=[both], timeout_ms=30_000))
    k.send(DeleteTopicsRequest(topics=[DeleteTopicState()], timeout_ms=30_000))


@scenario(ApiKey.DELETE_TOPICS, since=6)
def the_same_topic_by_name_and_by_id(k: Session) -> None:
    topic = k.create_topic()
    twice = [DeleteTopicState(name=topic.name), DeleteTopicState(topic_id=topic.id)]
    k.send(DeleteTopicsRequest(topics=twice, timeout_ms=30_000))


@scenario(ApiKey.DELETE_TOPICS, broker={"delete.topic.enable": "false"})
def where_nothing_is_deleted(k: Session) -> None:
    topic = k.create_topic()
    k.send(delete(k, topic.name))


@scenario(ApiKey.DELETE_TOPICS, since=6)
def no_time_for_what_is_wrong(k: Session) -> None:
    topic, other = k.create_topic("a"), k.create_topic("b")
    both = DeleteTopicState(name=topic.name, topic_id=topic.id)
    neither, named, by_id = (
        DeleteTopicState(),
        DeleteTopicState(name=topic.name),
        DeleteTopicState(topic_id=other.id),
    )
    for asked in ([both], [neither], [named, named], [by_id, by_id], []):
        k.send(DeleteTopicsRequest(topics=asked, timeout_ms=0))
