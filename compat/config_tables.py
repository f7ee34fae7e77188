"""Writes the tables of `odradek.config.definitions` from what real releases say about themselves.

    python -m compat.config_tables DUMPS TABLES

DUMPS holds one file a release, `3.9.json` for 3.9, each printed by `compat/java/ConfigDump.java` over that
release's jars (`mvn dependency:copy-dependencies` of `org.apache.kafka:kafka_2.13`). TABLES is the package
to write to. Needed when Kafka brings out a release; an oracle test compares the tables with 3.9 and 4.3.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odradek.config.broker_versions import latest_of
from odradek.config.release import RELEASES, Release

SCOPES = {
    "broker": "Broker configs: what a properties file of a broker may say; one table, as long as Kafka's own",
    "topic": "Topic configs: what a topic may override",
    "group": "Group configs of releases from 4.0 on (KIP-848, KIP-932, KIP-1071)",
    "client_metrics": "Configs of client metrics subscriptions (KIP-714)",
    "broker_quotas": "Replication quotas: broker configs that existed only at run time before 4.2",
}


@dataclass(frozen=True)
class Row:
    """One form of a config, and the releases that have it."""

    name: str
    facts: tuple[tuple[str, Any], ...]
    releases: tuple[Release, ...]

    def source(self) -> str:
        facts = dict(self.facts)
        default = json.dumps(facts["default"]) if facts["default"] is not None else "None"
        words = [
            json.dumps(self.name),
            facts["type"],
            default if facts["has_default"] else "REQUIRED",
            validator_source(facts),
            facts["importance"],
        ]
        if facts["update"] is not None:
            words.append(facts["update"].upper().replace("-", "_"))
        if self.releases[0] != RELEASES[0]:
            words.append(f'since="{self.releases[0]}"')
        if self.releases[-1] != RELEASES[-1]:
            words.append(f'until="{self.releases[-1]}"')
        if facts["internal"]:
            words.append("internal=True")
        return f"    define({', '.join(words)}),"


def validator_source(facts: dict[str, Any]) -> str:
    """The Python expression of a Java validator, known by its class and its text."""
    text, flags = facts["validator"], facts["validator_flags"].split(",")
    inside = "" if text is None else text[text.find("[") + 1 : text.rfind("]")]
    words = [json.dumps(word) for word in inside.split(", ") if word]
    strings = ", ".join(words)
    as_tuple = f"({strings}{',' * (len(words) == 1)})"
    match facts["validator_class"]:
        case None:
            return "None"
        case "Range":
            low, _, high = inside.partition("...")
            low, high = low.rstrip(","), high.lstrip(",")
            return f"between({low}, {high})" if high else f"at_least({low})"
        case "ValidString":
            return f"one_of({strings})"
        case "CaseInsensitiveValidString":
            return f"OneOfAnyCase({as_tuple})"
        case "ValidList" if facts["distinct"]:
            arguments = [as_tuple] if words else []
            arguments += [] if "isEmptyAllowed" in flags else ["allow_empty=False"]
            arguments += ["allow_null=True"] if "isNullAllowed" in flags else []
            return f"Distinct({', '.join(arguments)})"
        case "ValidList":
            return f"each_of({strings})"
        case "NonEmptyString":
            return "NonEmpty()"
        case "NonNullValidator":
            return "NonNull()"
        case "ControllerQuorumVotersValidator" | "ControllerQuorumBootstrapServersValidator":
            return "NodeAddresses()"
        case "ThrottledReplicaListValidator" | "ThrottledReplicaListValidator$":
            return "ThrottledReplicas()"
        case "MetadataVersionValidator" | "ApiVersionValidator$":
            return "BrokerVersion()"
        case "Validator" if text.endswith("by_duration:PnDTnHnMn.nS]"):
            return "OffsetReset()" if text.startswith("[latest") else 'OffsetReset("earliest", "latest")'
        case _ if "or -1" in text:
            return "GzipLevel()"
        case _ if "remote.log.manager.thread.pool.size" in text:
            return "RemoteThreads()"
    raise ValueError(f"unknown validator {facts}")


def read_definitions(dumps: Path, scope: str) -> dict[Release, dict[str, dict[str, Any]]]:
    """Each release's definitions of a scope by name, in its own order."""
    found = {}
    for release in RELEASES:
        dump = json.loads((dumps / f"{release}.json").read_text())
        broker_names = {each["name"] for each in dump["scopes"]["broker"]}
        distinct = any("isEmptyAllowed" in each["validator_flags"] for each in dump["scopes"]["topic"])
        definitions = {}
        for each in dump["scopes"].get(scope.replace("_", "-"), []):
            name = each.pop("name")
            if scope == "broker_quotas" and name in broker_names:
                continue
            if each["validator_class"] in ("MetadataVersionValidator", "ApiVersionValidator$"):
                each["validator"] = "version"  # the list of versions grows with each release
                assert latest_of(each["default"]) is not None
            each["distinct"] = distinct and each["validator_class"] == "ValidList"
            each["update"] = dump["update_modes"].get(name) if scope.startswith("broker") else None
            definitions[name] = each
        found[release] = definitions
    return found


