"""Kafka's command-line tools by name: each in a JVM of its own, or many in one tool host.

``run_tool`` is what a person does, and costs a second or two of JVM start. ``ToolHost`` keeps one JVM per
release (``compat/java/ToolHost.java``), where a tool takes about 0.1 s; output and exit status are the same.
Differences that show: automatic client ids count up within a host, and tools that call ``System.exit``
themselves (VerifiableProducer, VerifiableConsumer) need ``run_tool``.
"""

import contextlib
import socket
import struct
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from compat.oracle.java import Jvm, LogTo, compiled, java_command
from compat.oracle.releases import OracleUnavailable, jars, release_named

_HOST_SOURCE: Final = Path(__file__).parents[1] / "java" / "ToolHost.java"
_TOOL_JARS: Final = ("kafka-tools-", "kafka_2.13-")
_KAFKA_TOOLS: Final = "org.apache.kafka.tools."

_SAME_IN_BOTH: Final = {
    "ConfigCommand": "kafka.admin.ConfigCommand",
    "StorageTool": "kafka.tools.StorageTool",
    "ConsoleConsumer": _KAFKA_TOOLS + "consumer.ConsoleConsumer",
    "ConsumerGroupCommand": _KAFKA_TOOLS + "consumer.group.ConsumerGroupCommand",
    "ReassignPartitionsCommand": _KAFKA_TOOLS + "reassign.ReassignPartitionsCommand",
    **{
        name: _KAFKA_TOOLS + name
        for name in (
            "ClientMetricsCommand",
            "ClusterTool",
            "ConsumerPerformance",
            "DelegationTokenCommand",
            "DeleteRecordsCommand",
            "EndToEndLatency",
            "FeatureCommand",
            "GetOffsetShell",
            "JmxTool",
            "LeaderElectionCommand",
            "LogDirsCommand",
            "MetadataQuorumCommand",
            "ProducerPerformance",
            "ReplicaVerificationTool",
            "StreamsResetter",
            "TopicCommand",
            "TransactionsCommand",
            "VerifiableConsumer",
            "VerifiableProducer",
        )
    },
}

TOOLS: Final = {
    "3.9.2": {
        **_SAME_IN_BOTH,
        "AclCommand": "kafka.admin.AclCommand",
        "BrokerApiVersionsCommand": "kafka.admin.BrokerApiVersionsCommand",
        "ConsoleProducer": "kafka.tools.ConsoleProducer",
        "DumpLogSegments": "kafka.tools.DumpLogSegments",
    },
    "4.3.0": {
        **_SAME_IN_BOTH,
        "AclCommand": _KAFKA_TOOLS + "AclCommand",
        "BrokerApiVersionsCommand": _KAFKA_TOOLS + "BrokerApiVersionsCommand",
        "ConsoleProducer": _KAFKA_TOOLS + "ConsoleProducer",
        "ConsoleShareConsumer": _KAFKA_TOOLS + "consumer.ConsoleShareConsumer",
        "DumpLogSegments": _KAFKA_TOOLS + "DumpLogSegments",
        "GroupsCommand": _KAFKA_TOOLS + "GroupsCommand",
        "ShareConsumerPerformance": _KAFKA_TOOLS + "ShareConsumerPerformance",
        "ShareGroupCommand": _KAFKA_TOOLS + "consumer.group.ShareGroupCommand",
        "StreamsGroupCommand": _KAFKA_TOOLS + "streams.StreamsGroupCommand",
        "VerifiableShareConsumer": _KAFKA_TOOLS + "VerifiableShareConsumer",
    },
}
"""Release → name as in Kafka's own scripts → main class."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool left: its output in full and its exit status (130: interrupted)."""

    stdout: str
    stderr: str
    returncode: int


class ToolTimeout(Exception):
    """A tool did not end in time and was interrupted; the message has what it had printed."""


class Tools(Protocol):
    """Runs tools of one release."""

    release: str

    def run(self, name: str, *args: str, stdin: str | None = None, timeout_s: float = 60) -> ToolResult:
        """Run a tool to its end with ``stdin`` as its standard input; raises ``ToolTimeout``."""


def tool_class(release: str, name: str) -> str:
    """The main class of a tool; raises ``ValueError`` naming the tools there are."""
    release_named(release)
    try:
        return TOOLS[release][name]
    except KeyError:
        raise ValueError(
            f"{release} has no tool {name!r}; it has {', '.join(sorted(TOOLS[release]))}"
        ) from None


