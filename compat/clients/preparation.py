"""Installing and building a client once, into the oracle's cache.

`<cache>/clients/<client>-<digest>/` counts with the file `complete` in it. The digest is over the client's
files and its language's harness, so an edited program is built anew. Inside, `source/` holds copies of the
folder and of `harness/`, side by side as in the project so that relative links (`../harness/go`) work in both
places, and `build/` what the build has made. A client's folder in the project is never written to.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compat.clients.client import CLIENTS, Client
from compat.oracle.releases import cache_dir

HARNESS: Final = CLIENTS / "harness"
_ROOT: Final = CLIENTS.parent.parent
_BUILD_TIMEOUT_S: Final = 1200
_SAID_LINES: Final = 12


class NotInstallable(Exception):
    """A client that cannot be built on this machine; the message says why in its tools' words."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A client that can be run: its command line without the three arguments, directory and environment."""

    client: Client
    command: tuple[str, ...]
    directory: Path
    environment: dict[str, str]


def prepared(client: Client) -> Prepared:
    """Build `client`, or find that it was built before; raises `NotInstallable`."""
    for program in client.needs:
        if shutil.which(program) is None:
            raise NotInstallable(f"{program} is not installed")
    home = cache_dir() / "clients" / f"{client.name}-{_digest(client)}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with open(home.parent / f"{client.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            _build(client, home)
            (home / "complete").touch()
    return _at(client, home)


def _at(client: Client, home: Path) -> Prepared:
    places = _places(client, home)
    return Prepared(
        client,
        tuple(word.format(**places) for word in client.run),
        Path(places["here"]),
        {**os.environ, **{name: value.format(**places) for name, value in client.environment.items()}},
    )


def _places(client: Client, home: Path) -> dict[str, str]:
    """What the braces in a description stand for."""
    return {
        "here": str(home / "source" / client.folder.name),
        "build": str(home / "build"),
        "root": str(_ROOT),
        "python": sys.executable,
    }


def _build(client: Client, home: Path) -> None:
    here = home / "source" / client.folder.name
    shutil.copytree(client.folder, here)
    shutil.copytree(HARNESS, home / "source" / HARNESS.name)
    (home / "build").mkdir()
    environment = _at(client, home).environment
    for command in client.prepare:
        _run([word.format(**_places(client, home)) for word in command], here, environment)


def _run(command: list[str], directory: Path, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            ["nice", *command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise NotInstallable(f"{command[0]} took more than {_BUILD_TIMEOUT_S} s") from late
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-_SAID_LINES:]
        raise NotInstallable(f"{' '.join(command[:2])} failed: " + "\n".join(said))


def _digest(client: Client) -> str:
    digest = hashlib.sha256()
    for path in [*_files(client.folder), *_files(HARNESS)]:
        inside = path.relative_to(CLIENTS)
        if inside.parts[0] == HARNESS.name and not inside.parts[1].startswith(client.language.lower()):
            continue
        digest.update(str(inside).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
