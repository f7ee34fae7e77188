"""Fetch: from where, how much, in which format, waiting, and in sessions."""

from uuid import UUID

from compat.judge import Session, scenario
from compat.judge.session import Topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.delete_records_request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from odradek.protocol.generated.fetch_request import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
    ReplicaState,
)
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.record import Record

MAX_BYTES = 1 << 20


def at(offset: int, partition: int = 0, *, max_bytes: int = MAX_BYTES, epoch: int = -1) -> FetchPartition:
    return FetchPartition(
        partition=partition, fetch_offset=offset, partition_max_bytes=max_bytes, current_leader_epoch=epoch
    )


def fetch(
    topic: Topic,
    *partitions: FetchPartition,
    max_wait_ms: int = 0,
    min_bytes: int = 0,
    max_bytes: int = MAX_BYTES,
    isolation_level: int = 0,
) -> FetchRequest:
    asked = FetchTopic(topic=topic.name, topic_id=topic.id, partitions=list(partitions))
    return FetchRequest(
        max_wait_ms=max_wait_ms,
        min_bytes=min_bytes,
        max_bytes=max_bytes,
        isolation_level=isolation_level,
        topics=[asked],
    )


@scenario(ApiKey.FETCH)
def from_the_beginning_and_the_middle(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b", b"c")
    k.produce(topic, b"d")
    for offset in (0, 1, 3, 4):
        k.send(fetch(topic, at(offset)))


@scenario(ApiKey.FETCH)
def outside_of_the_log(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    for offset in (2, 1000, -1, -2):
        k.send(fetch(topic, at(offset)))


@scenario(ApiKey.FETCH)
def before_the_log_start(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b", b"c")
    gone = [DeleteRecordsPartition(partition_index=0, offset=2)]
    topics = [DeleteRecordsTopic(name=topic.name, partitions=gone)]
    k.send(DeleteRecordsRequest(topics=topics, timeout_ms=10_000))
    for offset in (0, 1, 2):
        k.send(fetch(topic, at(offset)))


@scenario(ApiKey.FETCH)
def unknown_topic(k: Session) -> None:
    k.send(fetch(Topic(k.name(), UUID(int=5)), at(0)))


@scenario(ApiKey.FETCH)
def no_topic_id_and_no_name(k: Session) -> None:
    k.send(fetch(Topic("", UUID(int=0)), at(0)))


@scenario(ApiKey.FETCH)
def unknown_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(fetch(topic, at(0, 1), at(0, -1), at(0, 0)))


@scenario(ApiKey.FETCH)
def several_topics_and_partitions(k: Session) -> None:
    one, two = k.create_topic("a", partitions=2), k.create_topic("b")
    k.produce(one, b"a0", partition=0)
    k.produce(one, b"a1", partition=1)
    k.produce(two, b"b0")
    request = fetch(one, at(0, 1), at(0, 0))
    request.topics += fetch(two, at(0)).topics
    k.send(request)


@scenario(ApiKey.FETCH)
def the_same_partition_twice(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b")
    k.send(fetch(topic, at(0), at(1)))


@scenario(ApiKey.FETCH)
def limits_of_a_partition(k: Session) -> None:
    topic = k.create_topic()
    for value in (b"a" * 100, b"b" * 100, b"c" * 100):
        k.produce(topic, value)
    for limit in (0, 1, 100, 171, 172, 200, 400, 10_000):
        k.send(fetch(topic, at(0, max_bytes=limit)))


@scenario(ApiKey.FETCH, since=3)
def limits_of_the_request(k: Session) -> None:
    topic = k.create_topic(partitions=3)
    for partition in range(3):
        for value in (b"a" * 100, b"b" * 100):
            k.produce(topic, value, partition=partition)
    for limit in (0, 1, 200, 400, 600, 10_000):
        k.send(fetch(topic, at(0, 0), at(0, 1), at(0, 2), max_bytes=limit))


@scenario(ApiKey.FETCH, since=3)
def the_order_of_partitions_decides_who_gets_room(k: Session) -> None:
    topic = k.create_topic(partitions=3)
    for partition in range(3):
        k.produce(topic, b"a" * 100, partition=partition)
    k.send(fetch(topic, at(0, 2), at(0, 0), at(0, 1), max_bytes=300))


@scenario(ApiKey.FETCH)
def a_long_poll_ends_empty(k: Session) -> None:
    topic = k.create_topic()
    k.send(fetch(topic, at(0), max_wait_ms=150, min_bytes=1))


@scenario(ApiKey.FETCH)
def a_long_poll_ends_with_a_record(k: Session) -> None:
    topic = k.create_topic()
    waiting = k.post(fetch(topic, at(0), max_wait_ms=10_000, min_bytes=1))
    k.wait(0.1)
    k.produce(topic, b"late")
    k.take(waiting)


@scenario(ApiKey.FETCH)
def a_long_poll_with_an_error(k: Session) -> None:
    topic = k.create_topic()
    k.send(fetch(topic, at(0), at(0, 9), max_wait_ms=300, min_bytes=1))


@scenario(ApiKey.FETCH)
def min_bytes_over_several_appends(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a" * 50)
    waiting = k.post(fetch(topic, at(0), max_wait_ms=10_000, min_bytes=250))
    k.wait(0.1)
    k.produce(topic, b"b" * 50)
    k.produce(topic, b"c" * 50)
    k.take(waiting)


@scenario(ApiKey.FETCH, since=4)
def read_committed(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b")
    k.send(fetch(topic, at(0), isolation_level=1))
    k.send(fetch(topic, at(2), isolation_level=1))


@scenario(ApiKey.FETCH, since=4)
def an_isolation_level_that_does_not_exist(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    k.send(fetch(topic, at(0), isolation_level=2))


@scenario(ApiKey.FETCH, since=9)
def leader_epochs(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    for epoch in (0, 1, 99, -2):
        k.send(fetch(topic, at(0, epoch=epoch)))


@scenario(ApiKey.FETCH, since=12)
def last_fetched_epochs(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a", b"b")
    for epoch, offset in ((0, 1), (0, 2), (0, 5), (1, 1), (99, 0)):
        asked = at(offset)
        asked.last_fetched_epoch = epoch
        k.send(fetch(topic, asked))


@scenario(ApiKey.FETCH)
def compressed_records(k: Session) -> None:
    """Values of 60 bytes: how small others become depends on whose Snappy it is, and shows in the filling."""
    topic = k.create_topic()
    for codec in (Compression.GZIP, Compression.SNAPPY, Compression.LZ4):
        records = [Record(i, 1_700_000_000_000, None, b"v" * 60) for i in range(3)]
        k.append(topic, bytes(build_batch(records, compression=codec)))
    for offset in (0, 2, 4, 8):
        k.send(fetch(topic, at(offset)))


@scenario(ApiKey.FETCH)
def zstd_is_for_those_who_know_it(k: Session) -> None:
    topic = k.create_topic()
    records = [Record(i, 1_700_000_000_000, None, b"v" * 50) for i in range(3)]
    k.append(topic, bytes(build_batch(records, compression=Compression.ZSTD)))
    k.send(fetch(topic, at(0)))


@scenario(ApiKey.FETCH)
def headers_and_nulls(k: Session) -> None:
    topic = k.create_topic()
    records = [
        Record(0, 1_700_000_000_000, b"k", None, (("h", b"1"), ("n", None))),
        Record(1, 1_700_000_000_001, None, b""),
    ]
    k.append(topic, bytes(build_batch(records)))
    k.send(fetch(topic, at(0)))


@scenario(ApiKey.FETCH)
def down_conversion_is_off(k: Session) -> None:
    topic = k.create_topic(configs={"message.downconversion.enable": "false"} if k.release < "4" else {})
    k.produce(topic, b"a")
    k.send(fetch(topic, at(0)))


@scenario(ApiKey.FETCH)
def no_topics(k: Session) -> None:
    k.send(FetchRequest(max_wait_ms=0, min_bytes=0, topics=[]))


@scenario(ApiKey.FETCH, since=7)
def a_session_tells_only_what_is_new(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.produce(topic, b"a", partition=0)
    request = fetch(topic, at(0, 0), at(0, 1))
    request.session_epoch = 0
    session = k.send(request).session_id
    request.topics = []
    request.session_id, request.session_epoch = session, 1
    k.send(request)
    request.topics = fetch(topic, at(1, 0)).topics
    request.session_epoch = 2
    k.send(request)
    k.produce(topic, b"b", partition=1)
    request.topics = []
    request.session_epoch = 3
    k.send(request)
    forgotten = ForgottenTopic(topic=topic.name, topic_id=topic.id, partitions=[1])
    request.forgotten_topics_data = [forgotten]
    request.session_epoch = 4
    k.send(request)
    request.forgotten_topics_data = []
    request.session_epoch = -1
    k.send(request)
    request.session_epoch = 5
    k.send(request)


@scenario(ApiKey.FETCH, since=7)
def wrong_sessions(k: Session) -> None:
    topic = k.create_topic()
    request = fetch(topic, at(0))
    request.session_id, request.session_epoch = 123, 1
    k.send(request)
    request.session_id, request.session_epoch = 123, 0
    k.send(request)
    request.session_id, request.session_epoch = 0, 5
    k.send(request)
    request.session_id, request.session_epoch = 0, 0
    session = k.send(request).session_id
    request.session_id, request.session_epoch = session, 7
    k.send(request)
    request.session_epoch = 1
    k.send(request)
    request.session_epoch = 1
    k.send(request)


@scenario(ApiKey.FETCH, since=7)
def a_session_with_a_partition_that_does_not_exist(k: Session) -> None:
    topic = k.create_topic()
    request = fetch(topic, at(0), at(0, 9))
    request.session_epoch = 0
    request.session_id = k.send(request).session_id
    request.session_epoch = 1
    request.topics = []
    k.send(request)


@scenario(ApiKey.FETCH, since=7)
def an_empty_session(k: Session) -> None:
    k.send(FetchRequest(max_wait_ms=0, min_bytes=0, session_epoch=0, topics=[]))


@scenario(ApiKey.FETCH)
def as_a_follower_that_is_none(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    request = fetch(topic, at(0))
    if k.version < 15:
        request.replica_id = 5
    else:
        request.replica_state = ReplicaState(replica_id=5, replica_epoch=1)
    k.send(request)


@scenario(ApiKey.FETCH)
def as_an_observer(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    request = fetch(topic, at(0))
    if k.version < 15:
        request.replica_id = -2
    else:
        request.replica_state = ReplicaState(replica_id=-2, replica_epoch=-1)
    k.send(request)


@scenario(ApiKey.FETCH, newest_only=True)
def batches_keep_the_order_of_their_appends(k: Session) -> None:
    topic = k.create_topic()
    for number in range(20):
        k.produce(topic, b"%d" % number, b"-", timestamp=1_700_000_000_000 - number)
    k.send(fetch(topic, at(0)))
    k.send(fetch(topic, at(17)))


@scenario(ApiKey.FETCH, newest_only=True)
def over_many_segments(k: Session) -> None:
    topic = k.create_topic(configs={"segment.bytes": "1048576"})
    for number in range(5):
        k.produce(topic, b"%d" % number * 600_000)
    for offset in (0, 1, 2, 4):
        k.send(fetch(topic, at(offset, max_bytes=5_000_000), max_bytes=5_000_000))


@scenario(ApiKey.FETCH, newest_only=True, restarts=True)
def leader_epochs_after_a_restart(k: Session) -> None:
    topic = k.create_topic()
    k.produce(topic, b"a")
    k.restart_broker()
    for epoch in (0, 1, 2, 3):
        k.send(fetch(topic, at(0, epoch=epoch)))
