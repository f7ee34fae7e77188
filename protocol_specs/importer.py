"""Import the message definitions in Kafka's jars: `python -m protocol_specs.importer JAR...` (`make specs`).

The jars of two releases go in, in any order; the release is the end of a jar's name. Out come the files of
`protocol_specs/messages/`: facts only, the union of both releases (`protocol_specs.union`).
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from protocol_specs.facts import Definition, dump, parse
from protocol_specs.union import RENAMED_MESSAGES, union
from protocol_specs.versions import Versions

MESSAGES = Path(__file__).parent / "messages"
_ENTRY = re.compile(r"(?:common/)?message/(\w+)\.json")
_RELEASE = re.compile(r"-(\d+\.\d+)\.\d+\.jar$")


def read_jar(path: Path) -> dict[str, Definition]:
    """Every message definition in one jar, by its name."""
    with zipfile.ZipFile(path) as jar:
        texts = [jar.read(name).decode() for name in jar.namelist() if _ENTRY.fullmatch(name)]
    return {definition["name"]: definition for definition in map(parse, texts)}


def release_of(path: Path) -> str:
    """`3.9` for kafka-clients-3.9.2.jar; ValueError for a jar that is not named so."""
    found = _RELEASE.search(path.name)
    if found is None:
        raise ValueError(f"{path.name}: not the name of a released jar")
    return found[1]


def read_releases(paths: Iterable[Path]) -> dict[str, dict[str, Definition]]:
    """All definitions of each release: release, then message name."""
    releases: dict[str, dict[str, Definition]] = defaultdict(dict)
    for path in paths:
        releases[release_of(path)].update(read_jar(path))
    return dict(sorted(releases.items(), key=lambda item: [int(part) for part in item[0].split(".")]))


def merge(releases: Mapping[str, Mapping[str, Definition]]) -> dict[str, Definition]:
    """The union of exactly two releases, by (new) message name, each with what either release has of it."""
    (old_release, older), (new_release, newer) = releases.items()
    older = {RENAMED_MESSAGES.get(name, name): definition for name, definition in older.items()}
    merged: dict[str, Definition] = {}
    for name in sorted(older.keys() | newer.keys()):
        sides: dict[str, Definition | None] = {old_release: older.get(name), new_release: newer.get(name)}
        definition = union(older.get(name), newer.get(name))
        fields: Definition = {
            key: definition.pop(key) for key in ("fields", "commonStructs") if key in definition
        }
        present = {r: side for r, side in sides.items() if side and side["validVersions"] != "none"}
        definition["releases"] = {r: side["validVersions"] for r, side in present.items()}
        unstable = {
            release: Versions.parse(side["validVersions"]).highest
            for release, side in present.items()
            if side["latestVersionUnstable"]
        }
        if unstable:
            definition["unstable"] = unstable
        merged[name] = {**definition, **fields}
    return merged


def main(arguments: list[str]) -> int:
    merged = merge(read_releases(map(Path, arguments)))
    MESSAGES.mkdir(exist_ok=True)
    for stale in {path.stem for path in MESSAGES.glob("*.json")} - merged.keys():
        (MESSAGES / f"{stale}.json").unlink()
    for name, definition in merged.items():
        text = dump(definition)
        json.loads(text)
        (MESSAGES / f"{name}.json").write_text(text)
    print(f"{len(merged)} messages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
