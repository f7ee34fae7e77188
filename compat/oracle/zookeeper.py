"""A standalone ZooKeeper 3.8.4 on a free port."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError
from kazoo.retry import KazooRetry

from compat.oracle.ports import free_port
from compat.oracle.releases import OracleUnavailable
from compat.oracle.started import Started
from compat.oracle.zookeeper_server import ZooKeeperServer

_START_ATTEMPTS: Final = 3
_GONE_S: Final = 120
"""How long servers may be away, started again by a slow machine, before a command is given up."""


class Ensemble(Started):
    """A tree that servers keep for us, reached at ``connect``, the value for ``zookeeper.connect``."""

    connect = ""

    def client(self) -> KazooClient:
        """A started kazoo client; the caller stops and closes it.

        What goes through its ``retry`` outlasts lost connections and sessions. It asks for servers that are
        away every second, while kazoo's own would come back when its session is long over.
        """
        client = KazooClient(
            hosts=self.connect,
            timeout=10,
            connection_retry=KazooRetry(max_tries=-1, max_delay=1),
            command_retry=KazooRetry(max_tries=-1, max_delay=1, deadline=_GONE_S),
        )
        client.start(timeout=30)
        return client

    def forget_broker(self, broker_id: int) -> None:
        """Drop the ephemeral znodes of a killed broker instead of waiting for its session to expire."""
        client = self.client()
        try:
            for path in (f"/brokers/ids/{broker_id}", "/controller"):
                try:
                    client.delete(path)
                except NoNodeError:
                    continue
        finally:
            client.stop()
            client.close()


class ZooKeeper(Ensemble):
    """Runs inside ``with``; its data is in a temporary directory and goes with it.

    Its port and data outlast ``kill`` and ``restart``. ``settings`` are ZooKeeper's own, ``java_options`` its
    JVM's.
    """

    def __init__(
        self, *, settings: Mapping[str, str] | None = None, java_options: Sequence[str] = ()
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="odradek-zookeeper-")
        self._settings = dict(settings or {})
        self._java_options = java_options
        self._server: ZooKeeperServer | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.kill()
        self._scratch.cleanup()

    @property
    def pid(self) -> int:
        return self._running().pid

    def kill(self) -> None:
        """``kill -9``; what it acknowledged is on its disk."""
        self._running().kill()

    def restart(self) -> None:
        """Start again on the same port and data, after ``kill`` (kills it if it runs)."""
        self._running().restart()

    def log_text(self) -> str:
        """Everything it has logged since its first start."""
        return self._running().log_text()

    def _running(self) -> ZooKeeperServer:
        if self._server is None:
            raise RuntimeError("ZooKeeper runs only inside the with block")
        return self._server

    def _start(self) -> None:
        for _ in range(_START_ATTEMPTS):
            server = self._server = ZooKeeperServer(
                Path(self._scratch.name), free_port(), self._settings, self._java_options
            )
            server.launch()
            if server.wait_started():
                self.connect = server.address
                return
            server.kill()
        raise OracleUnavailable(f"ZooKeeper did not start:\n{self.log_text()}")
