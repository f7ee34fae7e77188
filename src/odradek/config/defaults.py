"""Odradek's own defaults: what a broker with the embedded store takes where nothing else is said.

They hold as if a properties file said them, so DescribeConfigs shows them as static configs. With
`zookeeper.connect` set, Kafka's own defaults stay untouched: the broker is one among others there. Without
it, there is one broker only, and internal topics with three replicas could never be created.
"""

from __future__ import annotations

from collections.abc import Mapping

from odradek.config.release import Release

_ONE_BROKER = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
}

_SHARE_STATE = {
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}

_KRAFT = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
}
"""What a broker of 4.x must have set: it is its own controller here."""


def odradek_defaults(properties: Mapping[str, str], release: Release) -> dict[str, str]:
    """The defaults that `properties` leave open."""
    defaults: dict[str, str] = {}
    if not release.zookeeper:
        defaults |= _KRAFT
    if "zookeeper.connect" not in properties:
        defaults |= _ONE_BROKER
        if not release.zookeeper:
            defaults |= _SHARE_STATE
        if not properties.keys() & {"listeners", "port", "host.name"}:
            defaults["listeners"] = "PLAINTEXT://localhost:9092"
        if not properties.keys() & {"log.dir", "log.dirs"}:
            defaults["log.dirs"] = "./odradek-data"
        if not properties.keys() & {"node.id", "broker.id"}:
            defaults["node.id" if not release.zookeeper else "broker.id"] = "0"
    return {name: text for name, text in defaults.items() if name not in properties}
