from odradek.coordinators.outcome import JournalRecord, ReplayedRecord
from odradek.groups import records
from odradek.groups.journal import GroupJournal
from odradek.groups.stored import CommittedOffset, StoredGroup
from odradek.metadata.topic_partition import TopicPartition

T0 = TopicPartition("t", 0)


def replay(journal: GroupJournal, record: JournalRecord, offset: int, producer_id: int = -1) -> None:
    journal.replay(ReplayedRecord(record.key, record.value, offset, producer_id))


def commit(offset: int) -> JournalRecord:
    return records.offset_record("g", T0, CommittedOffset(offset, -1, "", 0))


def committed(journal: GroupJournal) -> int | None:
    offset = journal.offsets.get("g", {}).get(T0)
    return None if offset is None else offset.offset


def test_the_last_commit_counts_until_its_tombstone():
    journal = GroupJournal()
    replay(journal, commit(1), 0)
    replay(journal, commit(2), 1)
    assert committed(journal) == 2
    replay(journal, records.offset_tombstone("g", T0), 2)
    assert journal == GroupJournal()


def test_the_last_generation_counts_until_its_tombstone():
    journal = GroupJournal()
    group = StoredGroup("consumer", 2, None, None, 0, ())
    replay(journal, records.group_record("g", group), 0)
    assert journal.groups == {"g": group}
    replay(journal, records.group_tombstone("g"), 1)
    assert journal.group_ids() == set()


def test_a_commit_in_a_transaction_counts_when_that_commits():
    journal = GroupJournal()
    replay(journal, commit(1), 0, producer_id=9)
    assert committed(journal) is None
    assert journal.has_pending("g", T0)
    assert journal.group_ids() == {"g"}
    journal.end_transaction(9, committed=True)
    assert committed(journal) == 1
    assert not journal.has_pending("g", T0)


def test_an_aborted_commit_never_was():
    journal = GroupJournal()
    replay(journal, commit(1), 0, producer_id=9)
    journal.end_transaction(9, committed=False)
    assert journal == GroupJournal()


def test_a_commit_later_in_the_log_wins_over_a_transaction_that_ends_later():
    journal = GroupJournal()
    replay(journal, commit(1), 0, producer_id=9)
    replay(journal, commit(2), 1)
    journal.end_transaction(9, committed=True)
    assert committed(journal) == 2


def test_a_tombstone_takes_a_pending_commit_along():
    journal = GroupJournal()
    replay(journal, commit(1), 0, producer_id=9)
    replay(journal, records.offset_tombstone("g", T0), 1)
    journal.end_transaction(9, committed=True)
    assert committed(journal) is None


def test_the_end_of_an_unknown_transaction_does_nothing():
    journal = GroupJournal()
    journal.end_transaction(9, committed=True)
    assert journal == GroupJournal()


def test_records_of_newer_kinds_of_group_are_left_alone():
    journal = GroupJournal()
    replay(journal, JournalRecord(b"\x00\x03\x00\x01g", b"\x00\x00"), 0)
    assert journal == GroupJournal()
