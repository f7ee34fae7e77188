"""Part "start": from process begin to the first answer, and to the first record that a new group consumes."""

from __future__ import annotations

import time
from typing import Any

from compat.bench.brokers import Contestant
from compat.bench.figures import Measure, Scores
from compat.bench.produce_load import batch_of
from compat.bench.topics import create_topic
from compat.bench.turns import Stage, fresh_rounds
from compat.wire import Wire
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestTopic
from odradek.protocol.generated.produce_request import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.protocol.generated.sync_group_request import SyncGroupRequest, SyncGroupRequestAssignment

READY = Measure("start", "process begin to first answer", "s")
FIRST_RECORD = Measure("start", "process begin to first record consumed by a new group on a new topic", "s")
TOPIC, GROUP = "first", "first-readers"
TIMEOUT_S = 60
POLL_S = 0.005
_NOT_YET = {
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
}


def starts(stage: Stage) -> Scores:
    """A fresh broker for each value; real Kafka has its directory formatted and its ZooKeeper up by then."""

    def one_start(broker: Contestant, scores: Scores) -> None:
        scores.add(READY, broker.name, broker.ready_seconds)
        began = time.perf_counter()
        consume_first_record(broker.bootstrap)
        scores.add(FIRST_RECORD, broker.name, broker.ready_seconds + time.perf_counter() - began)

    return fresh_rounds(stage, "start", one_start)


def consume_first_record(bootstrap: str) -> None:
    """What a producer and a consumer do at first, request by request; RuntimeError for an error."""
    create_topic(bootstrap, TOPIC)
    with Wire(bootstrap) as wire:
        partition = PartitionProduceData(index=0, records=batch_of(100, 100).raw)
        topic = TopicProduceData(name=TOPIC, partition_data=[partition])
        produce = ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[topic])
        _until_done(
            lambda: wire.send(produce, version=8),
            lambda it: it.responses[0].partition_responses[0].error_code,
        )
        _join(wire)
        asked = OffsetFetchRequestTopic(name=TOPIC, partition_indexes=[0])
        offsets = OffsetFetchRequest(group_id=GROUP, topics=[asked])
        _until_done(lambda: wire.send(offsets, version=5), lambda it: it.error_code)
        partitions = [FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)]
        fetch = FetchRequest(
            max_wait_ms=500, min_bytes=1, topics=[FetchTopic(topic=TOPIC, partitions=partitions)]
        )
        found = wire.send(fetch, version=11).responses[0].partitions[0]
        if found.error_code or not found.records:
            raise RuntimeError(f"the first fetch answered error code {found.error_code}")


def _join(wire: Wire) -> None:
    coordinator = FindCoordinatorRequest(key=GROUP)
    _until_done(lambda: wire.send(coordinator, version=2), lambda it: it.error_code)
    join = JoinGroupRequest(
        group_id=GROUP,
        session_timeout_ms=10_000,
        rebalance_timeout_ms=10_000,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
    )
    joined = _until_done(lambda: wire.send(join, version=3), lambda it: it.error_code)
    sync = SyncGroupRequest(
        group_id=GROUP,
        generation_id=joined.generation_id,
        member_id=joined.member_id,
        assignments=[SyncGroupRequestAssignment(member_id=joined.member_id, assignment=b"")],
    )
    _until_done(lambda: wire.send(sync, version=2), lambda it: it.error_code)


def _until_done(ask: Any, error_of: Any) -> Any:
    """Ask again while the broker says that it is not yet ready for it."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        answer = ask()
        code = error_of(answer)
        if not code:
            return answer
        if code not in _NOT_YET or time.monotonic() > deadline:
            raise RuntimeError(f"{type(answer).__name__} has error {ErrorCode(code).name}")
        time.sleep(POLL_S)
