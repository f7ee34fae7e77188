"""Odradek as a process of its own, with the same handles as real Kafka in ``compat.oracle.kafka``."""

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from compat.oracle.ports import serves, wait_until
from compat.oracle.processes import ChildProcess
from compat.oracle.started import Started

_START_TIMEOUT_S: Final = 120
_STOP_TIMEOUT_S: Final = 120
"""For a slow machine, and for a session that must end first; either takes a second."""

_READY: Final = re.compile(r"^odradek \S+ ready: .*?://localhost:(\d+).*\n", re.MULTILINE)


class OdradekDidNotStart(Exception):
    """``odradek serve`` ended or never said that it is ready; the message ends with its log."""


class Odradek(Started):
    """A broker's life inside ``with``; its port and files outlast ``stop``, ``kill`` and ``restart``."""

    def __init__(
        self,
        *,
        overrides: Mapping[str, str] | None = None,
        log_dir: Path | None = None,
        program: Sequence[str] = ("-m", "odradek.cli.main"),
    ) -> None:
        """``log_dir`` is the only log directory, kept afterwards; ``overrides`` win over our properties.

        ``program`` is what Python is given before the command line's own arguments.
        """
        self._overrides = dict(overrides or {})
        self._program = tuple(program)
        self._scratch = tempfile.TemporaryDirectory(prefix="odradek-broker-")
        self._process: ChildProcess | None = None
        self._port = 0
        self.log_dir = log_dir or Path(self._scratch.name) / "logs"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._process is not None:
                self._process.kill()
        finally:
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
        return self._running().log_text()

    def stop(self) -> int:
        """SIGTERM, and wait for the orderly end; returns the exit status."""
        return self._running().stop(_STOP_TIMEOUT_S)

    def kill(self) -> None:
        """``kill -9``."""
        self._running().kill()

    def restart(self) -> None:
        """Start again on the same port and files, after ``stop`` or ``kill`` (stops it if it runs)."""
        if self._running().returncode is None:
            self.stop()
        self._start()

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise RuntimeError("the broker was never started")
        return self._process

    def _start(self) -> None:
        directory = Path(self._scratch.name)
        properties = {
            "broker.id": "0",
            "listeners": f"PLAINTEXT://localhost:{self._port}",
            "log.dirs": str(self.log_dir),
            **self._overrides,
        }
        options = [word for name, value in properties.items() for word in ("--override", f"{name}={value}")]
        output_path = directory / "output"
        process = self._process = ChildProcess(
            [sys.executable, *self._program, "serve", *options],
            log_path=directory / "log",
            output_path=output_path,
            cwd=directory,
        )
        wait_until(
            lambda: process.returncode is not None or _READY.search(output_path.read_text()) is not None,
            timeout_s=_START_TIMEOUT_S,
        )
        ready = _READY.search(output_path.read_text())
        if ready is None:
            raise OdradekDidNotStart(f"{output_path.read_text()}{process.log_text()[-5000:]}")
        self._port = int(ready.group(1))
        # Ready is ready: it is asked once, and only how long its answer takes is a slow machine's affair.
        if not serves(self.bootstrap, timeout_s=_START_TIMEOUT_S):
            raise OdradekDidNotStart(f"it is ready but does not serve:\n{process.log_text()[-5000:]}")
