"""The brokers under measurement, each started the way its users start it and with its own defaults."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compat.oracle.java import Jvm
from compat.oracle.kafka import kafka
from compat.oracle.ports import free_port, serves
from compat.oracle.processes import ChildProcess

START_TIMEOUT_S = 120
POLL_S = 0.002
"""How often a starting broker is asked; the error of the start-up figure."""


@dataclass(frozen=True, slots=True)
class Running:
    """A broker that answers: its name in tables, address, process, seconds from fork to first answer."""

    name: str
    address: tuple[str, int]
    pid: int
    ready_seconds: float


@contextmanager
def odradek() -> Iterator[Running]:
    """`odradek serve` with its own defaults, in a fresh data directory."""
    with tempfile.TemporaryDirectory(prefix="odradek-bench-") as scratch:
        port = free_port()
        began = time.perf_counter()
        process = ChildProcess(
            [
                sys.executable,
                "-m",
                "odradek.cli.main",
                "serve",
                "--override",
                f"listeners=PLAINTEXT://localhost:{port}",
                "--override",
                f"log.dirs={scratch}/data",
            ],
            log_path=Path(scratch) / "odradek.log",
            environment={"PYTHONDONTWRITEBYTECODE": ""},  # an installed package has its byte code
        )
        try:
            ready_seconds = _wait_ready(f"localhost:{port}", began)
            yield Running("Odradek", ("localhost", port), process.pid, ready_seconds)
        finally:
            process.stop()


@contextmanager
def real_kafka(release: str) -> Iterator[Running]:
    """Kafka with its own start script's JVM options; the clock starts with the broker, not ZooKeeper."""
    with kafka(release, jvm=Jvm.KAFKA_BROKER) as broker:
        host, _, port = broker.bootstrap.rpartition(":")
        broker.stop()
        began = time.perf_counter()
        broker.restart()
        yield Running(f"Kafka {release}", (host, int(port)), broker.pid, time.perf_counter() - began)


def _wait_ready(bootstrap: str, began: float) -> float:
    """Seconds from `began` to the first whole answer with a controller in it."""
    while not serves(bootstrap, timeout_s=1):
        if time.perf_counter() - began > START_TIMEOUT_S:
            raise TimeoutError(f"{bootstrap} does not answer")
        time.sleep(POLL_S)
    return time.perf_counter() - began


def page_cache_written() -> None:
    """Let the kernel write back what earlier loads left dirty: one broker must not pay for the other."""
    os.sync()


def free_disk_bytes(directory: str) -> int:
    """What is left where the brokers keep their data."""
    done = subprocess.run(
        ["df", "--output=avail", "-B1", directory], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1])
