"""DeleteRecords: the log start moves up."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.delete_records_request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)


def delete(name: str, *offsets: tuple[int, int]) -> DeleteRecordsRequest:
    rows = [DeleteRecordsPartition(partition_index=index, offset=offset) for index, offset in offsets]
    return DeleteRecordsRequest(topics=[DeleteRecordsTopic(name=name, partitions=rows)], timeout_ms=10_000)


def start(k: Session, name: str) -> None:
    asked = [ListOffsetsPartition(partition_index=0, timestamp=-2)]
    k.send(ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=name, partitions=asked)]))


@scenario(ApiKey.DELETE_RECORDS)
def before_an_offset(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b", b"c")
    for offset in (1, 1, 0, 3, 2):
        k.send(delete(topic.name, (0, offset)))
        start(k, topic.name)
    k.note("the next offset", k.produce(topic, b"d"))


@scenario(ApiKey.DELETE_RECORDS)
def all_of_them(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b")
    k.send(delete(topic.name, (0, -1)))
    start(k, topic.name)


@scenario(ApiKey.DELETE_RECORDS)
def out_of_range(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    for offset in (2, 1000, -2, -5):
        k.send(delete(topic.name, (0, offset)))
    start(k, topic.name)


@scenario(ApiKey.DELETE_RECORDS)
def unknown_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(delete(k.name("none"), (0, 0)))
    k.send(delete(topic.name, (5, 0), (0, 0), (-1, 0)))


@scenario(ApiKey.DELETE_RECORDS)
def names_that_are_no_topics(k: Session) -> None:
    for name in ("", "a b"):
        k.send(delete(name, (0, 0)))


@scenario(ApiKey.DELETE_RECORDS)
def several_partitions(k: Session) -> None:
    topic = k.create_topic(partitions=3)
    for partition in range(3):
        k.produce(topic, b"a", b"b", partition=partition)
    k.send(delete(topic.name, (2, 1), (0, 2), (1, 9)))


@scenario(ApiKey.DELETE_RECORDS)
def compacted_topics_keep_theirs(k: Session) -> None:
    topic = k.create_topic(configs={"cleanup.policy": "compact"})
    k.send(delete(topic.name, (0, 0)))
    both = k.create_topic("b", configs={"cleanup.policy": "compact,delete"})
    k.send(delete(both.name, (0, 0)))


@scenario(ApiKey.DELETE_RECORDS)
def internal_topics_keep_theirs(k: Session) -> None:
    k.send(delete("__consumer_offsets", (0, 0)))


@scenario(ApiKey.DELETE_RECORDS)
def no_topics(k: Session) -> None:
    k.send(DeleteRecordsRequest(topics=[], timeout_ms=10_000))


@scenario(ApiKey.DELETE_RECORDS, newest_only=True, restarts=True)
def survives_a_restart(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b", b"c")
    k.send(delete(topic.name, (0, 2)))
    k.restart_broker()
    k.note("the next offset", k.produce(topic, b"d"))
    start(k, topic.name)
