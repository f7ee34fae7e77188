"""Fetch sessions: what is remembered, what is left out of answers, and who has to make room."""

from itertools import count
from typing import Any
from uuid import UUID

import pytest

from odradek.api.fetch_sessions import EVICTION_MS, Answers, FetchContext, FetchSessions
from odradek.errors import KafkaError
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_request import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic
from odradek.protocol.generated.fetch_response import EpochEndOffset, PartitionData

TOPIC_ID = UUID(int=7)


def sessions(max_sessions: int = 10) -> FetchSessions:
    ids = count(1)
    return FetchSessions(max_sessions, random_id=lambda: next(ids))


def request(
    *indexes: int, session_id: int = 0, epoch: int = 0, forget: tuple[int, ...] = (), offset: int = 0
) -> FetchRequest:
    partitions = [FetchPartition(index, fetch_offset=offset, partition_max_bytes=100) for index in indexes]
    return FetchRequest(
        session_id=session_id,
        session_epoch=epoch,
        topics=[FetchTopic("t", NO_TOPIC_ID, partitions)] if indexes else [],
        forgotten_topics_data=[ForgottenTopic("t", NO_TOPIC_ID, list(forget))] if forget else [],
    )


def enter(
    cache: FetchSessions, asked: FetchRequest, *, version: int = 7, follower: bool = False, now_ms: int = 0
) -> FetchContext:
    return cache.context(
        asked,
        version=version,
        is_follower=follower,
        now_ms=now_ms,
        topic_name=lambda topic_id: "t" if topic_id == TOPIC_ID else None,
    )


def data(index: int = 0, **fields: Any) -> PartitionData:
    """An answer without news, unless `fields` bring some."""
    defaults: dict[str, Any] = {"high_watermark": 5, "log_start_offset": 0, "records": b""}
    return PartitionData(partition_index=index, **(defaults | fields))


def run(context: FetchContext, now_ms: int = 0, **news: dict[str, Any]) -> list[int]:
    """Answers every partition of the context; the partitions that are sent. `news` by "p" and number."""
    answers: Answers = [
        (asked, data(asked.partition, **news.get(f"p{asked.partition}", {}))) for asked in context.partitions
    ]
    return [asked.partition for asked, _ in context.select(answers, now_ms)]


def begin(cache: FetchSessions, *indexes: int, now_ms: int = 0, follower: bool = False) -> int:
    """A new session's id; 0 if there was no room."""
    context = enter(cache, request(*indexes), now_ms=now_ms, follower=follower)
    run(context, now_ms)
    return context.session_id


def test_a_fetch_without_a_session_sends_everything_and_remembers_nothing():
    cache = sessions()
    context = enter(cache, request(0, 1, epoch=-1))
    assert run(context) == [0, 1]
    assert (context.session_id, len(cache)) == (0, 0)


def test_a_session_sends_only_news():
    cache = sessions()
    session_id = begin(cache, 0, 1, 2)
    context = enter(cache, request(session_id=session_id, epoch=1))
    assert context.session_id == session_id
    assert run(context) == []
    assert run(enter(cache, request(session_id=session_id, epoch=2)), p1={"high_watermark": 6}) == [1]
    assert run(enter(cache, request(session_id=session_id, epoch=3)), p1={"high_watermark": 6}) == []


@pytest.mark.parametrize(
    "news",
    [
        {"records": b"x"},
        {"log_start_offset": 1},
        {"error_code": 3},
        {"preferred_read_replica": 2},
        {"diverging_epoch": EpochEndOffset(1, 1)},
    ],
)
def test_what_counts_as_news(news):
    cache = sessions()
    session_id = begin(cache, 0)
    assert run(enter(cache, request(session_id=session_id, epoch=1)), p0=news) == [0]


def test_after_an_error_a_partition_is_sent_once_more():
    cache = sessions()
    session_id = begin(cache, 0)
    run(enter(cache, request(session_id=session_id, epoch=1)), p0={"error_code": 3})
    assert run(enter(cache, request(session_id=session_id, epoch=2))) == [0]
    assert run(enter(cache, request(session_id=session_id, epoch=3))) == []


def test_partitions_are_changed_added_and_forgotten():
    cache = sessions()
    session_id = begin(cache, 0, 1)
    context = enter(cache, request(1, 2, session_id=session_id, epoch=1, forget=(0,), offset=9))
    assert [(asked.partition, asked.fetch_offset) for asked in context.partitions] == [(1, 9), (2, 9)]
    context = enter(cache, request(session_id=session_id, epoch=2))
    assert [(asked.partition, asked.fetch_offset) for asked in context.partitions] == [(1, 9), (2, 9)]


