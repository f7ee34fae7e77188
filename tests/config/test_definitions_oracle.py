"""Our tables against the classes of real releases: every name, type, default, limit, level and synonym."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import compat
from compat.oracle.java import Jvm, LogTo, compiled, java_command
from odradek.config.definition import REQUIRED, Definition, Update
from odradek.config.definitions import (
    broker_definitions,
    broker_quota_definitions,
    client_metrics_definitions,
    group_definitions,
    topic_definitions,
)
from odradek.config.release import Release
from odradek.config.synonyms import GROUP_SYNONYMS, TOPIC_SYNONYMS

DUMP = Path(compat.__file__).parent / "java" / "ConfigDump.java"

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module", params=["3.9.2", "4.3.0"])
def dump(request: pytest.FixtureRequest) -> tuple[Release, Any]:
    version = request.param
    classes = compiled(DUMP, version)
    command = java_command(version, "ConfigDump", jvm=Jvm.TOOL, log_to=LogTo.ERRORS, extra_classes=classes)
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Release.parse(version.rpartition(".")[0]), json.loads(printed)


def facts(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "type": definition.type.name,
        "has_default": definition.default is not REQUIRED,
        "default": None if definition.default is REQUIRED else definition.default,
        "validator": None if definition.validator is None else str(definition.validator),
        "importance": definition.importance.name,
        "internal": definition.internal,
    }


@pytest.mark.parametrize(
    ("scope", "ours"),
    [
        ("broker", broker_definitions),
        ("topic", topic_definitions),
        ("group", group_definitions),
        ("client-metrics", client_metrics_definitions),
    ],
)
def test_definitions_are_those_of_the_release(dump, scope, ours):
    release, facts_of_kafka = dump
    theirs = {each["name"]: each for each in facts_of_kafka["scopes"].get(scope, [])}
    for each in theirs.values():
        del each["validator_class"], each["validator_flags"]
    assert {name: facts(definition) for name, definition in ours(release).items()} == theirs


def test_what_a_running_broker_takes_is_that_of_the_release(dump):
    release, facts_of_kafka = dump
    ours = {**broker_quota_definitions(release), **broker_definitions(release)}
    dynamic = {name: row.update.value for name, row in ours.items() if row.update is not Update.READ_ONLY}
    assert dynamic == facts_of_kafka["update_modes"]


def test_topic_synonyms_are_those_of_the_release(dump):
    release, facts_of_kafka = dump
    ours = {
        name: ",".join(each.name if each.factor == 1 else f"{each.name}*{each.factor}" for each in synonyms)
        for name, synonyms in TOPIC_SYNONYMS.items()
        if name in topic_definitions(release)
    }
    assert ours == facts_of_kafka["topic_synonyms"]


def test_group_synonyms_are_those_of_the_release(dump):
    release, facts_of_kafka = dump
    ours = {
        name: f"Optional[{GROUP_SYNONYMS[name]}]" if name in GROUP_SYNONYMS else "Optional.empty"
        for name in group_definitions(release)
    }
    assert ours == facts_of_kafka["group_synonyms"]
