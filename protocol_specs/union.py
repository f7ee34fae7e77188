"""The union of one message's definitions in two Kafka releases: every version of either.

Where both releases have a version, the newer one's layout, names and attributes win (issue: the wire).
"""

from __future__ import annotations

from typing import Any

from protocol_specs.facts import Definition
from protocol_specs.versions import Versions

# Messages that the newer release renamed without touching their layout: old name to new name.
RENAMED_MESSAGES = {
    "ListClientMetricsResourcesRequest": "ListConfigResourcesRequest",
    "ListClientMetricsResourcesResponse": "ListConfigResourcesResponse",
}
# Fields that the newer release renamed in versions that both have: (message, old name) to new name.
RENAMED_FIELDS = {
    ("VoteRequest", "CandidateEpoch"): "ReplicaEpoch",
    ("VoteRequest", "CandidateId"): "ReplicaId",
    ("VoteRequest", "CandidateDirectoryId"): "ReplicaDirectoryId",
    ("ListConfigResourcesResponse", "ClientMetricsResources"): "ConfigResources",
    ("ListConfigResourcesResponse", "Name"): "ResourceName",
}
_LISTENERS = ("zkBroker", "broker", "controller")
# 4.x numbers a coordinator's record key by its apiKey and gives it the one layout 0; 3.x used the version
# prefix of the key as the version of the schema. The bytes are the same, so the newer description holds.
_KEY = "coordinator-key"


def union(older: Definition | None, newer: Definition | None) -> Definition:
    """Merge one message; either may be missing. Raises ValueError where types contradict each other."""
    if newer is None or (older is not None and newer["validVersions"] == "none"):
        assert older is not None
        return _finish(older, None, older)
    if older is None or newer["type"] == _KEY:
        return _finish(None if newer["type"] == _KEY else older, newer, newer)
    return _finish(older, newer, _Merge(older, newer).definition())


def _finish(older: Definition | None, newer: Definition | None, merged: Definition) -> Definition:
    """Order the keys and bound every range by the versions that exist."""
    found: Definition = {}
    for key in ("apiKey", "type", "name"):
        if key in merged:
            found[key] = merged[key]
    listeners = {name for side in (older, newer) if side for name in side.get("listeners", ())}
    if listeners:
        found["listeners"] = [name for name in _LISTENERS if name in listeners]
    valid = Versions.parse(merged["validVersions"])
    found["validVersions"] = str(valid)
    found["flexibleVersions"] = merged.get("flexibleVersions", "none")
    found["fields"] = [field for f in merged["fields"] if (field := _bound(f, valid))]
    if merged.get("commonStructs"):
        found["commonStructs"] = [_bound_struct(struct, valid) for struct in merged["commonStructs"]]
    return found


def _bound_struct(struct: Definition, valid: Versions) -> Definition:
    fields = [field for f in struct["fields"] if (field := _bound(f, valid))]
    return {"name": struct["name"], "versions": struct["versions"], "fields": fields}


def _bound(field: Definition, valid: Versions) -> Definition | None:
    """The field without ranges that name versions which neither release has; None when nothing is left."""
    if not Versions.parse(field["versions"]) & valid:
        return None
    kept = dict(field)
    for key in ("nullableVersions", "taggedVersions"):
        if key in kept and not Versions.parse(kept[key]) & valid:
            del kept[key]
    if "fields" in kept:
        kept["fields"] = [child for c in kept["fields"] if (child := _bound(c, valid))]
    return kept


class _Merge:
    def __init__(self, older: Definition, newer: Definition) -> None:
        self._older = older
        self._newer = newer
        self._newer_valid = Versions.parse(newer["validVersions"])
        self._only_older = set(Versions.parse(older["validVersions"])) - set(self._newer_valid)

    def definition(self) -> Definition:
        older, newer = self._older, self._newer
        merged = dict(newer)
        merged["validVersions"] = str(Versions.of(self._only_older | set(self._newer_valid)))
        flexible = self._ranges(older.get("flexibleVersions"), newer.get("flexibleVersions"))
        merged["flexibleVersions"] = flexible
        merged["fields"] = self._fields(older["fields"], newer["fields"])
        structs = {struct["name"]: struct for struct in older["commonStructs"]}
        merged["commonStructs"] = [
            self._struct(structs.pop(struct["name"], None), struct) for struct in newer["commonStructs"]
        ] + list(structs.values())
        return merged

    def _struct(self, older: Definition | None, newer: Definition) -> Definition:
        if older is None:
            return newer
        versions = self._ranges(older["versions"], newer["versions"])
        return {**newer, "versions": versions, "fields": self._fields(older["fields"], newer["fields"])}

    def _fields(self, older: list[Definition], newer: list[Definition]) -> list[Definition]:
        """The newer release's fields in their order, the older's own ones behind their predecessors."""
        by_name = {field["name"].lower(): field for field in older}
        by_new_name = {self._renamed(field["name"]).lower(): field for field in older}
        merged = []
        matched = set()
        for field in newer:
            mate = by_name.get(field["name"].lower()) or by_new_name.get(field["name"].lower())
            if mate is not None:
                matched.add(mate["name"])
            merged.append(self._field(mate, field))
        names = [field["name"].lower() for field in merged]
        position = 0
        for field in older:
            if field["name"] in matched:
                position = names.index(self._renamed(field["name"]).lower()) + 1
                continue
            merged.insert(position, self._field(field, None))
            names.insert(position, field["name"].lower())
            position += 1
        return [field for field in merged if field["versions"] != "none"]

    def _renamed(self, name: str) -> str:
        return RENAMED_FIELDS.get((self._newer["name"], name), name)

    def _field(self, older: Definition | None, newer: Definition | None) -> Definition:
        either = newer or older
        assert either is not None
        merged = dict(either)
        for key in ("versions", "nullableVersions", "taggedVersions"):
            merged[key] = self._ranges((older or {}).get(key), (newer or {}).get(key))
            if merged[key] == "none" and key != "versions":
                del merged[key]
        if older and newer:
            self._check_types(older, newer)
            if "fields" in newer:
                merged["fields"] = self._fields(older.get("fields", []), newer["fields"])
        return merged

    def _check_types(self, older: dict[str, Any], newer: dict[str, Any]) -> None:
        primitive = newer["type"].removeprefix("[]")[0].islower()
        if primitive and older["type"] != newer["type"]:
            raise ValueError(f"{self._newer['name']}.{newer['name']}: {older['type']} became {newer['type']}")

    def _ranges(self, older: str | None, newer: str | None) -> str:
        """One range from two: the newer's word on its own versions, the older's on the others."""
        of_older, of_newer = Versions.parse(older), Versions.parse(newer)
        known = self._only_older | set(self._newer_valid)
        from_older = {version for version in self._only_older if version in of_older}
        found = Versions.of(from_older | {version for version in self._newer_valid if version in of_newer})
        if found and found.highest == max(known):
            return f"{found.lowest}+"
        return str(found)
