"""`make cluster`: one command, what to try works, and Ctrl-C takes it down."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from compat.oracle.ports import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.oracle]


@contextmanager
def quick_start(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """The process, and what it has said."""
    output = directory / "output"
    with open(output, "wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "compat.quick_start"], stdout=said, stderr=subprocess.STDOUT
        )
    try:
        yield process, output.read_text
    finally:
        process.kill()
        process.wait()


def test_a_killed_broker_is_replaced_before_ones_eyes(tmp_path: Path) -> None:
    with quick_start(tmp_path) as (process, said):
        assert wait_until(lambda: "  leaders  " in said(), timeout_s=60), said()
        pids = [int(pid) for pid in re.findall(r"^broker \d .* pid (\d+)$", said(), re.MULTILINE)]
        assert len(pids) == 3
        assert f"kill -9 {pids[0]}" in said()
        [bootstrap] = re.findall(r"^  kcat -b (\S+) .* -L ", said(), re.MULTILINE)
        # Else groups could not begin while one of the three is gone.
        assert "__consumer_offsets" in AdminClient({"bootstrap.servers": bootstrap}).list_topics().topics
        os.kill(pids[0], signal.SIGKILL)
        assert wait_until(lambda: len(re.findall(r"leader 1 -> [23]", said())) == 2, timeout_s=30), said()
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert said().endswith("Taken down.\n")
        assert not [child for child in children if child.is_running()]
