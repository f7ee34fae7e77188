"""The brokers under measurement, each started the way its users start it and with its own defaults."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from compat.bench.figures import ODRADEK
from compat.bench.kfake import KFAKE, kfake_program
from compat.oracle.java import Jvm
from compat.oracle.kafka import kafka
from compat.oracle.ports import free_port, serves
from compat.oracle.processes import ChildProcess
from compat.oracle.started import Started

START_TIMEOUT_S: Final = 180
POLL_S: Final = 0.002
"""How often a starting broker is asked; the error of the start-up figure."""


class Contestant(Protocol):
    """One broker of its own, on files of its own, from `with` to its end."""

    name: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def bootstrap(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def ready_seconds(self) -> float:
        """From the fork of its latest start to its first whole answer."""

    def restart(self, *, kill: bool = False) -> None:
        """Stop in order, or with kill -9, and start again on the same files."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A broker to choose by `key`; `keeps_data` says whether a restart finds anything."""

    key: str
    name: str
    make: Callable[[], Contestant]
    keeps_data: bool = True


class Program(Started):
    """A broker that is one command; the two of ours differ in its words."""

    def __init__(self, name: str, command: Callable[[int, Path], list[str]]) -> None:
        self.name = name
        self._command = command
        self._scratch = tempfile.TemporaryDirectory(prefix="odradek-bench-")
        self._port = free_port()
        self._process: ChildProcess | None = None
        self.ready_seconds = 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
        self._scratch.cleanup()

    @property
    def bootstrap(self) -> str:
        return f"localhost:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def restart(self, *, kill: bool = False) -> None:
        assert self._process is not None
        if kill:
            self._process.kill()
        else:
            self._process.stop()
        self._start()

    def _start(self) -> None:
        directory = Path(self._scratch.name)
        began = time.perf_counter()
        process = self._process = ChildProcess(
            self._command(self._port, directory),
            log_path=directory / "log",
            environment={"PYTHONDONTWRITEBYTECODE": ""},  # an installed package has its byte code
        )
        while not serves(self.bootstrap, timeout_s=1):
            if process.returncode is not None or time.perf_counter() - began > START_TIMEOUT_S:
                raise TimeoutError(f"{self.name} does not answer:\n{process.log_text()[-3000:]}")
            time.sleep(POLL_S)
        self.ready_seconds = time.perf_counter() - began


class RealKafka:
    """Kafka with its own start script's JVM options; the clock starts with the broker, not ZooKeeper."""

    def __init__(self, release: str) -> None:
        self.name = f"Kafka {release}"
        self._kafka = kafka(release, jvm=Jvm.KAFKA_BROKER)
        self.ready_seconds = 0.0

    def __enter__(self) -> Self:
        """Started twice: what is timed has its directory formatted and its ZooKeeper up."""
        self._kafka.__enter__()
        try:
            self.restart()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kafka.__exit__(kind, error, trace)

    @property
    def bootstrap(self) -> str:
        return self._kafka.bootstrap

    @property
    def pid(self) -> int:
        return self._kafka.pid

    def restart(self, *, kill: bool = False) -> None:
        if kill:
            self._kafka.kill()
        else:
            self._kafka.stop()
        began = time.perf_counter()
        self._kafka.restart()
        self.ready_seconds = time.perf_counter() - began


def all_kinds() -> dict[str, Kind]:
    """Every broker that can be measured on this machine, ours first."""
    kinds = [
        Kind("odradek", ODRADEK, lambda: Program(ODRADEK, _odradek)),
        Kind("3.9.2", "Kafka 3.9.2", lambda: RealKafka("3.9.2")),
        Kind("4.3.0", "Kafka 4.3.0", lambda: RealKafka("4.3.0")),
    ]
    program = kfake_program()
    if program is not None:
        command = str(program)
        kinds.append(
            Kind(
                "kfake", KFAKE, lambda: Program(KFAKE, lambda port, _: [command, str(port)]), keeps_data=False
            )
        )
    return {kind.key: kind for kind in kinds}


def page_cache_written() -> None:
    """Let the kernel write back what earlier loads left dirty: one broker must not pay for the other."""
    os.sync()


def address(broker: Contestant) -> tuple[str, int]:
    """Host and port."""
    host, _, port = broker.bootstrap.rpartition(":")
    return host, int(port)


def _odradek(port: int, directory: Path) -> list[str]:
    overrides = (f"listeners=PLAINTEXT://localhost:{port}", f"log.dirs={directory}/data")
    options = [word for override in overrides for word in ("--override", override)]
    return [sys.executable, "-m", "odradek.cli.main", "serve", *options]
