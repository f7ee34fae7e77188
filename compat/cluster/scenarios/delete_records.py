"""DeleteRecords: at the leader only, which waits for its followers."""

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.delete_records_request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)


@scenario(ApiKey.DELETE_RECORDS, newest_only=True)
def at_a_follower(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    k.produce(topic, b"a", b"b", b"c")
    for offset in (1, 2):
        gone = DeleteRecordsTopic(topic.name, [DeleteRecordsPartition(0, offset)])
        for broker in BROKERS:
            k.send(broker, DeleteRecordsRequest(topics=[gone], timeout_ms=20_000))


@scenario(ApiKey.DELETE_RECORDS, newest_only=True, restarts=True)
def a_follower_does_not_answer(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1, 2])
    k.produce(topic, b"a", b"b", b"c")
    k.pause(2)
    gone = DeleteRecordsTopic(topic.name, [DeleteRecordsPartition(0, 2)])
    k.send(0, DeleteRecordsRequest(topics=[gone], timeout_ms=300))
    k.resume(2)
    k.send(0, DeleteRecordsRequest(topics=[gone], timeout_ms=20_000))
