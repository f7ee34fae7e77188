"""One broker of a cluster, ours or real Kafka 3.9.2, with the same handles on either."""

import enum
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from compat.cluster.proxy import Frame, Proxy
from compat.odradek import Odradek
from compat.oracle.java import Jvm
from compat.oracle.kafka import Kafka392
from compat.oracle.ports import free_port, wait_until
from compat.oracle.zookeeper import Ensemble

_SESSION_GONE_S = 120
_BROKEN = Path(__file__).parent / "broken.py"


class Kind(enum.Enum):
    """Whose broker it is."""

    ODRADEK = "odradek"
    KAFKA = "kafka"


class Node:
    """A broker's life; its id, ports and files outlast ``stop``, ``kill`` and ``restart``."""

    def __init__(
        self,
        node_id: int,
        kind: Kind,
        ensemble: Ensemble,
        *,
        overrides: Mapping[str, str],
        log_dir: Path | None = None,
        behind_proxy: bool = False,
        on_frame: Callable[[Frame], None] | None = None,
        fault: str | None = None,
    ) -> None:
        """``behind_proxy`` has the other brokers reach this one through ``proxy``; clients never do.

        ``on_frame`` sees what goes through it.
        ``fault`` is a name of ``compat.cluster.broken``, for a broker of ours.
        """
        self.id = node_id
        self.kind = kind
        self._ensemble = ensemble
        self.port, replication_port = free_port(), free_port()
        self.proxy = Proxy(replication_port, on_frame=on_frame) if behind_proxy else None
        properties = {
            "broker.id": str(node_id),
            "zookeeper.connect": ensemble.connect,
            "listeners": f"PLAINTEXT://localhost:{self.port}",
        }
        if self.proxy is not None:
            properties |= {
                "listeners": f"PLAINTEXT://localhost:{self.port},REPLICATION://localhost:{replication_port}",
                "advertised.listeners": f"PLAINTEXT://localhost:{self.port},"
                f"REPLICATION://localhost:{self.proxy.port}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT",
                "inter.broker.listener.name": "REPLICATION",
            }
        properties |= overrides
        self.broker: Odradek | Kafka392 = (
            Odradek(overrides=properties, log_dir=log_dir, program=_program(fault))
            if kind is Kind.ODRADEK
            else _KafkaNode(node_id, self.port, properties, ensemble, log_dir)
        )

    def __enter__(self) -> Self:
        if self.proxy is not None:
            self.proxy.__enter__()
        self.broker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.broker.__exit__(kind, error, trace)
        finally:
            if self.proxy is not None:
                self.proxy.__exit__(kind, error, trace)

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the client listener."""
        return self.broker.bootstrap

    @property
    def running(self) -> bool:
        """Whether its process lives, be it paused."""
        return self.broker.returncode is None

    @property
    def log_dir(self) -> Path:
        """Its only log directory."""
        return self.broker.log_dir

    def log_text(self) -> str:
        """Everything the broker has logged since its first start."""
        return self.broker.log_text()

    def stop(self) -> None:
        """Shut down in order: leaders move first."""
        self.broker.stop()

    def kill(self) -> None:
        """``kill -9``."""
        self.broker.kill()

    def restart(self) -> None:
        """Start again on the same ports and files, once the session of its last life is over."""
        self.broker.restart()

    def put_in_order(self) -> None:
        """Let it run, speak and be heard, whatever was done to it."""
        if self.proxy is not None:
            self.proxy.put_in_order()
        if self.running:
            self.resume()
        else:
            self.restart()

    def pause(self) -> None:
        """SIGSTOP: its connections stay, it answers nothing, its session with the ensemble runs out."""
        os.kill(self.broker.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.broker.pid, signal.SIGCONT)


def _program(fault: str | None) -> Sequence[str]:
    return ("-m", "odradek.cli.main") if fault is None else (str(_BROKEN), fault)


class _KafkaNode(Kafka392):
    """Real Kafka with an id and ports that are given, and an ensemble that others are registered in."""

    def __init__(
        self,
        node_id: int,
        port: int,
        properties: Mapping[str, str],
        ensemble: Ensemble,
        log_dir: Path | None,
    ) -> None:
        super().__init__(overrides=properties, log_dir=log_dir, jvm=Jvm.CLUSTER_BROKER, zookeeper=ensemble)
        self._node_id = node_id
        self._given_port = port

    @property
    def bootstrap(self) -> str:
        return f"localhost:{self._given_port}"

    def _before_restart(self) -> None:
        """A broker of Kafka's does not start while the session of its last life goes on."""
        client = self.zookeeper.client()
        try:
            wait_until(
                lambda: client.exists(f"/brokers/ids/{self._node_id}") is None, timeout_s=_SESSION_GONE_S
            )
        finally:
            client.stop()
            client.close()
