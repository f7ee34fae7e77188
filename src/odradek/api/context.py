"""What a handler gets besides its request: who asks, over which connection, and the broker's services.

Owns nothing: `broker/` builds the services once, `server/` the connection and each request's context.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.api.fetch_sessions import FetchSessions
    from odradek.clock import Clock
    from odradek.config.broker_config import BrokerConfig
    from odradek.config.release import Release
    from odradek.controller.controller import Controller
    from odradek.controller.topics import TopicAdmin
    from odradek.coordination.dynamic_configs import DynamicConfigs
    from odradek.coordination.store import MetadataStore
    from odradek.coordinators.producer_ids import ProducerIds
    from odradek.coordinators.runtime import CoordinatorRuntime
    from odradek.groups.shard import GroupShard
    from odradek.log.logs import Logs
    from odradek.metadata.cache import MetadataCache
    from odradek.peers.control_channels import ControlledBroker
    from odradek.replication.relocations import Relocations
    from odradek.replication.replicas import Replicas

ANONYMOUS = "User:ANONYMOUS"


@value_object
class Services:
    """The parts of one broker that handlers call. Built by `broker/`; tests build it with stand-ins."""

    node_id: int
    cluster_id: str
    clock: Clock
    configs: DynamicConfigs
    store: MetadataStore
    metadata: MetadataCache
    replicas: Replicas
    logs: Logs
    relocations: Relocations
    topics: TopicAdmin
    controller: Controller
    groups: CoordinatorRuntime[GroupShard]
    fetch_sessions: FetchSessions
    producer_ids: ProducerIds
    controlled_broker: ControlledBroker

    @property
    def config(self) -> BrokerConfig:
        """The broker's configuration of the moment, what was set at run time included."""
        return self.configs.config

    @property
    def release(self) -> Release:
        """The release that this broker is to its clients; never changes."""
        return self.configs.config.release


@dataclass(slots=True, eq=False, repr=False)
class Peer:
    """The other end of one connection. Owned by the connection's task.

    `client_software_name` and `client_software_version` are "unknown" until an ApiVersions request of
    version 3 or later names them (KIP-511). `client_host` is written as Java writes an address, with the
    slash in front (`/127.0.0.1`): that is how DescribeGroups shows a member's host.
    """

    connection_id: str
    listener_name: str
    security_protocol: str
    client_host: str
    client_port: int
    principal: str = ANONYMOUS
    client_software_name: str = "unknown"
    client_software_version: str = "unknown"


class RequestContext:
    """One request: its header, the peer that sent it, and the services that answer it.

    Hand-written rather than a dataclass with every field: one is made for each request.
    """

    __slots__ = ("api_key", "api_version", "client_id", "correlation_id", "peer", "services")

    def __init__(
        self,
        services: Services,
        peer: Peer,
        api_key: int,
        api_version: int,
        correlation_id: int,
        client_id: str,
    ) -> None:
        self.services = services
        self.peer = peer
        self.api_key = api_key
        self.api_version = api_version
        self.correlation_id = correlation_id
        self.client_id = client_id

    @property
    def listener_name(self) -> str:
        """The listener the request came in by; Metadata answers with this listener's endpoints."""
        return self.peer.listener_name

    @property
    def client_host(self) -> str:
        """The peer's address as Kafka shows it to others: `/127.0.0.1`."""
        return self.peer.client_host

    @property
    def connection_id(self) -> str:
        return self.peer.connection_id

    @property
    def principal(self) -> str:
        return self.peer.principal

    @property
    def client_software_name(self) -> str:
        return self.peer.client_software_name

    @property
    def client_software_version(self) -> str:
        return self.peer.client_software_version