def run_tool(
    release: str,
    name: str,
    *args: str,
    stdin: str | None = None,
    timeout_s: float = 120,
    jvm: Jvm = Jvm.TOOL,
) -> ToolResult:
    """Run a tool in a JVM of its own; raises ``ToolTimeout`` after killing it."""
    command = java_command(release, tool_class(release, name), *args, jvm=jvm, log_to=LogTo.ERRORS)
    try:
        done = subprocess.run(
            command, input=stdin or "", capture_output=True, encoding="utf-8", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as expired:
        raise ToolTimeout(f"{name} {' '.join(args)}: {expired.stdout!r} {expired.stderr!r}") from expired
    return ToolResult(done.stdout, done.stderr, done.returncode)


class RunningTool:
    """A tool at work in a host: feed it, watch its output, interrupt it."""

    def __init__(self, connection: socket.socket, name: str, main_class: str, args: tuple[str, ...]) -> None:
        self._connection = connection
        self._name = f"{name} {' '.join(args)}"
        self._output = {b"O": bytearray(), b"R": bytearray()}
        self._returncode: int | None = None
        self._changed = threading.Condition()
        self._send(b"A", "\0".join((main_class, *args)).encode())
        threading.Thread(target=self._receive, name=f"tool {name}", daemon=True).start()

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self._output[b"O"].decode(errors="replace")

    @property
    def stderr(self) -> str:
        return self._output[b"R"].decode(errors="replace")

    def write(self, text: str) -> None:
        """Standard input for the tool."""
        if text:
            self._send(b"I", text.encode())

    def close_input(self) -> None:
        """The end of standard input."""
        self._send(b"E", b"")

    def interrupt(self) -> None:
        """Ctrl-C: shutdown hooks run and the tool ends with status 130."""
        self._send(b"C", b"")

    def wait_for_output(self, text: str, *, timeout_s: float = 60) -> None:
        """Wait until ``stdout`` contains ``text``; raises ``ToolTimeout``, also when it ended without."""
        with self._changed:
            self._changed.wait_for(lambda: text in self.stdout or self._returncode is not None, timeout_s)
        if text not in self.stdout:
            raise ToolTimeout(f"{self._name}: no {text!r} in {self.stdout!r} {self.stderr!r}")

    def wait(self, *, timeout_s: float = 60) -> ToolResult:
        """Wait for the end; raises ``ToolTimeout`` after interrupting it."""
        with self._changed:
            self._changed.wait_for(lambda: self._returncode is not None, timeout_s)
        if self._returncode is None:
            with contextlib.suppress(OSError):
                self.interrupt()
            raise ToolTimeout(f"{self._name}: {self.stdout!r} {self.stderr!r}")
        return ToolResult(self.stdout, self.stderr, self._returncode)

    def _send(self, kind: bytes, payload: bytes) -> None:
        try:
            self._connection.sendall(struct.pack(">ci", kind, len(payload)) + payload)
        except OSError:
            if self._returncode is None:
                raise

    def _receive(self) -> None:
        with self._connection, self._connection.makefile("rb") as stream:
            while self._returncode is None:
                header = stream.read(5)
                if len(header) < 5:
                    self._finish(-1)
                    return
                kind, size = struct.unpack(">ci", header)
                payload = stream.read(size)
                if kind == b"X":
                    self._finish(struct.unpack(">i", payload)[0])
                    return
                with self._changed:
                    self._output[kind] += payload
                    self._changed.notify_all()

    def _finish(self, returncode: int) -> None:
        with self._changed:
            self._returncode = returncode
            self._changed.notify_all()


class ToolHost:
    """One JVM that runs the tools of one release; several may run at the same time. Runs inside ``with``."""

    def __init__(self, release: str) -> None:
        self.release = release_named(release).version
        self._scratch = tempfile.TemporaryDirectory(prefix=f"odradek-tools-{release}-")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        all_jars = sorted(jars(self.release).glob("*.jar"))
        tools = [str(jar) for jar in all_jars if jar.name.startswith(_TOOL_JARS)]
        command = java_command(
            self.release,
            "ToolHost",
            *tools,
            jvm=Jvm.TOOL_HOST,
            log_to=LogTo.ERRORS,
            extra_classes=compiled(_HOST_SOURCE, self.release),
            path=":".join(str(jar) for jar in all_jars if str(jar) not in tools),
        )
        log_path = Path(self._scratch.name) / "host.log"
        with open(log_path, "wb") as log:
            process = self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self._scratch.name
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            self.__exit__(None, None, None)
            raise OracleUnavailable("the tool host did not start")
        self._port = int(line)
        # It loads the logging. Two sessions that do so at once have SLF4J remark on that, in their output.
        self.run("TopicCommand", "--version")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._scratch.cleanup()

    def start(self, name: str, *args: str) -> RunningTool:
        """Start a tool that reads from ``RunningTool.write``."""
        main_class = tool_class(self.release, name)
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return RunningTool(connection, name, main_class, args)

    def run(self, name: str, *args: str, stdin: str | None = None, timeout_s: float = 60) -> ToolResult:
        """Run a tool to its end with ``stdin`` as its standard input; raises ``ToolTimeout``."""
        tool = self.start(name, *args)
        tool.write(stdin or "")
        tool.close_input()
        return tool.wait(timeout_s=timeout_s)
