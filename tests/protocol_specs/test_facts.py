import json

import pytest

from protocol_specs.facts import dump, parse

DEFINITION = """// A licence.
{
  "apiKey": 3,
  "type": "request",
  "listeners": ["broker"],
  "name": "ThingRequest",
  // Version 1 adds Url.
  "validVersions": "0-1",
  "deprecatedVersions": "0",
  "latestVersionUnstable": true,
  "flexibleVersions": "1+",
  "fields": [
    { "name": "Count", "type": "int32", "versions": "0+", "default": "0x10", "about": "Prose." },
    { "name": "Url", "type": "string", "versions": "1+", "nullableVersions": "1+", "default": "null",
      "ignorable": true, "about": "See https://kafka.apache.org" },
    { "name": "Extra", "type": "[]int32", "taggedVersions": "1+", "tag": "0", "default": null },
    { "name": "Parts", "type": "[]Part", "versions": "0+", "about": "Prose.", "fields": [
      { "name": "On", "type": "bool", "versions": "0+", "default": "true", "ignorable": false } ]}
  ]
}
]
"""


def test_facts_are_kept_and_prose_is_not():
    assert parse(DEFINITION) == {
        "apiKey": 3,
        "type": "request",
        "name": "ThingRequest",
        "listeners": ["broker"],
        "validVersions": "0-1",
        "flexibleVersions": "1+",
        "latestVersionUnstable": True,
        "fields": [
            {"name": "Count", "type": "int32", "versions": "0+", "default": 16},
            {
                "name": "Url",
                "type": "string",
                "versions": "1+",
                "nullableVersions": "1+",
                "default": None,
                "ignorable": True,
            },
            {"name": "Extra", "type": "[]int32", "taggedVersions": "1+", "tag": 0, "versions": "1+"},
            {
                "name": "Parts",
                "type": "[]Part",
                "versions": "0+",
                "fields": [{"name": "On", "type": "bool", "versions": "0+", "default": True}],
            },
        ],
        "commonStructs": [],
    }


def test_an_unknown_key_is_refused_rather_than_lost():
    with pytest.raises(ValueError, match="surprise"):
        parse(DEFINITION.replace('"about"', '"surprise"', 1))


def test_what_is_written_is_json_with_a_line_for_each_field():
    facts = parse(DEFINITION)
    text = dump(facts)
    assert json.loads(text) == facts
    assert len([line for line in text.splitlines() if '"name": "Url"' in line]) == 1
