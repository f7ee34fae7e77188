"""Metadata: topics by name and by id, all and none, automatic creation, and names that are no topics."""

from uuid import UUID

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic

PARTITIONS = "topics.partitions"
"""In 3.9 their order is that of a hash table, and depends on how many updates brought them."""


def named(*names: str) -> list[MetadataRequestTopic]:
    return [MetadataRequestTopic(name=name) for name in names]


@scenario(ApiKey.METADATA)
def one_topic(k: Session) -> None:
    topic = k.create_topic(partitions=3)
    k.send(MetadataRequest(topics=named(topic.name)), unordered=PARTITIONS)


@scenario(ApiKey.METADATA)
def all_topics(k: Session) -> None:
    k.create_topic("a")
    k.create_topic("b", partitions=2)
    k.send(MetadataRequest(topics=[] if k.version == 0 else None), unordered=PARTITIONS)


@scenario(ApiKey.METADATA, since=1)
def no_topics(k: Session) -> None:
    k.send(MetadataRequest(topics=[]))


@scenario(ApiKey.METADATA)
def several_topics_in_the_order_asked(k: Session) -> None:
    names = [k.create_topic(suffix).name for suffix in ("b", "a", "c")]
    k.send(MetadataRequest(topics=named(*names)))


@scenario(ApiKey.METADATA)
def the_same_topic_twice(k: Session) -> None:
    topic = k.create_topic()
    k.send(MetadataRequest(topics=named(topic.name, topic.name)))


@scenario(ApiKey.METADATA, since=4)
def unknown_topic(k: Session) -> None:
    topic = k.create_topic()
    request = MetadataRequest(topics=named(k.name("none"), topic.name), allow_auto_topic_creation=False)
    k.send(request)


@scenario(ApiKey.METADATA)
def unknown_topic_is_created(k: Session) -> None:
    request = MetadataRequest(topics=named(k.name()))
    k.send(request)
    k.send(request, until=lambda answer: not answer.topics[0].error_code)


@scenario(ApiKey.METADATA, broker={"auto.create.topics.enable": "false"})
def unknown_topic_where_none_are_created(k: Session) -> None:
    k.send(MetadataRequest(topics=named(k.name())))


@scenario(ApiKey.METADATA)
def names_that_are_no_topics(k: Session) -> None:
    k.send(MetadataRequest(topics=named("", "..", "a b", "x" * 250, "a/b")))


@scenario(ApiKey.METADATA, since=10)
def by_id(k: Session) -> None:
    topic = k.create_topic()
    asked = MetadataRequestTopic(topic_id=topic.id, name=None)
    k.send(MetadataRequest(topics=[asked], allow_auto_topic_creation=False))


@scenario(ApiKey.METADATA, since=10)
def by_unknown_id(k: Session) -> None:
    asked = MetadataRequestTopic(topic_id=UUID(int=7), name=None)
    k.send(MetadataRequest(topics=[asked], allow_auto_topic_creation=False))


@scenario(ApiKey.METADATA, since=10)
def by_id_and_by_name_together(k: Session) -> None:
    topic, other = k.create_topic("a"), k.create_topic("b")
    asked = [MetadataRequestTopic(topic_id=topic.id, name=None), MetadataRequestTopic(name=other.name)]
    k.send(MetadataRequest(topics=asked, allow_auto_topic_creation=False))


@scenario(ApiKey.METADATA, since=10)
def neither_id_nor_name(k: Session) -> None:
    k.send(MetadataRequest(topics=[MetadataRequestTopic(name=None)], allow_auto_topic_creation=False))


@scenario(ApiKey.METADATA, since=8)
def authorized_operations(k: Session) -> None:
    topic = k.create_topic()
    k.send(
        MetadataRequest(
            topics=named(topic.name),
            include_topic_authorized_operations=True,
            include_cluster_authorized_operations=k.version <= 10,
        )
    )


@scenario(ApiKey.METADATA)
def internal_topic(k: Session) -> None:
    k.send(MetadataRequest(topics=named("__consumer_offsets")), unordered=PARTITIONS)


@scenario(ApiKey.METADATA, newest_only=True, restarts=True)
def after_a_restart(k: Session) -> None:
    topics = [k.create_topic("a", partitions=2), k.create_topic("b")]
    asked = MetadataRequest(topics=[MetadataRequestTopic(name=each.name) for each in topics])
    k.send(asked)
    k.restart_broker()
    k.send(asked, until=lambda answer: all(p.leader_id == 0 for t in answer.topics for p in t.partitions))
    by_id = [MetadataRequestTopic(topic_id=each.id, name=None) for each in topics]
    k.send(MetadataRequest(topics=by_id))
