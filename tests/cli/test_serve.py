"""`odradek serve` as a process: its one line, exit codes, signals, what it says when it cannot start."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

READY = re.compile(
    r"odradek (?P<version>\S+) ready: PLAINTEXT://127\.0\.0\.1:(?P<port>\d+) broker 0 "
    r"cluster (?P<cluster>[\w-]{22}) in (?P<took>\d+) ms\n"
)
TIMEOUT_S = 60


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from odradek.cli.main import main; main()", *arguments]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
    return kept | dict(variables)


def finished(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@contextmanager
def started(*arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], re.Match[str]]]:
    """The process and its one line, once it is there."""
    with subprocess.Popen(
        command("serve", *arguments),
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready = READY.fullmatch(line)
            assert ready is not None, line
            yield process, ready
        finally:
            process.kill()


def overrides(log_dir: Path, **more: str) -> list[str]:
    named = {"listeners": "PLAINTEXT://127.0.0.1:0", "log.dirs": str(log_dir), **more}
    return [argument for name, value in named.items() for argument in ("--override", f"{name}={value}")]


def test_the_line_comes_when_connections_are_accepted(tmp_path: Path) -> None:
    with started(*overrides(tmp_path)) as (_, ready):
        with socket.create_connection(("127.0.0.1", int(ready["port"])), timeout=TIMEOUT_S):
            pass
        assert 0 < int(ready["took"]) < TIMEOUT_S * 1000
        assert f"cluster.id={ready['cluster']}" in (tmp_path / "meta.properties").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with started(*overrides(tmp_path)) as (process, _):
        process.send_signal(number)
        assert process.wait(TIMEOUT_S) == 0
    assert (tmp_path / ".kafka_cleanshutdown").exists()


STUBBORN = """
import trio
import odradek.cli.serve as serve
from odradek.broker.broker import RunningBroker
from odradek.cli.main import main

async def run_broker(config, *, task_status):
    task_status.started(RunningBroker(0, "stubborn", (), None))
    with trio.CancelScope(shield=True):
        await trio.sleep_forever()

serve.run_broker = run_broker
main(["serve"])
"""
"""A broker that does not stop when it is told to."""


def test_a_second_signal_stops_it_at_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert "ready" in process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert "Stopping" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(TIMEOUT_S) == -signal.SIGINT
        finally:
            process.kill()


def test_file_environment_and_override_win_in_this_order(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text(
        "listeners=PLAINTEXT://127.0.0.1:1\nlog.dirs=/dev/null/file\nbroker.id=0\n", encoding="latin-1"
    )
    with started(
        str(file),
        "--override",
        f"log.dirs={tmp_path / 'data'}",
        KAFKA_LISTENERS="PLAINTEXT://127.0.0.1:0",
        KAFKA_LOG_DIRS="/dev/null/environment",
    ):
        assert (tmp_path / "data" / "meta.properties").exists()


def test_a_wrong_value_is_named_without_a_traceback(tmp_path: Path) -> None:
    ended = finished("serve", *overrides(tmp_path, **{"num.partitions": "many"}))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        "odradek: Invalid value many for configuration num.partitions: Not a number of type INT\n"
    )


def test_a_taken_port_is_named_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = finished("serve", *overrides(tmp_path, listeners=f"PLAINTEXT://{address}"))
    assert ended.returncode == 1
    assert ended.stderr == f"odradek: Socket server failed to bind to {address}: Address already in use.\n"


@pytest.mark.parametrize("wrong", ["no-equals", "=no-name"])
def test_an_override_without_name_or_value_is_wrong_usage(wrong: str) -> None:
    ended = finished("serve", "--override", wrong)
    assert ended.returncode == 2
    assert "--override takes NAME=VALUE" in ended.stderr


def test_a_file_that_is_not_there_is_wrong_usage() -> None:
    ended = finished("serve", "nowhere.properties")
    assert ended.returncode == 2
    assert "nowhere.properties" in ended.stderr


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"odradek \d+\.\d+\.\d+\S*\n", finished("--version").stdout)
