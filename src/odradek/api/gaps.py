"""The gap list: every API of Kafka's brokers that is not served yet, and with what it will come.

A key is here or in `odradek.api.registry.SERVED`, never in both (`tests/api/test_gaps.py`). Keys that only
KRaft controllers know are in neither: there is no such controller here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from odradek.protocol.api_keys import ApiKey

_TRANSACTIONS = "transactions"
_SECURITY = "security"
_QUOTAS = "quotas"
_CONSUMER_GROUPS = "the groups of KIP-848"
_SHARE_GROUPS = "share groups (KIP-932)"
_STREAMS_GROUPS = "streams groups (KIP-1071)"
_KRAFT = "what a 4.x broker passes on to its controller"

GAPS: Mapping[ApiKey, str] = MappingProxyType(
    {
        ApiKey.SASL_HANDSHAKE: _SECURITY,
        ApiKey.ADD_PARTITIONS_TO_TXN: _TRANSACTIONS,
        ApiKey.ADD_OFFSETS_TO_TXN: _TRANSACTIONS,
        ApiKey.END_TXN: _TRANSACTIONS,
        ApiKey.WRITE_TXN_MARKERS: _TRANSACTIONS,
        ApiKey.TXN_OFFSET_COMMIT: _TRANSACTIONS,
        ApiKey.DESCRIBE_ACLS: _SECURITY,
        ApiKey.CREATE_ACLS: _SECURITY,
        ApiKey.DELETE_ACLS: _SECURITY,
        ApiKey.SASL_AUTHENTICATE: _SECURITY,
        ApiKey.CREATE_DELEGATION_TOKEN: _SECURITY,
        ApiKey.RENEW_DELEGATION_TOKEN: _SECURITY,
        ApiKey.EXPIRE_DELEGATION_TOKEN: _SECURITY,
        ApiKey.DESCRIBE_DELEGATION_TOKEN: _SECURITY,
        ApiKey.DESCRIBE_CLIENT_QUOTAS: _QUOTAS,
        ApiKey.ALTER_CLIENT_QUOTAS: _QUOTAS,
        ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: _SECURITY,
        ApiKey.ALTER_USER_SCRAM_CREDENTIALS: _SECURITY,
        ApiKey.DESCRIBE_QUORUM: _KRAFT,
        ApiKey.ENVELOPE: _KRAFT,
        ApiKey.UNREGISTER_BROKER: _KRAFT,
        ApiKey.DESCRIBE_TRANSACTIONS: _TRANSACTIONS,
        ApiKey.LIST_TRANSACTIONS: _TRANSACTIONS,
        ApiKey.CONSUMER_GROUP_HEARTBEAT: _CONSUMER_GROUPS,
        ApiKey.CONSUMER_GROUP_DESCRIBE: _CONSUMER_GROUPS,
        ApiKey.GET_TELEMETRY_SUBSCRIPTIONS: _KRAFT,
        ApiKey.PUSH_TELEMETRY: _KRAFT,
        ApiKey.SHARE_GROUP_HEARTBEAT: _SHARE_GROUPS,
        ApiKey.SHARE_GROUP_DESCRIBE: _SHARE_GROUPS,
        ApiKey.SHARE_FETCH: _SHARE_GROUPS,
        ApiKey.SHARE_ACKNOWLEDGE: _SHARE_GROUPS,
        ApiKey.ADD_RAFT_VOTER: _KRAFT,
        ApiKey.REMOVE_RAFT_VOTER: _KRAFT,
        ApiKey.INITIALIZE_SHARE_GROUP_STATE: _SHARE_GROUPS,
        ApiKey.READ_SHARE_GROUP_STATE: _SHARE_GROUPS,
        ApiKey.WRITE_SHARE_GROUP_STATE: _SHARE_GROUPS,
        ApiKey.DELETE_SHARE_GROUP_STATE: _SHARE_GROUPS,
        ApiKey.READ_SHARE_GROUP_STATE_SUMMARY: _SHARE_GROUPS,
        ApiKey.STREAMS_GROUP_HEARTBEAT: _STREAMS_GROUPS,
        ApiKey.STREAMS_GROUP_DESCRIBE: _STREAMS_GROUPS,
        ApiKey.DESCRIBE_SHARE_GROUP_OFFSETS: _SHARE_GROUPS,
        ApiKey.ALTER_SHARE_GROUP_OFFSETS: _SHARE_GROUPS,
        ApiKey.DELETE_SHARE_GROUP_OFFSETS: _SHARE_GROUPS,
    }
)
