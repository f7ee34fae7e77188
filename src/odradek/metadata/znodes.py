"""What the nodes hold: Kafka 3.9's JSON, field order included (`kafka.zk.ZkData`).

Each value knows how to `encode` itself for its node and to `decode` what any broker wrote there: nodes by
older releases lack newer fields, and unknown fields are ignored. A node that cannot be read is a ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple
from uuid import UUID

from odradek.metadata.hash_order import properties_order, scala_order
from odradek.metadata.topic_id import format_topic_id, parse_topic_id
from odradek.metadata.topic_partition import TopicPartition
from odradek.value_object import value_object

NO_LEADER = -1
"""The leader of a partition none of whose eligible replicas lives."""

_OURS = "odradek"
"""The field of /brokers/ids/N by which brokers of ours know each other."""


@value_object
class Endpoint:
    """Where a broker listens, as it tells clients; an IPv6 host stands without brackets."""

    host: str
    port: int
    listener_name: str
    security_protocol: str

    @property
    def connection_string(self) -> str:
        """`LISTENER://host:port`, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.listener_name}://{host}:{self.port}"


@value_object
class BrokerRegistration:
    """/brokers/ids/N, version 5: a living broker's endpoints, rack and supported features."""

    endpoints: tuple[Endpoint, ...]
    timestamp_ms: int
    rack: str | None = None
    jmx_port: int = -1
    features: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    is_odradek: bool = False
    """Whether the broker registers anew when its node vanishes; a field more, which Kafka ignores."""

    def endpoint(self, listener_name: str) -> Endpoint | None:
        """Where the broker listens under this name; None if it does not."""
        return next((e for e in self.endpoints if e.listener_name == listener_name), None)

    def encode(self) -> bytes:
        # Host and port are for clients older than endpoints: the first plaintext one, or none at all.
        plaintext = next((e for e in self.endpoints if e.security_protocol == "PLAINTEXT"), None)
        fields: dict[str, object] = {
            "version": 5,
            "host": plaintext.host if plaintext else None,
            "port": plaintext.port if plaintext else -1,
            "endpoints": [endpoint.connection_string for endpoint in self.endpoints],
            "jmx_port": self.jmx_port,
            "timestamp": str(self.timestamp_ms),
        }
        if self.rack is not None:
            fields["rack"] = self.rack
        protocols = {endpoint.listener_name: endpoint.security_protocol for endpoint in self.endpoints}
        fields |= {"listener_security_protocol_map": protocols, "features": self.features}
        ordered = {key: fields[key] for key in scala_order(fields, made_of=6)}
        return _json(ordered | {_OURS: 1} if self.is_odradek else ordered)

    @classmethod
    def decode(cls, data: bytes) -> BrokerRegistration:
        fields = _parse(data)
        protocols = fields.get("listener_security_protocol_map")
        return cls(
            endpoints=tuple(_endpoint(text, protocols) for text in fields["endpoints"]),
            timestamp_ms=int(fields["timestamp"]),
            rack=fields.get("rack"),
            jmx_port=fields["jmx_port"],
            features=fields.get("features") or {},
            is_odradek=_OURS in fields,
        )


def _endpoint(text: str, protocols: Mapping[str, str] | None) -> Endpoint:
    listener_name, _, address = text.partition("://")
    host, _, port = address.rpartition(":")
    # Before version 4 a listener was named after its protocol.
    protocol = protocols[listener_name] if protocols else listener_name
    return Endpoint(host.removeprefix("[").removesuffix("]"), int(port), listener_name, protocol)


@value_object
class ReplicaAssignment:
    """Where a partition's replicas are to be, the preferred leader first.

    While it is reassigned `replicas` holds old and new ones, `adding` and `removing` the difference.
    """

    replicas: tuple[int, ...]
    adding: tuple[int, ...] = ()
    removing: tuple[int, ...] = ()

    @property
    def is_being_reassigned(self) -> bool:
        return bool(self.adding or self.removing)

    @property
    def origin(self) -> tuple[int, ...]:
        """The replicas that there were before, though perhaps in another order."""
        return tuple(node for node in self.replicas if node not in self.adding)

    @property
    def target(self) -> tuple[int, ...]:
        """The replicas that there are to be, in their order."""
        return tuple(node for node in self.replicas if node not in self.removing)

    def reassigned_to(self, target: Sequence[int]) -> ReplicaAssignment:
        """The assignment while replicas move from the origin to this target; in place of any other move."""
        origin = self.origin
        replicas = tuple(dict.fromkeys((*target, *origin)))
        return ReplicaAssignment(
            replicas,
            adding=tuple(node for node in replicas if node not in origin),
            removing=tuple(node for node in replicas if node not in target),
        )


