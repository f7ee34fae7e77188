"""Who this broker is: its id and its cluster's, in the store and in each log directory's meta.properties.

A directory that belongs to another broker or cluster stops the start. A directory of a real Kafka whose
cluster this store does not know yet gives the cluster its id. Source: kafka.server.KafkaServer.startup,
MetaPropertiesEnsemble.verify.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping

from odradek.config.broker_config import BrokerConfig
from odradek.controller.registration import ensure_cluster_id
from odradek.coordination.store import MetadataStore, Set
from odradek.errors import OdradekError
from odradek.log.meta_properties import (
    MalformedMetaProperties,
    MetaProperties,
    read_meta_properties,
    write_meta_properties,
)
from odradek.metadata import paths


class CannotStart(OdradekError):
    """What the operator has to put right before this broker can start; says it in one sentence."""


def read_identities(log_dirs: tuple[str, ...]) -> Mapping[str, MetaProperties]:
    """The meta.properties of each directory that has one. Raises CannotStart."""
    found = {}
    for log_dir in log_dirs:
        try:
            properties = read_meta_properties(log_dir)
        except MalformedMetaProperties as error:
            raise CannotStart(f"meta.properties of {log_dir} cannot be read: {error}") from error
        except OSError:
            continue  # Logs.open takes a directory that cannot be read offline
        if properties is not None:
            found[log_dir] = properties
    return found


async def choose_node_id(
    config: BrokerConfig, store: MetadataStore, identities: Mapping[str, MetaProperties]
) -> int:
    """This broker's id: configured, or else what its directories say, or else the cluster's next.

    Raises CannotStart when configuration and directories disagree.
    """
    stored = {each.node_id for each in identities.values() if each.node_id is not None}
    if len(stored) > 1:
        raise CannotStart(
            f"Found multiple broker ids in the log directories' meta.properties: {sorted(stored)}"
        )
    if config.node_id < 0:
        return stored.pop() if stored else await _next_node_id(config, store)
    for node_id in stored - {config.node_id}:
        raise CannotStart(
            f"Configured broker.id {config.node_id} doesn't match stored broker.id {node_id} in "
            "meta.properties. If you moved your data, make sure your configured broker.id matches. If you "
            "intend to create a new broker, you should remove all data in your data directories (log.dirs)."
        )
    return config.node_id


async def _next_node_id(config: BrokerConfig, store: MetadataStore) -> int:
    (written,) = await store.commit(Set(paths.BROKER_SEQUENCE_ID, b""))
    return written.version + config.int("reserved.broker.max.id")


async def join_cluster(store: MetadataStore, identities: Mapping[str, MetaProperties]) -> str:
    """The cluster's id, made now if it is new. Raises CannotStart for a directory of another cluster."""
    stored = {each.cluster_id for each in identities.values() if each.cluster_id is not None}
    cluster_id = await ensure_cluster_id(store, lambda: min(stored) if stored else _new_cluster_id())
    for other in stored - {cluster_id}:
        raise CannotStart(
            f"The Cluster ID {cluster_id} doesn't match stored clusterId Some({other}) in meta.properties. "
            "The broker is trying to join the wrong cluster. Configured zookeeper.connect may be wrong."
        )
    return cluster_id


def write_identities(
    log_dirs: tuple[str, ...], identities: Mapping[str, MetaProperties], own: MetaProperties, now_ms: int
) -> None:
    """Give each directory that has none its meta.properties. Raises OSError."""
    for log_dir in log_dirs:
        if log_dir not in identities:
            write_meta_properties(log_dir, own, now_ms)


def _new_cluster_id() -> str:
    """A random UUID in 22 characters of URL-safe base64, as `CoreUtils.generateUuidAsBase64`."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode("ascii")