def test_partitions_with_data_go_to_the_end():
    cache = sessions()
    session_id = begin(cache, 0, 1, 2)
    run(enter(cache, request(session_id=session_id, epoch=1)), p0={"records": b"x"})
    context = enter(cache, request(session_id=session_id, epoch=2))
    assert [asked.partition for asked in context.partitions] == [1, 2, 0]


def test_a_session_without_partitions_ends():
    cache = sessions()
    session_id = begin(cache, 0)
    context = enter(cache, request(session_id=session_id, epoch=1, forget=(0,)))
    assert (context.session_id, run(context), len(cache)) == (0, [], 0)


@pytest.mark.parametrize("epoch", [0, -1])
def test_a_full_fetch_ends_the_session_it_names(epoch):
    cache = sessions()
    session_id = begin(cache, 0)
    context = enter(cache, request(0, session_id=session_id, epoch=epoch))
    assert run(context) == [0]
    assert context.session_id == (0 if epoch else 2)
    gone = enter(cache, request(session_id=session_id, epoch=1))
    assert gone.error == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_a_wrong_epoch_is_refused():
    cache = sessions()
    session_id = begin(cache, 0)
    enter(cache, request(session_id=session_id, epoch=1))
    for epoch in (1, 3):
        context = enter(cache, request(session_id=session_id, epoch=epoch))
        assert (context.error, context.session_id) == (ErrorCode.INVALID_FETCH_SESSION_EPOCH, 0)


def test_an_answer_overtaken_by_the_next_fetch_is_refused():
    cache = sessions()
    session_id = begin(cache, 0)
    slow = enter(cache, request(session_id=session_id, epoch=1))
    enter(cache, request(session_id=session_id, epoch=2))
    assert run(slow, p0={"records": b"x"}) == []
    assert (slow.error, slow.session_id) == (ErrorCode.INVALID_FETCH_SESSION_EPOCH, session_id)


def test_epochs_begin_again_at_1():
    cache = sessions()
    session_id = begin(cache, 0)
    cache._sessions[session_id].epoch = 2**31 - 1
    assert enter(cache, request(session_id=session_id, epoch=2**31 - 1)).error == 0
    assert enter(cache, request(session_id=session_id, epoch=1)).error == 0


def test_sessions_by_name_and_by_id_do_not_mix():
    cache = sessions()
    session_id = begin(cache, 0)
    context = enter(cache, request(session_id=session_id, epoch=1), version=13)
    assert context.error == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR


def test_a_topic_id_that_was_unknown_is_resolved_later():
    cache = sessions()
    asked = request(0)
    asked.topics[0].topic_id = UUID(int=8)
    context = enter(cache, asked, version=13)
    assert [partition.topic for partition in context.partitions] == [None]
    run(context)
    again = cache.context(
        request(session_id=context.session_id, epoch=1),
        version=13,
        is_follower=False,
        now_ms=0,
        topic_name=lambda topic_id: "u",
    )
    assert [partition.topic for partition in again.partitions] == ["u"]


def test_a_full_cache_gives_no_session_to_consumers():
    cache = sessions(1)
    first = begin(cache, 0)
    assert begin(cache, 0, 1, now_ms=EVICTION_MS) == 0
    assert enter(cache, request(session_id=first, epoch=1)).error == 0


def test_no_slots_give_no_session():
    assert begin(sessions(0), 0) == 0


def test_a_stale_session_gives_way():
    cache = sessions(1)
    first = begin(cache, 0, 1, 2)
    assert begin(cache, 0, now_ms=EVICTION_MS + 1) == 2
    gone = enter(cache, request(session_id=first, epoch=1))
    assert gone.error == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_an_old_session_with_fewer_partitions_gives_way():
    cache = sessions(1)
    first = begin(cache, 0, 1)
    enter(cache, request(session_id=first, epoch=1), now_ms=EVICTION_MS)
    assert begin(cache, 0, now_ms=EVICTION_MS + 1) == 0
    assert begin(cache, 0, 1, 2, now_ms=EVICTION_MS + 1) == 2


def test_a_follower_takes_a_consumers_place_at_once():
    cache = sessions(1)
    begin(cache, 0, 1, 2)
    assert begin(cache, 0, follower=True) == 2
    assert begin(cache, 0, 1, follower=True) == 0


@pytest.mark.parametrize("session_id", [-(2**31), -(2**28) + 1, 2**31 - 8])
@pytest.mark.parametrize("epoch", [-1, 3])
def test_ids_that_fall_into_no_shard_are_refused(session_id: int, epoch: int):
    with pytest.raises(KafkaError) as refused:
        enter(sessions(), request(0, session_id=session_id, epoch=epoch))
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
