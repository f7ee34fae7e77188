"""Who else is in the cluster, and whether this broker may be beside them.

Source: kafka.server.KafkaServer.createBrokerInfo.
"""

from __future__ import annotations

from odradek.broker.identity import CannotStart
from odradek.config.broker_config import BrokerConfig
from odradek.config.broker_versions import is_at_least
from odradek.config.release import EMULATE
from odradek.coordination.store import MetadataStore, find_node
from odradek.metadata import paths
from odradek.metadata.znodes import BrokerRegistration
from odradek.peers import spoken_versions


async def check_company(store: MetadataStore, node_id: int, config: BrokerConfig) -> None:
    """Look at the other brokers before this one registers. Raises CannotStart.

    None may have taken an address that this broker is configured to advertise; a port that is left open is
    nobody's. A release without ZooKeeper mode can be emulated among brokers of ours only: a real Kafka in an
    ensemble is 3.9 at most, and clients would see two releases in one cluster. And a real Kafka must speak to
    us as brokers do since 3.0.
    """
    protocol = config.inter_broker_protocol_version
    own = {f"{each.host}:{each.port}" for each in config.advertised_listeners if each.port}
    for name in sorted(await store.children(paths.BROKER_IDS) - {str(node_id)}):
        node = await find_node(store, f"{paths.BROKER_IDS}/{name}")
        if node is None:
            continue
        other = BrokerRegistration.decode(node.data)
        taken = own & {f"{endpoint.host}:{endpoint.port}" for endpoint in other.endpoints}
        if taken:
            raise CannotStart(
                f"Configured end points {','.join(sorted(taken))} in advertised listeners are already "
                f"registered by broker {name}"
            )
        if not config.release.zookeeper and not other.is_odradek:
            raise CannotStart(
                f"{EMULATE} is {config.release}, but broker {name} in zookeeper.connect is a real Kafka, and "
                f"Kafka {config.release} has no ZooKeeper mode. Beside it, emulate 3.9 or an earlier release."
            )
        if not other.is_odradek and not is_at_least(protocol, spoken_versions.OLDEST):
            raise CannotStart(
                f"inter.broker.protocol.version is {protocol}, but broker {name} in zookeeper.connect is a "
                f"real Kafka. Beside it, {spoken_versions.OLDEST} and later are spoken."
            )
