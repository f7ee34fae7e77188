"""How the oracle starts a JVM: command lines, logging, and our own small Java drivers compiled once."""

import enum
import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from compat.oracle.releases import CONFIG, OracleUnavailable, cache_dir, classpath, release_named


class Jvm(enum.Enum):
    """JVM options by what the process is for."""

    TEST_BROKER = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    """Starts quickest on a small machine; meaningless for measurements."""

    CLUSTER_BROKER = ("-Xms48m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    """One of several test brokers on a small machine."""

    KAFKA_BROKER = (
        "-Xmx1G",
        "-Xms1G",
        "-server",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:InitiatingHeapOccupancyPercent=35",
        "-XX:+ExplicitGCInvokesConcurrent",
        "-XX:MaxInlineLevel=15",
    )
    """What bin/kafka-server-start.sh gives a broker: the only fair setting for a benchmark."""

    TOOL = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    """One command-line tool, which mostly loads classes and exits."""

    KAFKA_TOOL = (
        "-Xmx512M",
        "-server",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:InitiatingHeapOccupancyPercent=35",
        "-XX:+ExplicitGCInvokesConcurrent",
        "-XX:MaxInlineLevel=15",
    )
    """What bin/kafka-run-class.sh gives the performance tools."""

    SMALL = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    """ZooKeeper with a tree of a few hundred nodes."""

    TOOL_HOST = ("-Xmx512m", "-XX:+UseSerialGC")
    """Many tools in one JVM; long-lived enough for the optimising compiler to pay."""


class LogTo(enum.Enum):
    """Where loggers write: a broker's log is its output, a tool warns on standard error as Kafka's do."""

    OUTPUT = ("INFO", "System.out", "SYSTEM_OUT")
    ERRORS = ("WARN", "System.err", "SYSTEM_ERR")


def java_command(
    release: str,
    main_class: str,
    *args: str,
    jvm: Jvm,
    log_to: LogTo,
    extra_classes: Path | None = None,
    path: str | None = None,
) -> list[str]:
    """The command line that runs ``main_class`` on ``path``, by default all jars of ``release``.

    ``extra_classes`` is a directory that comes first, for a driver of our own.
    """
    path = path or classpath(release)
    level, target, stream = log_to.value
    return [
        "java",
        *jvm.value,
        "-Xshare:auto",
        "-Djava.awt.headless=true",
        "-Dfile.encoding=UTF-8",
        f"-Doracle.log.level={level}",
        f"-Doracle.log.target={target}",
        f"-Doracle.log.stream={stream}",
        f"-Dlog4j.configuration={(CONFIG / 'log4j.properties').as_uri()}",
        f"-Dlog4j2.configurationFile={(CONFIG / 'log4j2.properties').as_uri()}",
        "-cp",
        f"{extra_classes}:{path}" if extra_classes else path,
        main_class,
        *args,
    ]


def compiled(source: Path, release: str) -> Path:
    """The directory with the classes of ``source``, compiled against ``release``, once per content.

    Raises ``OracleUnavailable`` with the compiler's messages, or when there is no JDK.
    """
    release_named(release)
    digest = hashlib.sha256(source.read_bytes() + release.encode()).hexdigest()[:16]
    target = cache_dir() / "classes" / f"{source.stem}-{digest}"
    if target.is_dir():
        return target
    if shutil.which("javac") is None:
        raise OracleUnavailable("a JDK (javac) is not installed")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _compile(source, classpath(release), target)
    return target


def _compile(source: Path, path: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".javac-", dir=target.parent) as scratch:
        command = ["javac", "-Xlint:all,-processing", "-d", f"{scratch}/classes", "-cp", path, str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OracleUnavailable(f"javac {source.name}:\n{done.stdout}{done.stderr}")
        (Path(scratch) / "classes").rename(target)
