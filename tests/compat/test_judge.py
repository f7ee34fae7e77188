"""The judge's own rules: what it forgives, what it never does, and what it says."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from compat.judge.coverage import Coverage
from compat.judge.differences import Difference, compare, compare_transcripts
from compat.judge.judgment import Run
from compat.judge.known import KnownDifference, known_differences
from compat.judge.normalisation import Normalisation
from compat.judge.recordings import Recordings
from compat.judge.report import not_served_text, refusals, version_ranges
from compat.judge.scenario import Scenario, all_scenarios
from compat.judge.subject import odradeks_gaps, without_rows_of
from compat.judge.transcript import batches, error_codes, shown, tree
from compat.malformed.known import KNOWN as KNOWN_OUTCOMES
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.metadata_response import MetadataResponse, MetadataResponseTopic
from odradek.records.builder import build_batch
from odradek.records.record import Record

ONE = "5e2c3b6a-7d0f-4a51-9f0e-0123456789ab"
TWO = "6e2c3b6a-7d0f-4a51-9f0e-0123456789ab"


def normal(value: Any) -> Any:
    return Normalisation("judge-me-v1-", 9092, begin_ms=1_000_000_000_000).apply(tree(value))


def test_a_tree_shows_only_what_was_said():
    answer = MetadataResponse(topics=[MetadataResponseTopic(error_code=3, name="t", topic_id=UUID(ONE))])
    assert tree(answer) == {"topics": [{"error_code": 3, "name": "t", "topic_id": ONE}]}


def test_records_show_their_headers_and_themselves():
    batch = bytes(build_batch([Record(0, 5, b"k", None), Record(1, 6, None, b"v", (("h", b"1"),))]))
    found: Any = batches(batch + batch[:30])
    [whole, rest] = found
    assert whole["records"] == [[0, 5, "k", None], [1, 6, None, "v", ["h", "1"]]]
    assert (whole["record_count"], whole["crc"], rest) == (2, "right", {"cut_off_bytes": 30})


def test_a_wrong_crc_shows():
    batch = bytearray(build_batch([Record(0, 5, None, b"v")]))
    batch[-1] ^= 1
    found: Any = batches(bytes(batch))
    assert found[0]["crc"] == "wrong"


def test_long_bytes_show_their_size_and_hash():
    assert shown(b"x" * 100) != shown(b"x" * 16 + b"y" * 84)
    assert "100 bytes" in str(shown(b"x" * 100))


def test_ids_are_numbered_as_they_appear():
    assert normal([{"topic_id": TWO}, {"member_id": f"c-{ONE}"}, {"topic_id": TWO}]) == [
        {"topic_id": "<uuid 1>"},
        {"member_id": "c-<uuid 2>"},
        {"topic_id": "<uuid 1>"},
    ]


def test_no_id_stays_no_id():
    assert normal({"topic_id": str(UUID(int=7)), "producer_id": -1}) == {
        "topic_id": str(UUID(int=7)),
        "producer_id": -1,
    }


def test_producers_and_sessions_are_numbered():
    seen = normal([{"producer_id": 4000}, {"producer_id": 0}, {"producer_id": 4000}, {"session_id": 77}])
    assert seen == [
        {"producer_id": "<producer 1>"},
        {"producer_id": "<producer 2>"},
        {"producer_id": "<producer 1>"},
        {"session_id": "<session 1>"},
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"error_code": 3},
        {"base_offset": 9092},
        {"committed_offset": 4000},
        {"count": 5},
        ["b", "a"],
        {"low_watermark": -1},
    ],
)
def test_codes_counts_offsets_and_order_are_never_touched(answer):
    assert normal(answer) == answer


def test_only_the_time_of_the_run_is_now():
    assert normal([1_000_000_000_000, 999_999_000_000]) == ["<now>", 999_999_000_000]


def test_rows_of_other_scenarios_are_left_out():
    rows = [
        {"name": "judge-other-v1-a"},
        {"name": "judge-me-v1-a"},
        {"name": "judge-me-v10-a"},
        {"name": "x"},
    ]
    assert normal(rows) == [{"name": "~a"}, {"name": "x"}]


def test_rules_apply_again_to_what_was_recorded():
    once = normal([{"topic_id": ONE, "port": 9092}, {"session_id": 5}])
    assert Normalisation().apply(once) == once


def test_differences_name_the_field():
    kafka = {"topics": [{"name": "t", "error_code": 3}], "controller_id": 0}
    here = {"topics": [{"name": "t"}], "controller_id": 1}
    assert list(compare(kafka, here)) == [
        ("topics[0].error_code", "3", "(default)"),
        ("controller_id", "0", "1"),
    ]


def test_members_come_in_any_order_in_a_group_and_in_that_of_the_request_elsewhere():
    rows = [{"member_id": TWO, "metadata": "b"}, {"member_id": ONE, "metadata": "a"}]
    [first, second] = normal({"leader": ONE, "members": rows})["members"]
    assert (first["metadata"], second["metadata"]) == ("a", "b")
    assert [row["metadata"] for row in normal({"members": rows})["members"]] == ["b", "a"]


def test_a_boolean_is_not_a_number():
    assert list(compare({"x": True}, {"x": 1})) == [("x", "True", "1")]


def test_another_order_is_one_difference():
    rows = [{"name": "a"}, {"name": "b"}]
    assert list(compare({"topics": rows}, {"topics": rows[::-1]})) == [("topics.order", "[a, b]", "[b, a]")]


def test_another_count_is_a_difference():
    assert ("topics.length", "1", "0") in list(compare({"topics": ["a"]}, {"topics": []}))


def test_a_closed_connection_is_a_difference():
    kafka = [{"sent": "FETCH", "answer": {}}]
    here = [{"sent": "FETCH", "event": "closed"}]
    assert [each[:2] for each in compare_transcripts(kafka, here)] == [("1 FETCH", ""), ("1 FETCH", "event")]


def test_a_transcript_that_ends_early_is_a_difference():
    kafka = [{"sent": "FETCH", "answer": {}}, {"sent": "FETCH", "answer": {}}]
    assert [each[0] for each in compare_transcripts(kafka, kafka[:1])] == ["2 FETCH", "2 FETCH"]


def difference(path: str = "topics[0].error_code") -> Difference:
    return Difference("3.9", "metadata.one_topic", 3, "1 METADATA", path, "0", "3")


def test_a_known_difference_covers_its_field_only():
    entry = KnownDifference("3.9", "metadata.*", "topics[0].*", "why")
    assert entry.covers(difference())
    assert not entry.covers(difference("topics[1].error_code"))
    assert not KnownDifference("4.3", "metadata.*", "*", "why").covers(difference())


def test_a_known_difference_is_asked_for_only_with_its_scenario():
    entry = KnownDifference("*", "metadata.*", "*", "why")
    assert entry.was_asked("3.9", ["metadata.one_topic"])
    assert not entry.was_asked("3.9", ["fetch.no_topics"])


def test_every_known_difference_has_its_reason(tmp_path):
    file = tmp_path / "known.toml"
    file.write_text('[[difference]]\nrelease = "*"\nscenario = "x"\nfield = "y"\nreason = " "\n')
    with pytest.raises(ValueError, match="reason"):
        known_differences(file)
    known_differences()


def test_there_are_few_known_differences_and_each_is_argued():
    reasons = [each.reason for each in known_differences()] + [each.reason for each in KNOWN_OUTCOMES]
    assert len(reasons) <= 10
    assert not [reason for reason in reasons if not reason or "implemented" in reason]


def test_what_is_not_served_has_no_row_in_api_versions():
    not_served = frozenset({ApiKey.END_TXN})
    kafka = [{"sent": "API_VERSIONS", "answer": {"api_keys": [{"max_version": 9}, {"api_key": 26}]}}]
    owed: Any = without_rows_of(not_served, kafka)
    assert owed[0]["answer"]["api_keys"] == [{"max_version": 9}]
    assert without_rows_of(frozenset(), kafka) == kafka


def test_a_row_that_is_missing_or_surplus_is_a_difference():
    not_served = frozenset({ApiKey.END_TXN})
    kafka = [{"sent": "API_VERSIONS", "answer": {"api_keys": [{"max_version": 9}, {"api_key": 26}]}}]
    nothing = [{"sent": "API_VERSIONS", "answer": {"api_keys": []}}]
    owed = without_rows_of(not_served, kafka)
    assert list(compare_transcripts(owed, nothing))
    assert list(compare_transcripts(owed, kafka))


def test_what_odradek_lacks_is_what_its_gaps_say():
    assert ApiKey.SHARE_FETCH in odradeks_gaps("4.3")
    assert ApiKey.SHARE_FETCH not in odradeks_gaps("3.9")
    assert ApiKey.PRODUCE not in odradeks_gaps("3.9")
    assert "SHARE_FETCH" in not_served_text("4.3", odradeks_gaps("4.3"))


def test_codes_are_found_at_any_depth():
    answer = {"topics": [{"partitions": [{"error_code": 3}]}], "error_code": 0}
    assert list(error_codes(answer)) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]


def test_a_version_without_success_is_told():
    found = Coverage("4.3")
    assert (ApiKey.PRODUCE, 0) in found.without_success()
    assert ErrorCode.CORRUPT_MESSAGE in found.codes_not_reached()[ApiKey.PRODUCE]


def test_what_kafka_advertises_and_refuses_is_a_fact_and_no_gap():
    found = Coverage("4.3")
    run = Run(scenario_named("produce.one_batch"), "4.3", 0)
    found.count(run, [{"sent": "PRODUCE", "event": "closed"}])
    assert found.refused() == {(ApiKey.PRODUCE, 0): "closes the connection"}
    assert (ApiKey.PRODUCE, 0) not in found.offered()
    assert refusals(found) == ["PRODUCE v0: closes the connection"]
    found.count(run, [{"sent": "PRODUCE", "answer": {"responses": []}}])
    assert not found.refused()


def test_versions_collapse():
    assert version_ranges([3, 0, 1, 2, 5, 7, 8]) == "v0-3,5,7-8"


def scenario_named(name: str) -> Scenario:
    [found] = [each for each in all_scenarios(name) if each.name == name]
    return found


def test_scenarios_run_at_what_a_release_offers():
    assert scenario_named("metadata.by_id").versions("3.9") == [10, 11, 12]
    assert scenario_named("metadata.by_id").versions("4.3") == [10, 11, 12, 13]
    assert scenario_named("fetch.over_many_segments").versions("4.3") == [18]


def test_names_of_scenarios_are_unique():
    names = [each.name for each in all_scenarios()]
    assert len(names) == len(set(names)) > 100


def test_recordings_come_back_and_equal_versions_are_written_once(tmp_path: Path):
    scenario = scenario_named("metadata.by_id")
    recordings = Recordings("3.9", tmp_path)
    for version in (10, 11):
        recordings.keep(scenario, version, [{"sent": "METADATA", "answer": {"topics": [{"name": "é"}]}}])
    recordings.write()
    assert (tmp_path / "3.9" / "metadata.json").read_text().count("é") == 1
    again = Recordings("3.9", tmp_path)
    assert again.find(scenario, 11) == recordings.find(scenario, 10) is not None
    assert again.find(scenario, 12) is None
    again.keep(scenario, 12, [])
    again.write()
    assert Recordings("3.9", tmp_path).find(scenario, 11) == recordings.find(scenario, 11)


def test_a_recording_of_another_scenario_is_stale(tmp_path: Path):
    recordings = Recordings("3.9", tmp_path)
    recordings.keep(scenario_named("metadata.by_id"), 10, [])
    recordings.write()
    file = tmp_path / "3.9" / "metadata.json"
    file.write_text(file.read_text().replace('"digest": "', '"digest": "other-'))
    assert Recordings("3.9", tmp_path).find(scenario_named("metadata.by_id"), 10) is None


def test_recordings_of_scenarios_that_are_gone_go_too(tmp_path: Path):
    recordings = Recordings("3.9", tmp_path)
    for name in ("metadata.by_id", "metadata.no_topics"):
        recordings.keep(scenario_named(name), 10, [])
    recordings.write()
    again = Recordings("3.9", tmp_path)
    again.forget_others([scenario_named("metadata.by_id")])
    again.write()
    assert "no_topics" not in (tmp_path / "3.9" / "metadata.json").read_text()
