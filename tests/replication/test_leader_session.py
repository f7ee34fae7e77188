"""A follower's end of a fetch session, against the leader's end and against wrong answers."""

from uuid import UUID

from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.fetch_response import FetchableTopicResponse, FetchResponse, PartitionData
from odradek.replication.leader_session import AskedPartition, LeaderSession

ID, OTHER_ID = UUID(int=1), UUID(int=2)
NO_ID = UUID(int=0)
A0, A1 = TopicPartition("a", 0), TopicPartition("a", 1)


def asked(offset: int = 0, topic_id: UUID = ID) -> AskedPartition:
    return AskedPartition(topic_id, offset, 0, 1000, 3, 2)


def answer(*partitions: int, session_id: int = 9, topic_id: UUID = ID, error: int = 0) -> FetchResponse:
    topics = [FetchableTopicResponse("", topic_id, [PartitionData(each) for each in partitions])]
    return FetchResponse(0, error, session_id, topics if partitions else [])


def begun() -> LeaderSession:
    """A session of 9 with partition a-0, at epoch 1."""
    session = LeaderSession()
    session.build({A0: asked()})
    assert session.accept(answer(0), uses_topic_ids=True) is not None
    return session


def test_the_first_fetch_asks_for_everything_and_a_session():
    session = LeaderSession()
    fetch = session.build({A0: asked(), A1: asked()})
    assert (fetch.session_id, fetch.epoch) == (0, 0)
    assert list(fetch.to_send) == [A0, A1]
    fetched = session.accept(answer(0, 1), uses_topic_ids=True)
    assert fetched is not None
    assert list(fetched) == [A0, A1]


def test_later_fetches_say_what_changed():
    session = begun()
    fetch = session.build({A0: asked()})
    assert (fetch.session_id, fetch.epoch, dict(fetch.to_send)) == (9, 1, {})
    assert fetch.asked == {A0: asked()}
    assert session.accept(answer(), uses_topic_ids=True) == {}
    fetch = session.build({A0: asked(5), A1: asked()})
    assert (fetch.epoch, fetch.to_send) == (2, {A0: asked(5), A1: asked()})
    session.accept(answer(0), uses_topic_ids=True)
    fetch = session.build({A1: asked()})
    assert fetch.forgotten == ((A0, ID),)
    assert (fetch.asked, dict(fetch.to_send)) == ({A1: asked()}, {})


def test_forgetting_the_last_partition_is_a_fetch_and_then_there_is_none():
    session = begun()
    fetch = session.build({})
    assert not fetch.is_empty
    assert session.accept(answer(session_id=0), uses_topic_ids=True) == {}
    fetch = session.build({})
    assert fetch.is_empty
    assert (fetch.session_id, fetch.epoch) == (0, 0)


def test_another_topic_of_the_same_name_replaces_the_first():
    session = begun()
    fetch = session.build({A0: asked(0, OTHER_ID)})
    assert fetch.forgotten == ((A0, ID),)
    assert fetch.to_send == {A0: asked(0, OTHER_ID)}


def test_one_partition_without_an_id_and_names_are_used():
    session = LeaderSession()
    fetch = session.build({A0: asked(), TopicPartition("b", 0): asked(0, NO_ID)})
    assert not fetch.uses_topic_ids


def test_a_session_that_the_leader_forgot_begins_anew():
    session = begun()
    session.build({A0: asked()})
    assert session.accept(answer(error=ErrorCode.FETCH_SESSION_ID_NOT_FOUND), uses_topic_ids=True) is None
    fetch = session.build({A0: asked()})
    assert (fetch.session_id, fetch.epoch, list(fetch.to_send)) == (0, 0, [A0])


def test_a_session_in_doubt_is_ended_by_its_id():
    session = begun()
    session.build({A0: asked()})
    session.failed()
    fetch = session.build({A0: asked()})
    assert (fetch.session_id, fetch.epoch, list(fetch.to_send)) == (9, 0, [A0])


def test_answers_that_do_not_fit_are_not_used():
    session = begun()
    session.build({A0: asked()})
    assert session.accept(answer(1), uses_topic_ids=True) is None
    assert session.build({A0: asked()}).epoch == 0
    session = begun()
    session.build({A0: asked()})
    assert session.accept(answer(0, topic_id=OTHER_ID), uses_topic_ids=True) is None
    session = LeaderSession()
    session.build({A0: asked(), A1: asked()})
    assert session.accept(answer(0), uses_topic_ids=True) is None


def test_a_leader_without_room_for_sessions_is_asked_for_everything_each_time():
    session = LeaderSession()
    session.build({A0: asked()})
    assert session.accept(answer(0, session_id=0), uses_topic_ids=True) is not None
    fetch = session.build({A0: asked()})
    assert (fetch.session_id, fetch.epoch, list(fetch.to_send)) == (0, 0, [A0])
