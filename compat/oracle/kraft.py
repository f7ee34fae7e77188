"""Real Kafka without ZooKeeper in two processes, as its migration leaves it: a controller and a broker.

    with KraftController("3.9.2", free_port(), cluster_id, log_dir=path) as controller:
        with KraftBroker("3.9.2", controller.quorum, log_dir=other_path) as broker:
            client.connect(broker.bootstrap)

Either may be left and entered again as another release, on the log directory of the one before.
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from compat.oracle.java import Jvm
from compat.oracle.kafka import RealKafka

_CONTROLLER_ID: Final = 3000


class KraftController(RealKafka):
    """The only voter of its quorum. The first to be started on a log directory formats it for the cluster."""

    def __init__(
        self,
        release: str,
        port: int,
        cluster_id: str,
        *,
        log_dir: Path,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        """``port`` is part of what brokers and earlier controllers wrote down, so it stays the same."""
        self.release = release
        self._given_port = port
        self._cluster_id = cluster_id
        super().__init__(overrides=overrides, log_dir=log_dir, jvm=Jvm.CLUSTER_BROKER)

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the controller's listener; it serves no clients."""
        return f"localhost:{self._given_port}"

    @property
    def quorum(self) -> Mapping[str, str]:
        """The properties by which a broker finds it."""
        return {
            "controller.quorum.voters": f"{_CONTROLLER_ID}@{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        }

    def _own_properties(self) -> dict[str, str]:
        return {
            **self.quorum,
            "process.roles": "controller",
            "node.id": str(_CONTROLLER_ID),
            "listeners": f"CONTROLLER://{self.bootstrap}",
        }

    def _before_start(self) -> None:
        self._format(self._cluster_id)

    def _serves(self) -> bool:
        try:
            with socket.create_connection(("localhost", self._given_port), timeout=5):
                return True
        except OSError:
            return False


class KraftBroker(RealKafka):
    """Broker 0 of a quorum, on a log directory that already belongs to its cluster."""

    def __init__(
        self,
        release: str,
        quorum: Mapping[str, str],
        *,
        log_dir: Path,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        self.release = release
        self._quorum = quorum
        super().__init__(overrides=overrides, log_dir=log_dir, jvm=Jvm.CLUSTER_BROKER)

    def _own_properties(self) -> dict[str, str]:
        return {
            **self._quorum,
            "process.roles": "broker",
            "node.id": str(self.broker_id),
            "listeners": f"PLAINTEXT://{self.bootstrap}",
        }
