"""Valid requests of every API, before they are mutated.

What changes the broker's state does it to names of its own, so that one frame's outcome says nothing about
another's: topics and groups are numbered by frame, and topics that are altered are not those that are read.
"""

from collections.abc import Mapping
from random import Random
from typing import Any, Final
from uuid import UUID

from compat.malformed.batches import batch
from compat.malformed.layout import REQUESTS, Piece, Values, header, pieces
from odradek.protocol.api_keys import ApiKey
from protocol_specs.codegen.schema import Field

TOPIC: Final = "malformed-read"
WRITTEN: Final = "malformed-written"
TRIMMED: Final = "malformed-trimmed"
ALTERED: Final = "malformed-altered"
GROWN: Final = "malformed-grown"
TOPICS: Final = (TOPIC, WRITTEN, TRIMMED, ALTERED, GROWN)
"""What there must be on a broker, one partition each."""

TOPIC_IDS: Final = {
    TOPIC: UUID("5eed5eed-5eed-4eed-8eed-5eed5eed5eed"),
    WRITTEN: UUID("c0dec0de-c0de-40de-80de-c0dec0dec0de"),
}
"""Stand for their real ids, which differ between brokers; whoever sends a frame puts those in."""

_TWICE: Final = 0.05
"""How often the same topic, partition, resource, … is in a request two times. Not in Produce: of a partition
named twice Kafka appends one and may answer for the other."""

_TOPIC_OF: Final = {
    ApiKey.PRODUCE: WRITTEN,
    ApiKey.DELETE_RECORDS: TRIMMED,
    ApiKey.CREATE_PARTITIONS: GROWN,
    ApiKey.ALTER_CONFIGS: ALTERED,
    ApiKey.INCREMENTAL_ALTER_CONFIGS: ALTERED,
}
_TOPIC_FIELDS: Final = {"topic", "name", "topic_name", "resource_name", "topic_names"}
_GROUP_FIELDS: Final = {"group_id", "groups_names", "coordinator_keys", "key", "groups"}
_STRUCTS_WITH_NAMES: Final = {
    "configs": {"name": "retention.ms", "value": "3600000"},
    "protocols": {"name": "range"},
}
_NUMBERS: Final[Mapping[str, int]] = {
    "acks": -1,
    "timeout_ms": 1000,
    "replica_id": -1,
    "min_bytes": 1,
    "max_bytes": 1 << 20,
    "partition_max_bytes": 1 << 20,
    "session_epoch": -1,
    "current_leader_epoch": -1,
    "last_fetched_epoch": -1,
    "log_start_offset": -1,
    "timestamp": -1,
    "max_num_offsets": 1,
    "generation_id_or_member_epoch": -1,
    "generation_id": 1,
    "retention_time_ms": -1,
    "committed_offset": 5,
    "committed_leader_epoch": -1,
    "commit_timestamp": -1,
    "member_epoch": -1,
    "session_timeout_ms": 10_000,
    "rebalance_timeout_ms": 1000,
    "transaction_timeout_ms": 60_000,
    "producer_id": -1,
    "producer_epoch": -1,
    "resource_type": 2,
    "num_partitions": 1,
    "replication_factor": 1,
    "count": 2,
    "endpoint_type": 1,
    "response_partition_limit": 2000,
    "partition_indexes": 0,
    "partitions": 0,
}
_NULL: Final = {"transactional_id", "group_instance_id", "reason", "configuration_keys", "cursor"}
_FALSE: Final = {"allow_auto_topic_creation", "validate_only", "enable2_pc", "keep_prepared_txn"}
_EMPTY: Final = {"forgotten_topics_data", "states_filter", "types_filter", "resource_types"}


def request(api: ApiKey, version: int, number: int, random: Random) -> list[Piece]:
    """The pieces of a valid frame without its size: header, then body. ``number`` is the frame's."""
    message = REQUESTS[api]
    flexible = version in message.flexible
    client_id = random.choice((b"malformed", b"malformed", b"", None))
    return [
        *header(api, version, number, client_id, flexible=flexible),
        *pieces(message, version, _values(api, number, random)),
    ]


def _values(api: ApiKey, number: int, random: Random) -> Values:
    topic = _TOPIC_OF.get(api, TOPIC)
    if api in (ApiKey.CREATE_TOPICS, ApiKey.DELETE_TOPICS):
        topic = f"malformed-{api.name.lower()}-{number}"
    group = f"malformed-{number}"
    inside: dict[str, str] = {}

    def value(field: Field, version: int) -> Any:
        if field.struct is not None:
            inside.clear()
            inside.update(_STRUCTS_WITH_NAMES.get(field.name, {}))
            return _struct(field, version, api, random)
        if field.is_array:
            return [_scalar(field, version, inside, topic, group, random)] if field.name not in _EMPTY else []
        if field.name in _NULL and version in field.nullable:
            return None
        return _scalar(field, version, inside, topic, group, random)

    return value


def _struct(field: Field, version: int, api: ApiKey, random: Random) -> Any:
    if field.name in _EMPTY:
        return []
    if field.name == "assignments" and api is not ApiKey.SYNC_GROUP:
        return None if version in field.nullable else []
    if field.is_array:
        return [None] * (2 if random.random() < _TWICE and api is not ApiKey.PRODUCE else 1)
    return None if version in field.nullable else field


def _scalar(
    field: Field, version: int, inside: Mapping[str, str], topic: str, group: str, random: Random
) -> Any:
    name = field.name
    match field.type:
        case "string":
            if name in inside:
                return inside[name]
            if name in _TOPIC_FIELDS:
                return topic
            if name in _GROUP_FIELDS:
                return group
            if name == "configuration_keys":
                return "retention.ms"
            return {"protocol_type": "consumer", "protocol_name": "range", "member_id": ""}.get(name, "x")
        case "uuid":
            return TOPIC_IDS.get(topic, UUID(int=0)) if name == "topic_id" else UUID(int=0)
        case "bool":
            return name not in _FALSE
        case "records":
            return batch(version, random)
        case "bytes":
            return b"\0\1\0\0\0\1\0\1t\0\0\0\0"
        case _:
            return _NUMBERS.get(name, 0)
