"""Real Kafka brokers, one per ``with``: 3.9.2 over ZooKeeper, 4.3.0 as a KRaft broker and controller in one.

    with kafka("3.9.2", overrides={"num.partitions": "3"}) as broker:
        client.connect(broker.bootstrap)

A broker keeps its port, properties and log directory over ``stop``, ``kill`` and ``restart``. Everything it
writes is in a temporary directory unless ``log_dir`` says otherwise, and goes when the ``with`` ends.
"""

import base64
import contextlib
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from compat.oracle.java import Jvm, LogTo, java_command
from compat.oracle.ports import free_port, serves, wait_until
from compat.oracle.processes import ChildProcess
from compat.oracle.releases import OracleUnavailable, release_named
from compat.oracle.started import Started
from compat.oracle.zookeeper import Ensemble, ZooKeeper

_MAIN: Final = "kafka.Kafka"
_START_ATTEMPTS: Final = 3
_START_TIMEOUT_S: Final = 120
_BIND_FAILURES: Final = ("Address already in use", "Socket server failed to bind")

SINGLE_BROKER: Final[Mapping[str, str]] = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
}
"""What every single broker needs, and what ``odradek serve`` has by default; overrides may change it."""


class RealKafka(Started):
    """A broker's life; the two releases differ in the properties they need and in how they are prepared."""

    release: str
    broker_id: Final = 0

    def __init__(
        self,
        *,
        overrides: Mapping[str, str] | None = None,
        log_dir: Path | None = None,
        jvm: Jvm = Jvm.TEST_BROKER,
    ) -> None:
        """``log_dir`` is the only log directory, kept afterwards; ``overrides`` win over our properties."""
        self._overrides = dict(overrides or {})
        self._jvm = jvm
        self._scratch = tempfile.TemporaryDirectory(prefix=f"odradek-kafka-{self.release}-")
        self._process: ChildProcess | None = None
        self._port = 0
        self.log_dir = log_dir or self._directory / "logs"
        """Kafka's ``log.dirs``: one directory of topic partitions."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._process is not None:
                self._process.kill()
        finally:
            self._dispose()
            self._scratch.cleanup()

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the client listener."""
        return f"localhost:{self._port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; ``None`` while it runs."""
        return self._running().returncode

    def log_text(self) -> str:
        """Everything the broker has logged since its first start."""
        path = self._directory / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Shut the broker down in order: clean-shutdown marker, checkpoints, deregistration."""
        self._running().stop()

    def kill(self) -> None:
        """``kill -9``: what is only in memory is lost."""
        self._running().kill()

    def restart(self) -> None:
        """Start again on the same port and files, after ``stop`` or ``kill`` (stops it if it runs)."""
        if self._running().returncode is None:
            self.stop()
        self._before_restart()
        if not self._launch():
            raise OracleUnavailable(f"Kafka {self.release} did not start again:\n{self.log_text()[-5000:]}")

    def properties(self) -> dict[str, str]:
        """The ``server.properties`` in force."""
        return {**SINGLE_BROKER, "log.dirs": str(self.log_dir), **self._own_properties(), **self._overrides}

    def _own_properties(self) -> dict[str, str]:
        raise AssertionError("each release has its own")

    def _prepare(self) -> None:
        """Whatever must run before the broker; the counterpart of ``_dispose``."""

    def _before_start(self) -> None:
        """Called with the properties written, before each start on a new port."""

    def _before_restart(self) -> None:
        """Called between the end of the old process and the start of the new one."""

    def _dispose(self) -> None:
        """Undo ``_prepare``."""

    def _format(self, cluster_id: str, *options: str) -> None:
        """Make the log directory one of KRaft mode, by kafka-storage, unless it is one already."""
        arguments = ["format", "--ignore-formatted", *options, "-t", cluster_id]
        arguments += ["-c", str(self._properties_path)]
        command = java_command(
            self.release, "kafka.tools.StorageTool", *arguments, jvm=Jvm.TOOL, log_to=LogTo.ERRORS
        )
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self._directory,
            timeout=_START_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise OracleUnavailable(f"kafka-storage format failed:\n{done.stdout}{done.stderr}")

    @property
    def _directory(self) -> Path:
        return Path(self._scratch.name)

    @property
    def _properties_path(self) -> Path:
        return self._directory / "server.properties"

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise RuntimeError("the broker was never started")
        return self._process

    def _start(self) -> None:
        self._prepare()
        for _ in range(_START_ATTEMPTS):
            self._port = free_port()
            self._write_properties()
            self._before_start()
            if self._launch():
                return
            if not any(failure in self.log_text() for failure in _BIND_FAILURES):
                break
        raise OracleUnavailable(f"Kafka {self.release} did not start:\n{self.log_text()[-5000:]}")

    def _write_properties(self) -> None:
        lines = (f"{name}={value}\n" for name, value in self.properties().items())
        self._properties_path.write_text("".join(lines))

    def _serves(self) -> bool:
        """Whether it does what it is there for."""
        return serves(self.bootstrap)

    def _launch(self) -> bool:
        """Run it with the properties as they are; whether it serves."""
        command = java_command(
            self.release, _MAIN, str(self._properties_path), jvm=self._jvm, log_to=LogTo.OUTPUT
        )
        log_path = self._directory / "server.log"
        process = self._process = ChildProcess(command, log_path=log_path, cwd=self._directory)
        ended_or_serves = wait_until(
            lambda: process.returncode is not None or self._serves(), timeout_s=_START_TIMEOUT_S
        )
        return ended_or_serves and process.returncode is None


class Kafka392(RealKafka):
    """A 3.9.2 broker in ZooKeeper mode, with a ZooKeeper of its own unless one is given."""

    release = "3.9.2"

    def __init__(
        self,
        *,
        overrides: Mapping[str, str] | None = None,
        log_dir: Path | None = None,
        jvm: Jvm = Jvm.TEST_BROKER,
        zookeeper: Ensemble | None = None,
    ) -> None:
        super().__init__(overrides=overrides, log_dir=log_dir, jvm=jvm)
        self._given_zookeeper = zookeeper
        self._own = contextlib.ExitStack()
        self._zookeeper: Ensemble | None = zookeeper

    @property
    def zookeeper(self) -> Ensemble:
        """The ensemble; ``zookeeper.connect`` is its address."""
        if self._zookeeper is None:
            raise RuntimeError("ZooKeeper runs only inside the with block")
        return self._zookeeper

    def _own_properties(self) -> dict[str, str]:
        return {
            "broker.id": str(self.broker_id),
            "listeners": f"PLAINTEXT://{self.bootstrap}",
            "zookeeper.connect": self.zookeeper.connect,
        }

    def _prepare(self) -> None:
        if self._given_zookeeper is None:
            self._zookeeper = self._own.enter_context(ZooKeeper())

    def _before_restart(self) -> None:
        self.zookeeper.forget_broker(int(self.properties()["broker.id"]))

    def _dispose(self) -> None:
        self._own.close()


class Kafka430(RealKafka):
    """A 4.3.0 node in KRaft mode, broker and controller in one process."""

    release = "4.3.0"

    def __init__(
        self,
        *,
        overrides: Mapping[str, str] | None = None,
        log_dir: Path | None = None,
        jvm: Jvm = Jvm.TEST_BROKER,
    ) -> None:
        super().__init__(overrides=overrides, log_dir=log_dir, jvm=jvm)
        self._controller_port = 0

    def _own_properties(self) -> dict[str, str]:
        controller = f"localhost:{self._controller_port}"
        return {
            "node.id": str(self.broker_id),
            "process.roles": "broker,controller",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": controller,
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
        }

    def _write_properties(self) -> None:
        self._controller_port = free_port()
        super()._write_properties()

    def _before_start(self) -> None:
        # The first byte keeps the id from beginning with "-", which would be an option.
        cluster_id = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        self._format(cluster_id, "--standalone")


def kafka(
    release: str,
    *,
    overrides: Mapping[str, str] | None = None,
    log_dir: Path | None = None,
    jvm: Jvm = Jvm.TEST_BROKER,
) -> RealKafka:
    """A broker of ``release``, started by entering it; raises ``ValueError`` for an unknown release."""
    release_named(release)
    if release == Kafka392.release:
        return Kafka392(overrides=overrides, log_dir=log_dir, jvm=jvm)
    return Kafka430(overrides=overrides, log_dir=log_dir, jvm=jvm)
