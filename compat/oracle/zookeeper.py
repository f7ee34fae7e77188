"""A standalone ZooKeeper 3.8.4 on a free port, from the jars that Kafka 3.9.2 brings."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from compat.oracle.java import Jvm, LogTo, java_command
from compat.oracle.ports import accepts, free_port, wait_until
from compat.oracle.processes import ChildProcess
from compat.oracle.releases import OracleUnavailable

_MAIN: Final = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
_START_ATTEMPTS: Final = 3
_START_TIMEOUT_S: Final = 60


class ZooKeeper:
    """Runs inside ``with``; its data is in a temporary directory and goes with it."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="odradek-zookeeper-")
        self._process: ChildProcess | None = None
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

    def _start(self) -> None:
        directory = Path(self._scratch.name)
        log_path = directory / "zookeeper.log"
        for _ in range(_START_ATTEMPTS):
            port = free_port()
            settings = directory / "zookeeper.properties"
            settings.write_text(
                f"dataDir={directory}/data\nclientPort={port}\nclientPortAddress=localhost\n"
                "maxClientCnxns=0\nadmin.enableServer=false\ntickTime=2000\n"
            )
            command = java_command("3.9.2", _MAIN, str(settings), jvm=Jvm.SMALL, log_to=LogTo.OUTPUT)
            process = self._process = ChildProcess(command, log_path=log_path, cwd=directory)
            wait_until(lambda: process.returncode is not None or accepts(port), timeout_s=_START_TIMEOUT_S)  # noqa: B023
            if process.returncode is None:
                self.connect = f"localhost:{port}"
                return
        raise OracleUnavailable(f"ZooKeeper did not start:\n{log_path.read_text()}")
