"""The oracle itself: its jars, its tools, its processes. Wrong here, everything judged by it is."""

import itertools
import random
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from compat.odradek import Odradek
from compat.oracle.kafka import Kafka392, Kafka430, kafka
from compat.oracle.ports import free_port, serves, wait_until
from compat.oracle.releases import RELEASES, jars
from compat.oracle.tools import TOOLS, ToolHost, run_tool, tool_class
from compat.wire import Wire
from odradek.protocol.generated.api_versions_request import ApiVersionsRequest
from odradek.protocol.generated.metadata_request import MetadataRequest

pytestmark = [pytest.mark.oracle, pytest.mark.xdist_group("kafka")]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("release", RELEASES)
def test_every_tool_has_its_class_in_the_jars(release: str) -> None:
    classes: set[str] = set()
    for jar in jars(release).glob("kafka*.jar"):
        with zipfile.ZipFile(jar) as names:
            classes |= set(names.namelist())
    for main_class in TOOLS[release].values():
        assert main_class.replace(".", "/") + ".class" in classes


def test_an_unknown_release_or_tool_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"3\.9\.2, 4\.3\.0"):
        kafka("9.9.9")
    with pytest.raises(ValueError, match="TopicCommand"):
        tool_class("3.9.2", "NoSuchCommand")


def test_a_tool_says_the_same_in_a_host_as_in_a_jvm_of_its_own(tools_392: ToolHost) -> None:
    for arguments in (["--version"], ["--list"], ["--bootstrap-server", "localhost:1", "--no-such-option"]):
        alone = run_tool("3.9.2", "TopicCommand", *arguments)
        hosted = tools_392.run("TopicCommand", *arguments)
        assert (hosted.returncode, hosted.stdout) == (alone.returncode, alone.stdout)
        assert hosted.stderr.splitlines()[:3] == alone.stderr.splitlines()[:3]


def test_tools_run_side_by_side_in_one_host(tools_392: ToolHost, kafka_392: Kafka392) -> None:
    where = ("--bootstrap-server", kafka_392.bootstrap, "--topic", "side-by-side")
    tools_392.run("TopicCommand", "--create", *where)
    reading = [tools_392.start("ConsoleConsumer", *where, "--from-beginning") for _ in range(2)]
    tools_392.run("ConsoleProducer", *where, stdin="to both\n")
    for tool in reading:
        tool.wait_for_output("to both\n")
        tool.interrupt()
        assert tool.wait().returncode == 130
        assert tool.stderr == "Processed a total of 1 messages\n"


def test_both_releases_answer_every_version_of_api_versions_and_metadata(
    kafka_392: Kafka392, kafka_430: Kafka430
) -> None:
    for broker in (kafka_392, kafka_430):
        with Wire(broker.bootstrap) as wire:
            ranges = {key.api_key: key for key in wire.send(ApiVersionsRequest(), version=0).api_keys}
            for request in (ApiVersionsRequest("test", "1"), MetadataRequest(topics=[])):
                served = ranges[request.API_KEY]
                for version in range(served.min_version, served.max_version + 1):
                    assert wire.send(request, version=version) is not None


def test_a_killed_broker_comes_back_where_it_was() -> None:
    with Kafka392() as broker:
        where, pid = broker.bootstrap, broker.pid
        broker.kill()
        assert not serves(where)
        broker.restart()
        assert broker.bootstrap == where
        assert broker.pid != pid
        assert serves(where)


def test_odradek_comes_back_where_it_was_and_stops_in_order() -> None:
    with Odradek() as broker:
        where = broker.bootstrap
        broker.kill()
        assert broker.returncode == -signal.SIGKILL
        broker.restart()
        assert broker.bootstrap == where
        assert serves(where)
        assert broker.stop() == 0


def test_a_port_is_given_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = free_port()
    drawn = itertools.chain([given, given], range(12000, 32000))
    monkeypatch.setattr(random, "randrange", lambda *_: next(drawn))
    assert free_port() != given


def test_children_do_not_outlive_us(tmp_path: Path) -> None:
    program = f"""
import signal, sys
from pathlib import Path
from compat.oracle.processes import ChildProcess
print(ChildProcess(["sleep", "600"], log_path=Path({str(tmp_path / "log")!r})).pid, flush=True)
signal.pause()
"""
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    # Only once the program itself runs is it bound to us: setpriv comes before it.
    assert wait_until(lambda: Path(f"/proc/{child}/cmdline").read_text().startswith("sleep"), timeout_s=10)
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: not is_running(child), timeout_s=10)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
