"""One message definition as facts: reading Kafka's JSON with comments, keeping facts, writing ours.

A definition is Kafka's own JSON shape (`apiKey`, `type`, `name`, `validVersions`, `flexibleVersions`,
`fields`, `commonStructs`) without any prose, and with one addition: `releases` maps each Kafka release to
the versions it has, and `unstable` to the version that it keeps behind `unstable.api.versions.enable`.
"""

from __future__ import annotations

import json
import re
from typing import Any

Definition = dict[str, Any]

_MESSAGE_KEYS = ("apiKey", "type", "name", "listeners", "validVersions", "flexibleVersions")
# Known, and kept in another form or left out: 4.x removed the versions that 3.x had deprecated.
_OTHER_MESSAGE_KEYS = ("latestVersionUnstable", "deprecatedVersions", "fields", "commonStructs")
_FIELD_KEYS = (
    "name",
    "type",
    "versions",
    "nullableVersions",
    "taggedVersions",
    "tag",
    "flexibleVersions",
    "default",
    "ignorable",
    "mapKey",
    "entityType",
    "zeroCopy",
)
_COMMENT = re.compile(r"(?:^|(?<=\s))//.*$", re.MULTILINE)


def parse(text: str) -> Definition:
    """Read one of Kafka's definitions and keep the facts only.

    Raises ValueError when a key appears that is neither a known fact nor known prose, so that a new Kafka
    release cannot bring something that is silently dropped.
    """
    # Some releases have a stray bracket behind a definition, which Kafka's own parser does not look at.
    raw, _ = json.JSONDecoder().raw_decode(_COMMENT.sub("", text).strip())
    kept: Definition = {key: raw[key] for key in _MESSAGE_KEYS if key in raw}
    kept["latestVersionUnstable"] = raw.get("latestVersionUnstable", False)
    _reject_unknown(raw, {*_MESSAGE_KEYS, *_OTHER_MESSAGE_KEYS})
    kept["fields"] = [_field(field, kept["validVersions"]) for field in raw.get("fields", [])]
    kept["commonStructs"] = [
        {
            "name": struct["name"],
            "versions": struct["versions"],
            "fields": [_field(field, struct["versions"]) for field in struct["fields"]],
        }
        for struct in raw.get("commonStructs", [])
    ]
    return kept


def _field(raw: Definition, parent_versions: str) -> Definition:
    _reject_unknown(raw, {*_FIELD_KEYS, "about", "fields"})
    kept: Definition = {key: raw[key] for key in _FIELD_KEYS if key in raw}
    kept.setdefault("versions", kept.get("taggedVersions", parent_versions))
    if kept.get("default", "") is None:
        # A JSON null is no default to Kafka's generator; only the word "null" is.
        del kept["default"]
    elif "default" in kept:
        kept["default"] = _default(kept["default"], kept["type"])
    if "tag" in kept:
        kept["tag"] = int(kept["tag"])
    if not kept.get("ignorable", True):
        del kept["ignorable"]
    if "fields" in raw:
        kept["fields"] = [_field(field, kept["versions"]) for field in raw["fields"]]
    return kept


def _default(value: object, field_type: str) -> object:
    """Kafka writes defaults as strings or as values; ours are always values."""
    if value == "null":
        return None
    if field_type == "bool":
        return value in (True, "true")
    if field_type.startswith(("int", "uint")):
        return int(str(value), 0)
    if field_type == "float64":
        return float(str(value))
    return value


def _reject_unknown(raw: Definition, known: set[str]) -> None:
    unknown = raw.keys() - known
    if unknown:
        raise ValueError(f"{raw.get('name')}: unknown keys {sorted(unknown)}")


def dump(definition: Definition) -> str:
    """Our file: one line for each field, so that a diff between releases reads as a diff of the protocol."""
    parts = []
    for key, value in definition.items():
        if key == "fields":
            parts.append(f'  "fields": {_dump_fields(value, "  ")}')
        elif key == "commonStructs":
            structs = ",\n".join(f"    {_dump_one(struct, '    ')}" for struct in value)
            parts.append(f'  "commonStructs": [\n{structs}\n  ]')
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _dump_fields(fields: list[Definition], indent: str) -> str:
    if not fields:
        return "[]"
    lines = ",\n".join(f"{indent}  {_dump_one(field, indent + '  ')}" for field in fields)
    return f"[\n{lines}\n{indent}]"


def _dump_one(item: Definition, indent: str) -> str:
    pairs = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in item.items() if key != "fields"]
    if "fields" in item:
        pairs.append(f'"fields": {_dump_fields(item["fields"], indent)}')
    return "{" + ", ".join(pairs) + "}"