def merged_order(definitions: dict[Release, dict[str, Any]]) -> list[str]:
    """Every name once: in 3.9's order, the others after the name that precedes them in their release."""
    order = list(definitions[Release(3, 9)])
    for release in reversed(RELEASES):
        previous = -1
        for name in definitions[release]:
            if name not in order:
                order.insert(previous + 1, name)
            previous = order.index(name)
    return order


def table_rows(definitions: dict[Release, dict[str, dict[str, Any]]]) -> list[Row]:
    """One row for each run of releases that define a config alike."""
    rows: list[Row] = []
    for name in merged_order(definitions):
        runs: list[tuple[str, Any, list[Release]]] = []
        for release in RELEASES:
            facts = definitions[release].get(name)
            if facts is None:
                continue
            probe = Row(name, tuple(facts.items()), RELEASES).source()
            adjacent = runs and RELEASES.index(runs[-1][2][-1]) + 1 == RELEASES.index(release)
            if adjacent and runs[-1][0] == probe:
                runs[-1][2].append(release)
            else:
                runs.append((probe, tuple(facts.items()), [release]))
        rows += [Row(name, facts, tuple(releases)) for _, facts, releases in runs]
    return rows


def table_source(scope: str, rows: list[Row]) -> str:
    body = "\n".join(row.source() for row in rows)
    table = f"{scope.upper()} = (\n{body}\n)\n"
    names = [
        "BOOLEAN STRING INT SHORT LONG DOUBLE LIST CLASS PASSWORD HIGH MEDIUM LOW PER_BROKER CLUSTER_WIDE"
    ]
    constants = [name for name in names[0].split() if f" {name}," in table or f" {name})" in table]
    validators = "BrokerVersion Distinct GzipLevel NodeAddresses NonEmpty NonNull OffsetReset OneOfAnyCase "
    validators += "RemoteThreads ThrottledReplicas at_least between each_of one_of"
    used = [name for name in validators.split() if f" {name}(" in table]
    lines = [
        f'"""{SCOPES[scope]}.',
        "",
        "Facts of real releases, written by `compat/config_tables.py`; how to read a line: `table`.",
        '"""',
        "",
        "# ruff: noqa: E501 (one line a config reads better than one argument a line)",
        "",
        "from __future__ import annotations",
        "",
    ]
    if "REQUIRED" in table:
        lines.append("from odradek.config.definition import REQUIRED")
    lines.append(f"from odradek.config.definitions.table import {', '.join([*constants, 'define'])}")
    if used:
        lines.append(f"from odradek.config.validators import {', '.join(used)}")
    return "\n".join([*lines, "", "# fmt: off", table.rstrip(), "# fmt: on", ""])


def main(dumps: Path, tables: Path) -> None:
    for scope in SCOPES:
        rows = table_rows(read_definitions(dumps, scope))
        (tables / f"{scope}.py").write_text(table_source(scope, rows))
        print(f"{scope}: {len(rows)} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
