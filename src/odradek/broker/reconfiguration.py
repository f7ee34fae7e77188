"""What a broker does when a config is set at run time: from then on it holds."""

from __future__ import annotations

from odradek.broker.settings import connection_limits
from odradek.config.log_config import LogConfig
from odradek.controller.controller import Controller
from odradek.coordination.dynamic_configs import BROKERS, TOPICS, DynamicConfigs, Properties
from odradek.replication.following import Following
from odradek.replication.replicas import Replicas
from odradek.server.connection_quotas import ConnectionQuotas

_UNCLEAN_ELECTION = "unclean.leader.election.enable"


class Reconfiguration:
    """Listens to one broker's dynamic configs. Owned by the trio thread."""

    def __init__(
        self,
        configs: DynamicConfigs,
        replicas: Replicas,
        following: Following,
        controller: Controller,
        quotas: ConnectionQuotas,
    ) -> None:
        self._configs = configs
        self._replicas = replicas
        self._following = following
        self._controller = controller
        self._quotas = quotas

    def __call__(self, entity_type: str, name: str, properties: Properties) -> None:
        """Take over what was set for a topic, for this broker, or for all brokers."""
        if entity_type == TOPICS:
            self._replicas.apply_topic_config(name, self._configs.log_config(name))
            if properties.get(_UNCLEAN_ELECTION) == "true":
                self._controller.unclean_election_enabled(name)
        elif entity_type == BROKERS:
            self._reconfigure_broker()

    def _reconfigure_broker(self) -> None:
        config = self._configs.config
        log_configs: dict[str, LogConfig] = {}
        for partition in self._replicas:
            topic = partition.topic_partition.topic
            if topic not in log_configs:
                log_configs[topic] = self._configs.log_config(topic)
                self._replicas.apply_topic_config(topic, log_configs[topic])
        if config.bool(_UNCLEAN_ELECTION):
            self._controller.unclean_election_enabled(None)
        self._quotas.change(connection_limits(config))
        self._following.fetchers.resize(config.int("num.replica.fetchers"))
