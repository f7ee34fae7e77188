"""Who else is in the cluster, and whether this broker may be beside them.

Source: kafka.server.KafkaServer.createBrokerInfo.
"""

from __future__ import annotations

from odradek.broker.identity import CannotStart
from odradek.config.broker_config import BrokerConfig
from odradek.config.release import EMULATE
from odradek.coordination.store import MetadataStore, find_node
from odradek.metadata import paths
from odradek.metadata.znodes import BrokerRegistration


async def check_company(store: MetadataStore, node_id: int, config: BrokerConfig) -> None:
    """Look at the other brokers before this one registers. Raises CannotStart.

    None may have taken an address that this broker is configured to advertise; a port that is left open is
    nobody's. And a release without ZooKeeper mode can be emulated among brokers of ours only: a real Kafka
    in an ensemble is 3.9 at most, and clients would see two releases in one cluster.
    """
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
