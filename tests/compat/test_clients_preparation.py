"""Clients are built once, in the cache, or said not to be installable."""

import pytest

from compat.clients import preparation
from compat.clients.preparation import NotInstallable, prepared
from tests.compat.client_program import client

_COUNT = "import os, pathlib; pathlib.Path(os.environ['BUILT'], 'count').open('a').write('once ')"


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(preparation, "CLIENTS", tmp_path)
    monkeypatch.setattr(preparation, "HARNESS", tmp_path / "harness")
    (tmp_path / "harness" / "python").mkdir(parents=True)


def test_a_client_is_built_once(tmp_path):
    fake = client(tmp_path / "fake", "pass", prepare=(_COUNT,))
    first, second = prepared(fake), prepared(fake)
    assert first.directory == second.directory
    assert (first.directory.parent.parent / "build" / "count").read_text() == "once "


def test_an_edited_program_is_built_anew(tmp_path):
    before = prepared(client(tmp_path / "fake", "pass"))
    after = prepared(client(tmp_path / "fake", "import sys"))
    assert before.directory != after.directory
    assert (after.directory / "program.py").read_text() == "import sys"


def test_only_the_own_languages_harness_counts(tmp_path):
    before = prepared(client(tmp_path / "fake", "pass"))
    (tmp_path / "harness" / "go").mkdir()
    (tmp_path / "harness" / "go" / "feats.go").write_text("package feats")
    assert prepared(client(tmp_path / "fake", "pass")).directory == before.directory
    (tmp_path / "harness" / "python" / "feats.py").write_text("feats = 1")
    assert prepared(client(tmp_path / "fake", "pass")).directory != before.directory


def test_a_missing_tool_is_a_reason_not_to_run(tmp_path):
    with pytest.raises(NotInstallable, match="no-such-tool is not installed"):
        prepared(client(tmp_path / "fake", "pass", needs=("no-such-tool",)))


def test_a_failed_build_says_why_and_is_tried_again(tmp_path):
    failing = "import sys; sys.exit('no network')"
    fake = client(tmp_path / "fake", "pass", prepare=(failing,))
    for _ in range(2):
        with pytest.raises(NotInstallable, match="no network"):
            prepared(fake)
