"""Every config of every release from 2.8 to 4.3, and Odradek's own.

One function a scope, by release, name to definition in the order of Kafka's reference. Each table is loaded
with its first use: a broker that starts needs only the broker's and the topics'.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from odradek.config.definition import Definition
from odradek.config.definitions.table import select
from odradek.config.release import Release


@cache
def broker_definitions(release: Release) -> Mapping[str, Definition]:
    """What a broker's properties may say."""
    from odradek.config.definitions.broker import BROKER

    return select(BROKER, release)


@cache
def own_definitions() -> Mapping[str, Definition]:
    """Odradek's own names, which Kafka has not."""
    from odradek.config.definitions.own import OWN

    return {row.name: row for row in OWN}


@cache
def topic_definitions(release: Release) -> Mapping[str, Definition]:
    """What a topic may override."""
    from odradek.config.definitions.topic import TOPIC

    return select(TOPIC, release)


@cache
def group_definitions(release: Release) -> Mapping[str, Definition]:
    """What a group may override; empty before 4.0."""
    from odradek.config.definitions.group import GROUP

    return select(GROUP, release)


@cache
def client_metrics_definitions(release: Release) -> Mapping[str, Definition]:
    """What a client metrics subscription says; empty before 3.7."""
    from odradek.config.definitions.client_metrics import CLIENT_METRICS

    return select(CLIENT_METRICS, release)


@cache
def broker_quota_definitions(release: Release) -> Mapping[str, Definition]:
    """Replication quotas: set like a broker's dynamic configs, though a properties file has no such names."""
    from odradek.config.definitions.broker_quotas import BROKER_QUOTAS

    return select(BROKER_QUOTAS, release)
