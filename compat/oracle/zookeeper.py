"""A standalone ZooKeeper 3.8.4 on a free port, from the jars that Kafka 3.9.2 brings."""

import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from compat.oracle.java import Jvm, LogTo, java_command
from compat.oracle.ports import free_port, wait_until
from compat.oracle.processes import ChildProcess
from compat.oracle.releases import OracleUnavailable

_MAIN: Final = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
_START_ATTEMPTS: Final = 3
_START_TIMEOUT_S: Final = 60


class ZooKeeper:
    """Runs inside ``with``; its data is in a temporary directory and goes with it.

    Its port and data outlast ``kill`` and ``restart``.
    """

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="odradek-zookeeper-")
        self._process: ChildProcess | None = None
        self._port = 0
        self.connect = ""
        """The value for ``zookeeper.connect``."""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None
        self._scratch.cleanup()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("ZooKeeper is not running")
        return self._process.pid

    def kill(self) -> None:
        """``kill -9``; what it acknowledged is on its disk."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Start again on the same port and data, after ``kill`` (kills it if it runs)."""
        self.kill()
        if not self._run():
            raise OracleUnavailable(f"ZooKeeper did not start again:\n{self.log_text()[-5000:]}")

    def log_text(self) -> str:
        """Everything it has logged since its first start."""
        return self._log_path.read_text(errors="replace")

    def client(self) -> KazooClient:
        """A started kazoo client; the caller stops and closes it."""
        client = KazooClient(hosts=self.connect, timeout=10)
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

    @property
    def _log_path(self) -> Path:
        return Path(self._scratch.name) / "zookeeper.log"

    def _start(self) -> None:
        for _ in range(_START_ATTEMPTS):
            self._port = free_port()
            if self._run():
                self.connect = f"localhost:{self._port}"
                return
        raise OracleUnavailable(f"ZooKeeper did not start:\n{self.log_text()}")

    def _run(self) -> bool:
        directory = Path(self._scratch.name)
        settings = directory / "zookeeper.properties"
        settings.write_text(
            f"dataDir={directory}/data\nclientPort={self._port}\nclientPortAddress=localhost\n"
            "maxClientCnxns=0\nadmin.enableServer=false\ntickTime=2000\n"
        )
        command = java_command("3.9.2", _MAIN, str(settings), jvm=Jvm.SMALL, log_to=LogTo.OUTPUT)
        process = self._process = ChildProcess(command, log_path=self._log_path, cwd=directory)
        wait_until(lambda: process.returncode is not None or _serves(self._port), timeout_s=_START_TIMEOUT_S)
        return process.returncode is None and _serves(self._port)


def _serves(port: int) -> bool:
    """Whether it says what it is. A connection that comes while its database is loaded is never answered."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"srvr")
            return b"Mode:" in b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return False
