from typing import Any

import pytest

from protocol_specs.facts import Definition
from protocol_specs.union import union


def definition(valid: str, *fields: Definition, **more: Any) -> Definition:
    found = {"type": "request", "name": "ThingRequest", "apiKey": 1, "flexibleVersions": "none"}
    return {**found, "validVersions": valid, "fields": [*fields], "commonStructs": [], **more}


def field(name: str, versions: str, **more: Any) -> Definition:
    return {"name": name, "type": "int32", "versions": versions, **more}


def fields(merged: Definition) -> list[tuple[str, str]]:
    return [(each["name"], each["versions"]) for each in merged["fields"]]


def test_every_version_of_either_is_there():
    merged = union(definition("0-4", field("A", "0+")), definition("2-6", field("A", "0+")))
    assert merged["validVersions"] == "0-6"
    assert fields(merged) == [("A", "0+")]


def test_a_field_that_was_removed_with_its_versions_stays_in_its_place():
    older = definition("0-2", field("A", "0+"), field("Gone", "0-1"), field("B", "0+"))
    newer = definition("2-3", field("A", "0+"), field("B", "0+"), field("New", "3+"))
    assert fields(union(older, newer)) == [("A", "0+"), ("Gone", "0-1"), ("B", "0+"), ("New", "3+")]


def test_the_newer_layout_wins_where_both_have_the_version():
    older = definition("0", field("A", "0+"))
    newer = definition("0-1", field("A", "0+"), field("B", "0+"))
    assert fields(union(older, newer)) == [("A", "0+"), ("B", "0+")]


def test_a_renamed_field_has_the_newer_name():
    older = definition("0-1", field("CandidateId", "0+"), name="VoteRequest")
    newer = definition("0-2", field("ReplicaId", "0+"), name="VoteRequest")
    assert fields(union(older, newer)) == [("ReplicaId", "0+")]


def test_a_message_without_versions_left_is_the_older_one():
    older = definition("0-3", field("A", "0+"), listeners=["zkBroker"])
    newer = definition("none")
    merged = union(older, newer)
    assert merged["validVersions"] == "0-3"
    assert merged["listeners"] == ["zkBroker"]


def test_listeners_of_both_count():
    older = definition("0", listeners=["zkBroker", "controller"])
    assert union(older, definition("0", listeners=["broker"]))["listeners"] == [
        "zkBroker",
        "broker",
        "controller",
    ]


def test_nested_fields_are_merged_by_version():
    older_parts = [field("X", "0"), field("Y", "0+", nullableVersions="1+")]
    older = definition("0-1", field("Parts", "0+", type="[]Part", fields=older_parts))
    newer_parts = [field("Y", "0+", nullableVersions="1+")]
    newer = definition("1-2", field("Parts", "0+", type="[]Part", fields=newer_parts))
    (parts,) = union(older, newer)["fields"]
    assert fields(parts) == [("X", "0"), ("Y", "0+")]
    assert parts["fields"][1]["nullableVersions"] == "1+"


def test_nullability_with_a_hole_is_refused():
    older = definition("0-1", field("Y", "0+", nullableVersions="0+"))
    newer = definition("1-2", field("Y", "0+", nullableVersions="2+"))
    with pytest.raises(ValueError, match="not a range"):
        union(older, newer)


def test_a_type_that_changed_is_refused():
    with pytest.raises(ValueError, match="became"):
        union(definition("0", field("A", "0+")), definition("0", field("A", "0+", type="int64")))


def test_a_coordinators_key_is_described_as_the_newer_release_does():
    older = definition("8", field("GroupId", "8"), type="data")
    newer = definition("0", field("GroupId", "0"), type="coordinator-key", apiKey=8)
    merged = union(older, newer)
    assert (merged["type"], merged["apiKey"], merged["validVersions"]) == ("coordinator-key", 8, "0")