@value_object
class TopicAssignment:
    """/brokers/topics/T, version 3: a topic's id and its partitions' replicas; no id before Kafka 2.8.

    `version` is the node's version where the assignment was read; -1, any, where it was not.
    """

    topic_id: UUID | None
    partitions: Mapping[int, ReplicaAssignment]
    version: int = field(default=-1, compare=False)

    def encode(self) -> bytes:
        fields: dict[str, object] = {
            "version": 3,
            "partitions": self._by_partition("replicas"),
            "adding_replicas": self._by_partition("adding"),
            "removing_replicas": self._by_partition("removing"),
        }
        if self.topic_id is not None:
            fields["topic_id"] = format_topic_id(self.topic_id)
        return _in_scala_order(fields, made_of=4)

    def _by_partition(self, part: str) -> dict[str, list[int]]:
        lists = {str(n): list(getattr(replicas, part)) for n, replicas in self.partitions.items()}
        return {key: lists[key] for key in scala_order(key for key, ids in lists.items() if ids)}

    @classmethod
    def decode(cls, data: bytes) -> TopicAssignment:
        fields = _parse(data)
        adding, removing = fields.get("adding_replicas", {}), fields.get("removing_replicas", {})
        partitions = {
            int(key): ReplicaAssignment(tuple(ids), tuple(adding.get(key, ())), tuple(removing.get(key, ())))
            for key, ids in fields.get("partitions", {}).items()
        }
        topic_id = fields.get("topic_id")
        return cls(parse_topic_id(topic_id) if topic_id else None, dict(sorted(partitions.items())))


@value_object
class LeaderAndIsr:
    """/brokers/topics/T/partitions/P/state: the leader and its epoch, who is in sync, by which controller.

    `is_recovering` after an unclean election, until the leader says that it has recovered (KIP-704).
    """

    leader: int
    leader_epoch: int
    isr: tuple[int, ...]
    controller_epoch: int
    is_recovering: bool = False

    def encode(self) -> bytes:
        # In the order of Scala's immutable maps.
        fields: dict[str, object] = {
            "controller_epoch": self.controller_epoch,
            "leader": self.leader,
            "version": 1,
        }
        if self.is_recovering:
            fields["leader_recovery_state"] = 1
        return _json(fields | {"leader_epoch": self.leader_epoch, "isr": list(self.isr)})

    @classmethod
    def decode(cls, data: bytes) -> LeaderAndIsr:
        fields = _parse(data)
        return cls(
            fields["leader"],
            fields["leader_epoch"],
            tuple(fields["isr"]),
            fields["controller_epoch"],
            is_recovering=fields.get("leader_recovery_state") == 1,
        )


