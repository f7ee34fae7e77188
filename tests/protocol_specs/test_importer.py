"""Nothing of either release's definitions is lost: read again, in another way, from the jars."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from compat.oracle.releases import jars
from protocol_specs.codegen.schema import MESSAGES
from protocol_specs.importer import merge, read_releases, release_of
from protocol_specs.union import RENAMED_FIELDS, RENAMED_MESSAGES
from protocol_specs.versions import Versions

RELEASES = {"3.9": "3.9.2", "4.3": "4.3.0"}
# Both releases have this version with different layouts; 3.9's was unstable, 4.3's is ours.
TWO_LAYOUTS = {("ReadShareGroupStateSummaryResponse", 0), ("ShareGroupMetadataValue", 0)}


class Line(NamedTuple):
    """One field of a layout at one version."""

    path: str
    type: str
    nullable: bool
    tag: int | None


def kafka_jars(release: str) -> list[Path]:
    return sorted(jars(RELEASES[release]).glob("kafka*.jar"))


@cache
def raw_definitions(release: str) -> dict[str, dict[str, Any]]:
    found = {}
    for path in kafka_jars(release):
        with zipfile.ZipFile(path) as jar:
            for name in jar.namelist():
                if "message/" in name and name.endswith(".json"):
                    lines = jar.read(name).decode().splitlines()
                    text = "\n".join(line for line in lines if not line.lstrip().startswith("//"))
                    definition, _ = json.JSONDecoder().raw_decode(text.strip())
                    found[definition["name"]] = definition
    return found


def ours(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MESSAGES / f"{name}.json").read_text())
    return found


def layout(definition: dict[str, Any], version: int) -> list[Line]:
    common = {struct["name"]: struct["fields"] for struct in definition.get("commonStructs", ())}
    return [*_lines(definition["name"], definition["fields"], common, version, "")]


def _lines(
    message: str, fields: list[dict[str, Any]], common: Any, version: int, path: str
) -> Iterator[Line]:
    for field in fields:
        if version not in Versions.parse(field.get("versions", field.get("taggedVersions"))):
            continue
        name = RENAMED_FIELDS.get((RENAMED_MESSAGES.get(message, message), field["name"]), field["name"])
        tagged = version in Versions.parse(field.get("taggedVersions"))
        nullable = version in Versions.parse(field.get("nullableVersions"))
        here = f"{path}/{name.lower()}"
        yield Line(here, field["type"].lower(), nullable, int(field["tag"]) if tagged else None)
        nested = field.get("fields") or common.get(field["type"].removeprefix("[]"), [])
        yield from _lines(message, nested, common, version, here)


def versions_of(release: str) -> Iterator[tuple[str, dict[str, Any], int]]:
    for name, definition in raw_definitions(release).items():
        for version in Versions.parse(definition["validVersions"]):
            yield RENAMED_MESSAGES.get(name, name), definition, version


@pytest.mark.oracle
@pytest.mark.parametrize("release", RELEASES)
def test_every_version_of_every_message_is_there(release: str):
    for name, definition, version in versions_of(release):
        union = ours(name)
        assert union.get("apiKey") == definition.get("apiKey", union.get("apiKey"))
        assert version in Versions.parse(union["releases"][release])
        if union["type"] != "coordinator-key":
            assert version in Versions.parse(union["validVersions"]), f"{name} {version}"


@pytest.mark.oracle
def test_the_newer_releases_layouts_are_ours():
    for name, definition, version in versions_of("4.3"):
        assert layout(ours(name), version) == layout(definition, version), f"{name} {version}"
        flexible = version in Versions.parse(definition["flexibleVersions"])
        assert flexible == (version in Versions.parse(ours(name)["flexibleVersions"]))


@pytest.mark.oracle
def test_the_older_releases_layouts_are_ours_except_for_tagged_fields_that_came_later():
    for name, definition, version in versions_of("3.9"):
        union = ours(name)
        if (name, version) in TWO_LAYOUTS:
            continue
        # 3.x described a coordinator's key by the version that 4.x calls its type; the layout is one.
        our_version = 0 if union["type"] == "coordinator-key" else version
        theirs = layout(definition, version)
        known = {line.path for line in theirs}
        same = [line for line in layout(union, our_version) if line.path in known or line.tag is None]
        if name not in RENAMED_MESSAGES.values():
            assert theirs == same, f"{name} {version}"
        else:
            assert [line._replace(type="") for line in theirs] == [line._replace(type="") for line in same]


@pytest.mark.oracle
def test_the_newer_releases_defaults_and_attributes_are_ours():
    for name, definition, _ in versions_of("4.3"):
        union = dict(_flat(ours(name), ""))
        for path, field in _flat(definition, ""):
            if path in union:
                mine = union[path]
                for key in ("ignorable", "mapKey", "entityType", "zeroCopy"):
                    assert (field.get(key) or None) == mine.get(key), f"{name}{path} {key}"
                assert _default(field) == _our_default(mine), f"{name}{path}"


def _flat(owner: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in owner.get("fields", ()):
        here = f"{path}/{field['name'].lower()}"
        yield here, field
        yield from _flat(field, here)
    for struct in owner.get("commonStructs", ()):
        yield from _flat(struct, f"{path}#{struct['name']}")


def _default(field: dict[str, Any]) -> str:
    """Kafka's generator takes a JSON null for no default."""
    text = str(field.get("default") if field.get("default") is not None else "").lower()
    return str(int(text, 16)) if text.startswith("0x") else text


def _our_default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return ""
    return "null" if field["default"] is None else str(field["default"]).lower()


@pytest.mark.oracle
def test_importing_again_changes_nothing():
    merged = merge(read_releases(path for release in RELEASES for path in kafka_jars(release)))
    assert {path.stem for path in MESSAGES.glob("*.json")} == merged.keys()
    for name, definition in merged.items():
        assert ours(name) == definition, name


def test_a_release_is_in_a_jars_name():
    assert release_of(Path("kafka-clients-3.9.2.jar")) == "3.9"
    with pytest.raises(ValueError, match="not the name"):
        release_of(Path("kafka-clients.jar"))


def test_no_prose_came_along():
    for path in MESSAGES.glob("*.json"):
        text = path.read_text()
        assert "about" not in text
        assert "//" not in text
