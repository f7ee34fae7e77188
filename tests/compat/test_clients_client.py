"""What the clients' descriptions promise about their folders."""

import re
from pathlib import Path

import pytest

from compat.clients.client import all_clients, clients_named
from compat.clients.feats import FEATS, FRAMEWORK_FEATS, NAMES

_PINNED_IN = {
    "Go": "go.mod",
    "Java": "pom.xml",
    "JavaScript": "package.json",
    "Python": "requirements.txt",
    "Rust": "Cargo.toml",
}
_REGISTRIES = (
    "npmjs.org",
    "yarnpkg.com",
    "crates.io",
    "pypi.org",
    "maven.org",
    "golang.org/dl",
    "artifactory",
)
_clients = pytest.mark.parametrize("client", all_clients(), ids=lambda client: client.name)


def _texts(folder: Path) -> dict[str, str]:
    return {
        path.name: path.read_text() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }


def test_every_language_of_the_issue_has_a_client():
    assert {client.language for client in all_clients()} == {
        "C",
        "Go",
        "Java",
        "JavaScript",
        "Python",
        "Rust",
    }


def test_names_are_unique_and_in_one_section():
    assert len(NAMES) == len(FEATS)


@_clients
def test_the_version_is_the_one_that_is_installed(client):
    if client.language != "C":
        pinned = (client.folder / _PINNED_IN[client.language]).read_text()
        assert re.search(rf"(?<![\d.]){re.escape(client.version)}(?![\d.])", pinned)


@_clients
def test_no_registry_is_named(client):
    for name, text in _texts(client.folder).items():
        assert not [host for host in _REGISTRIES if host in text], name


@_clients
def test_a_client_is_asked_for_all_of_its_kind_but_what_it_lacks(client):
    kind = FRAMEWORK_FEATS if client.frameworks else NAMES - FRAMEWORK_FEATS
    assert {feat.name for feat in client.feats()} == kind - client.lacks.keys()
    assert all(len(reason) > 10 for reason in client.lacks.values())


def test_a_name_may_be_given_by_its_beginning():
    assert {client.name for client in clients_named(["go-"])} == {"go-franz", "go-sarama", "go-kafka-go"}
    assert clients_named([]) == all_clients()


def test_a_stranger_is_refused():
    with pytest.raises(ValueError, match="no client 'cobol'; there are c-kcat"):
        clients_named(["cobol"])