@value_object
class ControllerRegistration:
    """/controller, ephemeral: who was elected controller, and when. Never a KRaft controller's here."""

    broker_id: int
    timestamp_ms: int

    def encode(self) -> bytes:
        return _json(
            {
                "version": 2,
                "brokerid": self.broker_id,
                "timestamp": str(self.timestamp_ms),
                "kraftControllerEpoch": -1,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> ControllerRegistration:
        fields = _parse(data)
        return cls(fields["brokerid"], int(fields["timestamp"]))


@value_object
class ProducerIdBlock:
    """/latest_producer_id_block: the last block of producer ids that a broker took; both ends inclusive."""

    broker_id: int
    first: int
    last: int

    def encode(self) -> bytes:
        return _json(
            {
                "version": 1,
                "broker": self.broker_id,
                "block_start": str(self.first),
                "block_end": str(self.last),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> ProducerIdBlock:
        fields = _parse(data)
        return cls(fields["broker"], int(fields["block_start"]), int(fields["block_end"]))


def encode_controller_epoch(epoch: int) -> bytes:
    """Write /controller_epoch: a bare number."""
    return str(epoch).encode("ascii")


def decode_controller_epoch(data: bytes) -> int:
    """Read /controller_epoch."""
    return int(data)


def encode_cluster_id(cluster_id: str) -> bytes:
    """Write /cluster/id."""
    return _json({"version": "1", "id": cluster_id})


def decode_cluster_id(data: bytes) -> str:
    """Read /cluster/id."""
    return str(_parse(data)["id"])


def encode_entity_config(properties: Mapping[str, str]) -> bytes:
    """Write /config/<type>/<name>."""
    return _json({"version": 1, "config": {name: properties[name] for name in properties_order(properties)}})


def decode_entity_config(data: bytes) -> dict[str, str]:
    """Read /config/<type>/<name>; a node without data has no configs."""
    if not data:
        return {}
    return dict(_parse(data).get("config", {}))


class Features(NamedTuple):
    """What /feature holds: the finalized features by their level, and whether they are in force."""

    version: int
    is_enabled: bool
    finalized: dict[str, int]


def encode_features(finalized: Mapping[str, int], version: int = 2) -> bytes:
    """Write /feature, enabled; version 1 has a minimum level as well, which is the same."""
    levels = ("max_version_level",) if version > 1 else ("max_version_level", "min_version_level")
    features = {name: dict.fromkeys(levels, level) for name, level in finalized.items()}
    return _in_scala_order({"version": version, "status": 1, "features": features}, made_of=3)


def decode_features(data: bytes) -> Features:
    """Read /feature."""
    fields = _parse(data)
    features = fields.get("features") or {}
    finalized = {name: int(each["max_version_level"]) for name, each in features.items()}
    return Features(int(fields["version"]), fields.get("status") == 1, finalized)


def decode_isr_changes(data: bytes) -> list[TopicPartition]:
    """Read /isr_change_notification/isr_change_N: partitions whose state a leader wrote by itself."""
    return _partitions(data)


def encode_log_dir_event(broker_id: int) -> bytes:
    """Write /log_dir_event_notification/log_dir_event_N: a log directory of this broker failed."""
    return _json({"version": 1, "broker": broker_id, "event": 1})


def decode_log_dir_event(data: bytes) -> int:
    """Read /log_dir_event_notification/log_dir_event_N: the broker."""
    return int(_parse(data)["broker"])


def decode_preferred_elections(data: bytes) -> list[TopicPartition]:
    """Read /admin/preferred_replica_election: partitions whose first replica is to lead."""
    return _partitions(data)


def encode_reassignments(targets: Mapping[TopicPartition, tuple[int, ...]]) -> bytes:
    """Write /admin/reassign_partitions: the replicas that partitions are to have."""
    listed = [
        {**name, "replicas": list(targets[tp])} for tp, name in zip(targets, _named(targets), strict=True)
    ]
    return _json({"version": 1, "partitions": listed})


def decode_reassignments(data: bytes) -> dict[TopicPartition, tuple[int, ...]]:
    """Read /admin/reassign_partitions."""
    return {
        TopicPartition(each["topic"], int(each["partition"])): tuple(map(int, each["replicas"]))
        for each in _parse(data)["partitions"]
    }


def _named(partitions: Iterable[TopicPartition]) -> list[dict[str, object]]:
    return [{"topic": each.topic, "partition": each.partition} for each in partitions]


def _partitions(data: bytes) -> list[TopicPartition]:
    return [TopicPartition(each["topic"], int(each["partition"])) for each in _parse(data)["partitions"]]


def _in_scala_order(fields: Mapping[str, object], *, made_of: int) -> bytes:
    return _json({key: fields[key] for key in scala_order(fields, made_of=made_of)})


def _json(value: object) -> bytes:
    # Jackson writes no spaces and leaves what is not ASCII as it is.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _parse(data: bytes) -> dict[str, Any]:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError(f"not a JSON object: {data!r}")
    return value
