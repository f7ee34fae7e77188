"""A broker's replicas among those of its cluster: what follows, what proposes, and how fast they may."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from odradek.clock import Clock
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.dynamic_configs import DynamicConfigs
from odradek.errors import InvalidConfig
from odradek.log.logs import Logs
from odradek.metadata.cache import MetadataCache
from odradek.peers.broker_client import BrokerClient, ClientSettings
from odradek.peers.control_channels import Connect
from odradek.peers.controller_channel import ControllerChannel
from odradek.peers.spoken_versions import spoken_versions
from odradek.peers.transport import USE_SYSTEM_DEFAULT, Transport
from odradek.replication.fetch_settings import FetchSettings
from odradek.replication.following import Following, FollowingSettings, Ways
from odradek.replication.relocations import Relocations, RelocationSettings
from odradek.replication.replica_selector import RACK_AWARE_SELECTOR
from odradek.replication.replicas import Replicas, ReplicaSettings
from odradek.replication.replication_quota import ReplicationQuota

_CONTROLLER_BACKOFF_MS = 50

_RECEIVE_BUFFER = "replica.socket.receive.buffer.bytes"
"""Left to the system unless it is configured, as socket.send.buffer.bytes is: Linux sizes it by the traffic,
and Kafka's own 64 KiB are filled many times by one fetch."""


def replica_settings(config: BrokerConfig) -> ReplicaSettings:
    """When high watermarks are written, who is in sync, and where consumers read.

    Raises InvalidConfig for a replica selector that is a class of somebody's own.
    """
    selector = config.str("replica.selector.class")
    if selector not in ("", RACK_AWARE_SELECTOR):
        raise InvalidConfig("replica.selector.class", selector, f"only {RACK_AWARE_SELECTOR} is known")
    return ReplicaSettings(
        selects_by_rack=selector == RACK_AWARE_SELECTOR,
        high_watermark_checkpoint_interval_ms=config.int("replica.high.watermark.checkpoint.interval.ms"),
        lag_time_max_ms=config.int("replica.lag.time.max.ms"),
    )


class QuotaConfigs(NamedTuple):
    """The names of the configs behind a replication quota; all but the rate hold from a start on."""

    rate: str
    """In bytes a second; dynamic"""
    window_size_seconds: str
    window_num: str


_WINDOWS = ("replication.quota.window.size.seconds", "replication.quota.window.num")

LEADER_QUOTA = QuotaConfigs("leader.replication.throttled.rate", *_WINDOWS)
FOLLOWER_QUOTA = QuotaConfigs("follower.replication.throttled.rate", *_WINDOWS)
RELOCATION_QUOTA = QuotaConfigs(
    "replica.alter.log.dirs.io.max.bytes.per.second",
    "alter.log.dirs.replication.quota.window.size.seconds",
    "alter.log.dirs.replication.quota.window.num",
)


def replication_quota(
    configs: DynamicConfigs, node_id: int, clock: Clock, names: QuotaConfigs
) -> ReplicationQuota:
    """The quota that the configs of these names bound."""
    return ReplicationQuota(
        node_id,
        clock.now_ms,
        lambda: configs.config.int(names.rate),
        window_ms=configs.config.int(names.window_size_seconds) * 1000,
        windows=configs.config.int(names.window_num),
    )


def relocations(replicas: Replicas, logs: Logs, configs: DynamicConfigs, clock: Clock) -> Relocations:
    """What moves a broker's replicas between its log directories; `replicas` know of it afterwards."""
    config = configs.config
    settings = RelocationSettings(
        workers=config.int_or_none("num.replica.alter.log.dirs.threads") or len(logs.log_directories),
        max_bytes=config.int("replica.fetch.max.bytes"),
        backoff_ms=config.int("replica.fetch.backoff.ms"),
    )
    quota = replication_quota(configs, replicas.node_id, clock, RELOCATION_QUOTA)
    made = Relocations(replicas, logs, quota, settings, logs.offload)
    replicas.relocate_with(made)
    return made


def controller_connect(config: BrokerConfig, node_id: int, transport: Transport) -> Connect:
    """Makes a broker's clients of whoever is controller."""
    settings = ClientSettings(
        request_timeout_ms=config.int("controller.socket.timeout.ms"),
        connection_setup_timeout_ms=config.int("socket.connection.setup.timeout.ms"),
        reconnect_backoff_ms=_CONTROLLER_BACKOFF_MS,
    )

    def connect(host: str, port: int) -> BrokerClient:
        return BrokerClient(transport, host, port, client_id=str(node_id), settings=settings)

    return connect


def fetcher_client_settings(config: BrokerConfig) -> ClientSettings:
    """How long followers wait for their leaders, and of which size the buffers of their sockets are.

    Like Kafka's, replica.socket.timeout.ms says how long a connection may take to be made; a request may
    take request.timeout.ms. Source: kafka.server.BrokerBlockingSender.
    """
    is_sized = _RECEIVE_BUFFER in config.originals
    return ClientSettings(
        request_timeout_ms=config.int("request.timeout.ms"),
        connection_setup_timeout_ms=min(
            config.int("socket.connection.setup.timeout.ms"), config.int("replica.socket.timeout.ms")
        ),
        receive_buffer_bytes=config.int(_RECEIVE_BUFFER) if is_sized else USE_SYSTEM_DEFAULT,
    )


def following(
    config: BrokerConfig,
    replicas: Replicas,
    metadata: MetadataCache,
    transport: Transport,
    broker_epoch: Callable[[], int],
    quota: ReplicationQuota,
) -> Following:
    """What makes a broker's replicas part of its cluster; `replicas` know of it afterwards."""
    node_id = replicas.node_id
    settings = fetcher_client_settings(config)

    def connect(host: str, port: int, client_id: str) -> BrokerClient:
        return BrokerClient(transport, host, port, client_id=client_id, settings=settings)

    listener_name = config.inter_broker_listener_name
    connect_controller = controller_connect(config, node_id, transport)
    ways = Ways(
        connect,
        ControllerChannel(metadata, config.control_plane_listener_name, connect_controller),
        broker_epoch,
        listener_name,
    )
    fetch = FetchSettings(
        wait_max_ms=config.int("replica.fetch.wait.max.ms"),
        min_bytes=config.int("replica.fetch.min.bytes"),
        max_bytes=config.int("replica.fetch.max.bytes"),
        response_max_bytes=config.int("replica.fetch.response.max.bytes"),
        backoff_ms=config.int("replica.fetch.backoff.ms"),
        versions=spoken_versions(config.inter_broker_protocol_version),
    )
    made = Following(
        replicas,
        node_id,
        metadata,
        ways,
        quota,
        FollowingSettings(fetchers=config.int("num.replica.fetchers"), fetch=fetch),
    )
    replicas.follow_with(made)
    return made
