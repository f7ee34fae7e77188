"""What only the embedded store promises: what is in its file, and what a start finds there."""

from __future__ import annotations

import os
import sqlite3
import sys

import pytest
import trio

from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.sqlite_journal import SqliteJournal
from odradek.coordination.store import Create, Delete, NoNode, Set, StoreUnavailable

KILLED_WRITER = """
import os, sys, trio
from pathlib import Path
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create, Set

async def main():
    store = EmbeddedStore(Path(sys.argv[1]))
    await store.commit(Create("/a", b"1"), Create("/a/session", ephemeral=True))
    await store.commit(Set("/a", b"2"), Create("/a/n-", sequential=True))
    os.kill(os.getpid(), 9)

trio.run(main)
"""


async def test_the_tree_comes_back_from_the_file(tmp_path):
    async with EmbeddedStore(tmp_path / "tree") as store:
        await store.commit(Create("/a", b"1"), Create("/a/b"), Create("/a/c"))
        await store.commit(Set("/a", b"2"), Delete("/a/c"))
        before = await store.get("/a")
    async with EmbeddedStore(tmp_path / "tree") as store:
        assert await store.get("/a") == before
        assert await store.children("/a") == {"b"}
        (result,) = await store.commit(Create("/a/n-", sequential=True))
        assert result.path == "/a/n-0000000002"
        assert (await store.get(result.path)).czxid > before.mzxid


async def test_a_killed_process_leaves_its_commits_and_no_session(tmp_path):
    path = tmp_path / "tree"
    killed = await trio.run_process([sys.executable, "-c", KILLED_WRITER, os.fspath(path)], check=False)
    assert killed.returncode == -9
    async with EmbeddedStore(path) as store:
        assert (await store.get("/a")).data == b"2"
        assert await store.children("/a") == {"n-0000000001"}
        with pytest.raises(NoNode):
            await store.get("/a/session")


async def test_registrations_of_consecutive_starts_have_growing_czxids(tmp_path):
    epochs = []
    for _ in range(3):
        async with EmbeddedStore(tmp_path / "tree") as store:
            await store.commit(Create("/id", ephemeral=True))
            epochs.append((await store.get("/id")).czxid)
    assert epochs == sorted(set(epochs))


async def test_a_failing_disk_changes_nothing_that_readers_see(tmp_path, monkeypatch):
    async with EmbeddedStore(tmp_path / "tree") as store:
        await store.commit(Create("/a", b"old"))

        def refuse(*_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr("odradek.coordination.sqlite_journal._rows", refuse)
            with pytest.raises(StoreUnavailable):
                await store.commit(Set("/a", b"new"))
        assert (await store.get("/a")).data == b"old"
        await store.commit(Set("/a", b"newer"))
        assert (await store.get("/a")).version == 1


async def test_a_session_ends_on_a_disk_that_fails(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async with EmbeddedStore(tmp_path / "tree") as store:
        other = store.another_session()
        await other.commit(Create("/id", ephemeral=True))
        with monkeypatch.context() as patch:
            patch.setattr("odradek.coordination.sqlite_journal._rows", refuse)
            await other.close()
        assert not await store.exists("/id")
    async with EmbeddedStore(tmp_path / "tree") as store:
        assert not await store.exists("/id")


async def test_a_full_disk_is_named_and_over_once_there_is_room(tmp_path):
    async with EmbeddedStore(tmp_path / "tree") as store:
        journal = store._tree._journal
        assert isinstance(journal, SqliteJournal)
        journal._db.execute("PRAGMA max_page_count=1")  # rounded up to what there is
        with pytest.raises(StoreUnavailable) as failed:
            await store.commit(Create("/a", bytes(100_000)))
        assert str(failed.value.__cause__) == "database or disk is full"
        journal._db.execute("PRAGMA max_page_count=10000")
        await store.commit(Create("/a", bytes(100_000)))
        assert (await store.get("/a")).version == 0


async def test_every_commit_is_synced(tmp_path):
    async with EmbeddedStore(tmp_path / "tree") as store:
        journal = store._tree._journal
        assert isinstance(journal, SqliteJournal)
        assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("path", ["a", "", "/a//b"])
async def test_a_path_must_be_absolute(path):
    async with EmbeddedStore() as store:
        with pytest.raises(ValueError, match="not an absolute path"):
            await store.commit(Create(path))


async def test_kafka_finds_no_directory_of_ours_to_take_for_a_log(tmp_path):
    async with EmbeddedStore(tmp_path / "tree"):
        assert all(entry.is_file() for entry in tmp_path.iterdir())
