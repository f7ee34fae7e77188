"""One ZooKeeper 3.8.4 process, from the jars that Kafka 3.9.2 brings."""

import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from compat.oracle.java import Jvm, LogTo, java_command
from compat.oracle.ports import wait_until
from compat.oracle.processes import ChildProcess
from compat.oracle.releases import OracleUnavailable

_MAIN: Final = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
_START_TIMEOUT_S: Final = 60
TICK_MS: Final = 2000
"""ZooKeeper's own default; no session is shorter than two of them."""


class ZooKeeperServer:
    """A server with its data in ``directory``, which outlasts ``kill``; ``settings`` win over our own."""

    def __init__(
        self, directory: Path, port: int, settings: Mapping[str, str], java_options: Sequence[str] = ()
    ) -> None:
        self.port = port
        self._directory = directory
        self._settings = settings
        self._java_options = java_options
        self._process: ChildProcess | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("ZooKeeper is not running")
        return self._process.pid

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def is_leader(self) -> bool:
        """Whether it leads an ensemble; a standalone server does not."""
        return "Mode: leader" in _said_by(self.port)

    def log_text(self) -> str:
        """Everything it has logged since its first start."""
        return self._log_path.read_text(errors="replace")

    def launch(self) -> None:
        """Start the process; ``wait_started`` says when it serves."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / "zookeeper.properties"
        settings = {
            "dataDir": f"{self._directory}/data",
            "clientPort": str(self.port),
            "clientPortAddress": "localhost",
            "maxClientCnxns": "0",
            "admin.enableServer": "false",
            "tickTime": str(TICK_MS),
            **self._settings,
        }
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        java, *arguments = java_command("3.9.2", _MAIN, str(path), jvm=Jvm.SMALL, log_to=LogTo.OUTPUT)
        command = [java, *self._java_options, *arguments]
        self._process = ChildProcess(command, log_path=self._log_path, cwd=self._directory)

    def wait_started(self) -> bool:
        """Whether it serves; ``False`` when its process ended or that took too long."""
        process = self._process
        assert process is not None
        ended_or_serves = wait_until(
            lambda: process.returncode is not None or self.serves(), timeout_s=_START_TIMEOUT_S
        )
        # Not asked again: a server that once served is a moment late with an answer on a slow machine.
        return ended_or_serves and process.returncode is None

    def serves(self) -> bool:
        """Whether it is a member of a quorum, or alone on purpose."""
        return "Mode:" in _said_by(self.port)

    def kill(self) -> None:
        """``kill -9``; what it acknowledged is on its disk."""
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: its connections stay, and it answers nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start again on the same port and data, after ``kill`` (kills it if it runs)."""
        self.kill()
        self.launch()
        if not self.wait_started():
            raise OracleUnavailable(f"ZooKeeper did not start again:\n{self.log_text()[-5000:]}")

    @property
    def _log_path(self) -> Path:
        return self._directory / "zookeeper.log"


def _said_by(port: int) -> str:
    """What it says of itself. A connection that comes while its database is loaded is never answered."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"srvr")
            return b"".join(iter(lambda: connection.recv(4096), b"")).decode(errors="replace")
    except OSError:
        return ""
