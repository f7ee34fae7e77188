"""The Kafka releases that judge us, and their jars.

Jars come from Maven Central by ``mvn dependency:copy-dependencies`` into a per-user cache, once per release:
``$XDG_CACHE_HOME/odradek/oracle/<release>/*.jar``. A release directory appears by one rename, so it is either
absent or complete, and a file lock keeps two processes from fetching at the same time.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONFIG: Final = Path(__file__).parent / "config"
_DEPENDENCY_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_FETCH_TIMEOUT_S: Final = 900


@dataclass(frozen=True, slots=True)
class Release:
    """One release, and the logging jar of its tarball that must be asked for by name."""

    version: str
    logging_group: str
    logging_artifact: str
    logging_version: str


RELEASES: Final = {
    "3.9.2": Release("3.9.2", "ch.qos.reload4j", "reload4j", "1.2.25"),
    "4.3.0": Release("4.3.0", "org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4"),
}


class OracleUnavailable(Exception):
    """Real Kafka could not be fetched or started; the message ends with what the program itself said."""


def cache_dir() -> Path:
    """The oracle's directory in the user's cache; may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "odradek" / "oracle"


def release_named(version: str) -> Release:
    """Look a release up; raises ``ValueError`` naming the ones there are."""
    try:
        return RELEASES[version]
    except KeyError:
        raise ValueError(f"no release {version!r}; the oracle has {', '.join(RELEASES)}") from None


def jars(version: str) -> Path:
    """The directory with every jar of ``version``, fetched on first use.

    Raises ``OracleUnavailable`` when Maven is missing or fails, ``ValueError`` for an unknown release.
    """
    release = release_named(version)
    target = cache_dir() / release.version
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f"{release.version}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _fetch(release, target)
    return target


def classpath(version: str) -> str:
    """The classpath of ``version`` for ``java -cp``: one wildcard entry."""
    return f"{jars(version)}/*"


def _fetch(release: Release, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{release.version}-", dir=target.parent) as scratch:
        complete = Path(scratch) / "jars"
        shutil.copy(CONFIG / "pom.xml", scratch)
        command = [
            "mvn",
            "-q",
            "-B",
            f"{_DEPENDENCY_PLUGIN}:copy-dependencies",
            f"-DoutputDirectory={complete}",
            "-DincludeScope=runtime",
            f"-Dkafka.release={release.version}",
            f"-Dlogging.group={release.logging_group}",
            f"-Dlogging.artifact={release.logging_artifact}",
            f"-Dlogging.version={release.logging_version}",
        ]
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False
            )
        except FileNotFoundError as missing:
            raise OracleUnavailable("Maven (mvn) is not installed") from missing
        if done.returncode != 0:
            raise OracleUnavailable(
                f"mvn could not fetch Kafka {release.version}:\n{done.stdout}{done.stderr}"
            )
        complete.rename(target)
