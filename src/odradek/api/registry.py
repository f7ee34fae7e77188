"""Every API that is served: where its module is, and its versions, known without loading it.

Loading all modules with their messages takes longer than the rest of a start, so each is loaded with its
first request. The versions are repeated from the modules' declarations; `tests/api/test_registry.py` holds
the two together, and names every key that is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

from odradek.api.api import Api, Versions
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.releases import VersionRange, advertised_api_versions, api_versions


class Served(NamedTuple):
    """An API that is served: its module in `odradek.api`, and the versions it declares."""

    module: str
    versions: Versions


SERVED: Mapping[ApiKey, Served] = MappingProxyType(
    {
        ApiKey.PRODUCE: Served("produce", Versions(0, 13)),
        ApiKey.FETCH: Served("fetch", Versions(0, 18)),
        ApiKey.LIST_OFFSETS: Served("list_offsets", Versions(0, 11)),
        ApiKey.METADATA: Served("metadata", Versions(0, 13)),
        ApiKey.LEADER_AND_ISR: Served("leader_and_isr", Versions(0, 7)),
        ApiKey.STOP_REPLICA: Served("stop_replica", Versions(0, 4)),
        ApiKey.UPDATE_METADATA: Served("update_metadata", Versions(0, 8)),
        ApiKey.CONTROLLED_SHUTDOWN: Served("controlled_shutdown", Versions(0, 3)),
        ApiKey.OFFSET_COMMIT: Served("offset_commit", Versions(0, 10)),
        ApiKey.OFFSET_FETCH: Served("offset_fetch", Versions(0, 10)),
        ApiKey.FIND_COORDINATOR: Served("find_coordinator", Versions(0, 6)),
        ApiKey.JOIN_GROUP: Served("join_group", Versions(0, 9)),
        ApiKey.HEARTBEAT: Served("heartbeat", Versions(0, 4)),
        ApiKey.LEAVE_GROUP: Served("leave_group", Versions(0, 5)),
        ApiKey.SYNC_GROUP: Served("sync_group", Versions(0, 5)),
        ApiKey.DESCRIBE_GROUPS: Served("describe_groups", Versions(0, 6)),
        ApiKey.LIST_GROUPS: Served("list_groups", Versions(0, 5)),
        ApiKey.API_VERSIONS: Served("api_versions", Versions(0, 4)),
        ApiKey.CREATE_TOPICS: Served("create_topics", Versions(0, 7)),
        ApiKey.DELETE_TOPICS: Served("delete_topics", Versions(0, 6)),
        ApiKey.DELETE_RECORDS: Served("delete_records", Versions(0, 2)),
        ApiKey.INIT_PRODUCER_ID: Served("init_producer_id", Versions(0, 5)),
        ApiKey.OFFSET_FOR_LEADER_EPOCH: Served("offset_for_leader_epoch", Versions(0, 4)),
        ApiKey.DESCRIBE_CONFIGS: Served("describe_configs", Versions(0, 4)),
        ApiKey.ALTER_CONFIGS: Served("alter_configs", Versions(0, 2)),
        ApiKey.ALTER_REPLICA_LOG_DIRS: Served("alter_replica_log_dirs", Versions(0, 2)),
        ApiKey.DESCRIBE_LOG_DIRS: Served("describe_log_dirs", Versions(0, 5)),
        ApiKey.CREATE_PARTITIONS: Served("create_partitions", Versions(0, 3)),
        ApiKey.DELETE_GROUPS: Served("delete_groups", Versions(0, 2)),
        ApiKey.ELECT_LEADERS: Served("elect_leaders", Versions(0, 2)),
        ApiKey.INCREMENTAL_ALTER_CONFIGS: Served("incremental_alter_configs", Versions(0, 1)),
        ApiKey.ALTER_PARTITION_REASSIGNMENTS: Served("alter_partition_reassignments", Versions(0, 1)),
        ApiKey.LIST_PARTITION_REASSIGNMENTS: Served("list_partition_reassignments", Versions(0, 0)),
        ApiKey.OFFSET_DELETE: Served("offset_delete", Versions(0, 0)),
        ApiKey.ALTER_PARTITION: Served("alter_partition", Versions(0, 3)),
        ApiKey.UPDATE_FEATURES: Served("update_features", Versions(0, 2)),
        ApiKey.DESCRIBE_CLUSTER: Served("describe_cluster", Versions(0, 2)),
        ApiKey.DESCRIBE_PRODUCERS: Served("describe_producers", Versions(0, 0)),
        ApiKey.ALLOCATE_PRODUCER_IDS: Served("allocate_producer_ids", Versions(0, 0)),
        ApiKey.LIST_CONFIG_RESOURCES: Served("list_config_resources", Versions(0, 1)),
        ApiKey.DESCRIBE_TOPIC_PARTITIONS: Served("describe_topic_partitions", Versions(0, 0)),
    }
)
"""In the order of keys, which is the order of an ApiVersions response."""


def load(key: ApiKey) -> Api[Any]:
    """The declaration of an API that is served; imports its module if this is its first request."""
    api: Api[Any] = import_module(f"odradek.api.{SERVED[key].module}").api
    return api


@cache
def accepted(release: str) -> Mapping[ApiKey, Versions]:
    """What this broker accepts from a client while it is that release; KeyError for an unknown release."""
    return _served_part_of(api_versions(release))


@cache
def advertised(release: str) -> Mapping[ApiKey, Versions]:
    """What this broker says in ApiVersions that it accepts; Produce's first version differs since 4.0."""
    return _served_part_of(advertised_api_versions(release))


def _served_part_of(ranges: Mapping[ApiKey, VersionRange]) -> Mapping[ApiKey, Versions]:
    both = {key: served.versions & Versions(*ranges[key]) for key, served in SERVED.items() if key in ranges}
    return MappingProxyType({key: versions for key, versions in both.items() if versions is not None})
