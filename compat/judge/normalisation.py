"""Everything that two right brokers may say differently, and what stands in its place. There is nothing else.

| what                                          | becomes                                                  |
| --------------------------------------------- | -------------------------------------------------------- |
| random UUIDs, also inside strings (topic ids, member ids) | ``<uuid N>``, numbered as they first appear  |
| fetch session ids, producer ids               | ``<session N>``, ``<producer N>``, likewise              |
| a time in ms between begin and end of the run, also inside strings | ``<now>``                           |
| the broker's own port, log directory, cluster | ``<port>``, ``<log dir>``, ``<cluster>``                 |
| the ports of a cluster's brokers              | ``<port of N>``                                          |
| the offset of the features in KRaft's log     | ``<epoch>``                                              |
| size and free space of a disk                 | ``<bytes>``                                              |
| the beginning of the names of the scenario's topics and groups | ``~``                                   |
| the text of a config's documentation          | ``<prose>``: Kafka's is not ours to copy                 |
| configs that make a broker this one (``listeners``, ``log.dirs``, …) | left out                          |
| ``throttle_time_ms``                          | left out                                                 |
| topics and groups of other scenarios          | left out                                                 |
| the order of a group's members, who go by random ids (JoinGroup, DescribeGroups) | by content          |
| a batch's CRC                                 | right or wrong (``transcript``)                          |
| the length of a compressed batch              | left out (``transcript``)                                |
| the order of *all* topics or groups, where a scenario says that Kafka has none (``unordered``) | sorted  |

None hides an error code, a count, an offset or an order: what is numbered must be the same again wherever it
was the same, and a value outside its kind (no id, no time) stays as it is.
"""

import base64
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from compat.judge.transcript import Tree

EVERY_SCENARIO: Final = "judge-"
"""How the names of all topics and groups of all scenarios begin."""

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBERED: Final = {"session_id": "session", "producer_id": "producer"}
_OF_A_GROUP: Final = frozenset({"group_id", "leader"})
"""What stands beside the members of a whole group. Elsewhere members are in the order of a request."""

_DISK: Final = frozenset({"total_bytes", "usable_bytes"})
_NAMES: Final = ("name", "topic", "topic_name", "group_id", "resource_name")
_CREATED_BY_OTHERS: Final = frozenset({"__transaction_state", "__share_group_state"})
_OF_ONE_BROKER: Final = frozenset({
    "advertised.listeners", "broker.id", "controller.listener.names", "controller.quorum.bootstrap.servers",
    "listeners", "log.dir", "log.dirs", "node.id", "odradek.emulate", "process.roles", "zookeeper.connect",
})  # fmt: skip
_TIME_MS: Final = re.compile(r"\b[0-9]{13}\b")
_CLOCK_SLACK_MS: Final = 120_000


@dataclass(slots=True)
class Normalisation:
    """The rules for one transcript; it remembers the ids that it has met."""

    own_names: str = "~"
    """How the names of this scenario's topics and groups begin."""

    port: int = 0
    ports: Mapping[int, int] = field(default_factory=dict)
    """Port → broker, in a cluster."""

    begin_ms: float = field(default_factory=lambda: time.time() * 1000)
    met: dict[tuple[str, object], str] = field(default_factory=dict)

    def apply(self, value: Tree, name: str = "") -> Tree:
        """The tree with every rule applied; ``name`` is the field that holds it."""
        match value:
            case dict():
                kept = {key: each for key, each in value.items() if key != "throttle_time_ms"}
                if "members" in kept and _OF_A_GROUP & kept.keys():
                    kept["members"] = sorted(kept["members"], key=self._without_new_ids)
                return {key: self.apply(each, key) for key, each in kept.items()}
            case list():
                return [self.apply(each, name) for each in value if not self._of_others(each)]
            case bool():
                return value
            case int():
                return self._number(value, name)
            case str():
                return self._string(value, name)
        return value

    def _of_others(self, row: Any) -> bool:
        if not isinstance(row, dict):
            return False
        names = [row[key] for key in _NAMES if isinstance(row.get(key), str)]
        return any(
            each in _CREATED_BY_OTHERS
            or each in _OF_ONE_BROKER
            or (each.startswith(EVERY_SCENARIO) and not each.startswith(self.own_names))
            for each in names
        )

    def _number(self, value: int, name: str) -> Tree:
        if name in _NUMBERED:
            is_an_id = value > 0 or (value == 0 and name == "producer_id")
            return self._numbered(_NUMBERED[name], value) if is_an_id else value
        if name in _DISK:
            return "<bytes>" if value > 0 else value
        if name == "finalized_features_epoch":
            return "<epoch>" if value >= 0 else value
        if name == "port" and value == self.port:
            return "<port>"
        if name == "port" and value in self.ports:
            return f"<port of {self.ports[value]}>"
        return "<now>" if self._is_now(value) else value

    def _string(self, value: str, name: str) -> str:
        if name == "cluster_id":
            return "<cluster>"
        if name == "documentation":
            return "<prose>"
        if name == "log_dir":
            return "<log dir>"
        for (kind, original), number in self.met.items():
            if kind == "uuid":
                value = value.replace(_base64(str(original)), number)
        value = value.replace(self.own_names, "~").replace(f"localhost:{self.port}", "localhost:<port>")
        value = _TIME_MS.sub(lambda found: "<now>" if self._is_now(int(found[0])) else found[0], value)
        return _UUID.sub(lambda found: self._uuid(found.group()), value)

    def _is_now(self, time_ms: int) -> bool:
        return self.begin_ms - _CLOCK_SLACK_MS <= time_ms <= time.time() * 1000 + _CLOCK_SLACK_MS

    def _without_new_ids(self, row: Tree) -> str:
        """A row as text in which random ids count only when they have been met before."""
        return _UUID.sub(lambda found: self.met.get(("uuid", found[0]), "<uuid>"), str(row))

    def _uuid(self, text: str) -> str:
        return text if UUID(text).int < 1 << 64 else self._numbered("uuid", text)

    def _numbered(self, kind: str, value: object) -> str:
        count = sum(met == kind for met, _ in self.met)
        return self.met.setdefault((kind, value), f"<{kind} {count + 1}>")


def sort_rows(answer: Any, path: str) -> None:
    """Sort, in place, the list that each part of a dotted path names."""
    field_name, _, rest = path.partition(".")
    rows = answer.get(field_name) if field_name and isinstance(answer, dict) else None
    if rows is not None:
        for row in rows:
            sort_rows(row, rest)
        rows.sort(key=lambda row: _UUID.sub("<uuid>", f"{name_of(row)} {row}"))


def name_of(row: Any) -> str:
    """What tells a row of an answer from the others: its name, or else its first plain value."""
    if not isinstance(row, dict):
        return str(row)
    names = [row[key] for key in _NAMES if isinstance(row.get(key), str)]
    return next((str(each) for each in (*names, *row.values()) if not isinstance(each, list | dict)), "0")


def _base64(uuid: str) -> str:
    """How Kafka writes a UUID in messages."""
    return base64.urlsafe_b64encode(UUID(uuid).bytes).decode().rstrip("=")
