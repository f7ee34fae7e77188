"""A client under test, as its folder's `client.toml` describes it.

    title = "franz-go"              the name in the grid
    language = "Go"
    version = "1.19.5"              the one that the package manager's file pins
    needs = ["go"]                  programs without which it is not run
    prepare = [["go", "build", "-o", "{build}/program", "."]]
    run = ["{build}/program"]
    frameworks = false              asked for the frameworks' feats only when true
    [lacks]
    group-sticky = "reason"         what this client has no means for
    [environment]
    NAME = "value"

Commands run in `{here}`, a copy of the folder. `{build}` is where the build's results are kept, `{python}`
the interpreter that runs us, `{root}` this project. `run` gets three arguments more: the broker's
`host:port`, a prefix for every topic and group, and the feats separated by commas. In `CLIENT_SCRATCH` a
program finds a directory that goes when it ends.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compat.clients.feats import FEATS, FRAMEWORK_FEATS, NAMES, Feat

CLIENTS: Final = Path(__file__).parent
_DESCRIPTION: Final = "client.toml"


@dataclass(frozen=True, slots=True)
class Client:
    """One client at one version."""

    name: str
    folder: Path
    title: str
    language: str
    version: str
    needs: tuple[str, ...]
    prepare: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]
    lacks: Mapping[str, str]
    environment: Mapping[str, str]
    frameworks: bool

    def feats(self) -> tuple[Feat, ...]:
        """What it is asked for, in the list's order: its kind of feats but for what it lacks."""
        return tuple(
            feat
            for feat in FEATS
            if (feat.name in FRAMEWORK_FEATS) == self.frameworks and feat.name not in self.lacks
        )


def all_clients() -> tuple[Client, ...]:
    """Every client there is, by name."""
    return tuple(sorted(map(_read, CLIENTS.glob(f"*/{_DESCRIPTION}")), key=lambda client: client.name))


def clients_named(names: Sequence[str]) -> tuple[Client, ...]:
    """Those whose names begin with one of `names`, or all; raises `ValueError` for a stranger."""
    everyone = all_clients()
    for name in names:
        if not any(client.name.startswith(name) for client in everyone):
            raise ValueError(f"no client {name!r}; there are {', '.join(client.name for client in everyone)}")
    return tuple(client for client in everyone if not names or client.name.startswith(tuple(names)))


def _read(path: Path) -> Client:
    described = tomllib.loads(path.read_text())
    lacks = described.get("lacks", {})
    if strangers := lacks.keys() - NAMES:
        raise ValueError(f"{path}: no feat is called {', '.join(sorted(strangers))}")
    return Client(
        name=path.parent.name.replace("_", "-"),
        folder=path.parent,
        title=described["title"],
        language=described["language"],
        version=described["version"],
        needs=tuple(described["needs"]),
        prepare=tuple(map(tuple, described["prepare"])),
        run=tuple(described["run"]),
        lacks=lacks,
        environment=described.get("environment", {}),
        frameworks=described.get("frameworks", False),
    )
