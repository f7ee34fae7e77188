"""`odradek metadata`: from a broker's file to JSON lines and into another's, or why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from odradek.broker.metadata_store import STORE_FILE
from odradek.cli.metadata import metadata
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(metadata, list(arguments), input=text)


def at(directory: Path) -> tuple[str, str]:
    return "--override", f"log.dirs={directory}"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A log directory with a small tree beside the logs."""
    directory = tmp_path / "written"
    directory.mkdir()

    async def write() -> None:
        async with EmbeddedStore(directory / STORE_FILE) as store:
            await store.commit(Create("/cluster"), Create("/cluster/id", b"abc"), Create("/brokers"))

    trio.run(write)
    return directory


def test_a_tree_moves_through_a_pipe(written: Path, tmp_path: Path) -> None:
    exported = run("export", *at(written))
    assert exported.exit_code == 0
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert lines[1:] == [{"path": "/brokers"}, {"path": "/cluster"}, {"path": "/cluster/id", "data": "abc"}]
    assert "3 nodes exported" in exported.stderr
    imported = run("import", *at(tmp_path / "other"), text=exported.stdout)
    assert (imported.exit_code, imported.stderr) == (0, "3 nodes imported, 0 were there\n")
    again = run("export", *at(tmp_path / "other"))
    assert again.stdout == exported.stdout


def test_a_tree_moves_through_a_file(written: Path, tmp_path: Path) -> None:
    file = tmp_path / "tree.jsonl"
    assert run("export", *at(written), "--to", str(file)).exit_code == 0
    assert run("import", *at(tmp_path / "other"), "--from", str(file)).exit_code == 0
    assert run("export", *at(tmp_path / "other")).stdout == file.read_text()


def test_there_is_nothing_to_export_where_no_broker_was(tmp_path: Path) -> None:
    exported = run("export", *at(tmp_path / "empty"))
    assert exported.exit_code == 1
    assert exported.stderr == f"odradek: There are no metadata in {tmp_path / 'empty'}.\n"
    assert not (tmp_path / "empty").exists()


def test_what_does_not_fit_is_refused(written: Path, tmp_path: Path) -> None:
    exported = run("export", *at(written)).stdout
    other = run("import", *at(written), text=exported.replace("abc", "def"))
    assert (other.exit_code, other.stderr) == (
        1,
        "odradek: /cluster/id is there already and holds something else.\n",
    )
    nonsense = run("import", *at(tmp_path / "other"), text="nonsense")
    assert (nonsense.exit_code, nonsense.stderr) == (1, "odradek: line 1 is no node: 'nonsense'\n")
    unreachable = run("import", "--override", "zookeeper.connect=127.0.0.1:1",
                      "--override", "zookeeper.connection.timeout.ms=50", text=exported)  # fmt: skip
    assert unreachable.exit_code == 1
    assert "ZooKeeper at 127.0.0.1:1 cannot be used" in unreachable.stderr
