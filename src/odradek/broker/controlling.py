"""A broker as the controller of its cluster: by which rules, and over which channels."""

from __future__ import annotations

from odradek.config.broker_config import BrokerConfig
from odradek.config.broker_versions import is_at_least
from odradek.controller.rules import Rules
from odradek.coordination.dynamic_configs import DynamicConfigs
from odradek.peers.broker_client import BrokerClient, ClientSettings
from odradek.peers.control_channels import ControlChannels, ControlledBroker
from odradek.peers.spoken_versions import spoken_versions
from odradek.peers.transport import Transport


def rules_of(config: BrokerConfig, configs: DynamicConfigs) -> Rules:
    """What configuration says about decisions."""
    zookeeper = config.release.zookeeper
    protocol = config.inter_broker_protocol_version
    # In KRaft a cluster of one has nothing to balance.
    balances = zookeeper and config.bool("auto.leader.rebalance.enable")
    return Rules(
        config.inter_broker_listener_name,
        config.bool("delete.topic.enable"),
        lambda topic: configs.log_config(topic).unclean_leader_election_enable,
        restart_ends_leadership=not zookeeper,
        leader_imbalance_percentage=config.int("leader.imbalance.per.broker.percentage") if balances else 0,
        rebalance_interval_seconds=(
            config.int("leader.imbalance.check.interval.seconds") if balances else None
        ),
        control_plane_listener=config.control_plane_listener_name,
        knows_leader_recovery=is_at_least(protocol, "3.2-IV0"),
        features_version=2 if is_at_least(protocol, "3.3-IV0") else 1,
    )


def control_channels(
    config: BrokerConfig, node_id: int, broker: ControlledBroker, transport: Transport
) -> ControlChannels:
    """The way to all brokers; this one is called without a network."""
    settings = ClientSettings(
        request_timeout_ms=config.int("request.timeout.ms"),
        connection_setup_timeout_ms=config.int("controller.socket.timeout.ms"),
    )

    def connect(host: str, port: int) -> BrokerClient:
        return BrokerClient(transport, host, port, client_id=str(node_id), settings=settings)

    versions = spoken_versions(config.inter_broker_protocol_version)
    return ControlChannels({node_id: broker}, connect, versions)
