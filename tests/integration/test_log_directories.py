"""Moves between log directories, by Kafka's own tool: with its words, its files, and its half of the way."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from compat.odradek import Odradek
from compat.oracle.kafka import SINGLE_BROKER, Kafka392
from compat.oracle.ports import wait_until
from compat.oracle.tools import ToolHost
from compat.oracle.zookeeper import ZooKeeper
from tests.integration.test_zookeeper import TOPIC, consume, produce

pytestmark = [pytest.mark.integration, pytest.mark.oracle]

VALUES = [f"{number:04} " + "x" * 2000 for number in range(100)]
MORE = ["after the move"]
DONE = f"Reassignment of replica {TOPIC}-0-0 completed successfully."
RATE = "replica.alter.log.dirs.io.max.bytes.per.second"

Broker = Odradek | Kafka392
Start = Callable[..., Broker]


def odradek(ensemble: ZooKeeper, overrides: dict[str, str]) -> Broker:
    return Odradek(overrides={**overrides, "zookeeper.connect": ensemble.connect})


def kafka(ensemble: ZooKeeper, overrides: dict[str, str]) -> Broker:
    return Kafka392(zookeeper=ensemble, overrides=overrides)


def two_directories(path: Path) -> dict[str, str]:
    return {**SINGLE_BROKER, "log.dirs": f"{path / 'a'},{path / 'b'}"}


def create(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(120)


def where(path: Path) -> str:
    (directory,) = [name for name in ("a", "b") if (path / name / f"{TOPIC}-0").is_dir()]
    return directory


def reassign(tools: ToolHost, bootstrap: str, plan: Path, *options: str) -> str:
    of_plan = ("--bootstrap-server", bootstrap, "--reassignment-json-file", str(plan))
    done = tools.run("ReassignPartitionsCommand", *of_plan, *options)
    assert done.returncode == 0, done
    return done.stdout


def is_said(text: str, ask: Callable[[], str]) -> bool:
    return text in ask()


def plan_to(directory: Path) -> Path:
    plan = directory.with_suffix(".json")
    moved = {"topic": TOPIC, "partition": 0, "replicas": [0], "log_dirs": [str(directory)]}
    plan.write_text(json.dumps({"version": 1, "partitions": [moved]}))
    return plan


def described(tools: ToolHost, bootstrap: str) -> list[tuple[str, int, int, bool]]:
    """(directory, bytes, lag, whether it is the future log), as kafka-log-dirs says."""
    asked = ("--bootstrap-server", bootstrap, "--describe", "--topic-list", TOPIC)
    (answer,) = re.findall(r"^\{.*\}$", tools.run("LogDirsCommand", *asked).stdout, re.MULTILINE)
    return [
        (Path(directory["logDir"]).name, each["size"], each["offsetLag"], each["isFuture"])
        for broker in json.loads(answer)["brokers"]
        for directory in broker["logDirs"]
        for each in directory["partitions"]
    ]


def set_rate(bootstrap: str, operation: AlterConfigOpType) -> None:
    """One byte a second for moves, or as many as there are; returns once the broker heeds it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    rate = ConfigEntry(RATE, "1", incremental_operation=operation)
    resource = ConfigResource(ResourceType.BROKER, "0", incremental_configs=[rate])
    admin.incremental_alter_configs([resource])[resource].result(120)
    asked = ConfigResource(ResourceType.BROKER, "0")
    is_set = operation is AlterConfigOpType.SET

    def heeded() -> bool:
        return (RATE in admin.describe_configs([asked])[asked].result(120)) is is_set

    assert wait_until(heeded, timeout_s=60)


@pytest.mark.parametrize("start", [kafka, odradek], ids=lambda start: start.__name__)
def test_a_log_is_moved_by_kafkas_tool(tmp_path: Path, tools_392: ToolHost, start: Start) -> None:
    with ZooKeeper() as ensemble, start(ensemble, two_directories(tmp_path)) as broker:
        create(broker.bootstrap)
        produce(broker.bootstrap, *VALUES)
        (before,) = described(tools_392, broker.bootstrap)
        for _ in range(2):
            source, target = (("a", "b"), ("b", "a"))[where(tmp_path) == "b"]
            plan = plan_to(tmp_path / target)
            said = reassign(tools_392, broker.bootstrap, plan, "--execute")
            assert f"Successfully started moving log directory to {tmp_path / target} " in said
            assert f"for replica {TOPIC}-0 with broker 0" in said
            verify = partial(reassign, tools_392, broker.bootstrap, plan, "--verify")
            assert wait_until(partial(is_said, DONE, verify), timeout_s=60)
            assert described(tools_392, broker.bootstrap) == [(target, *before[1:])]
            assert where(tmp_path) == target
            left = [each.name for each in (tmp_path / source).glob(f"{TOPIC}-0*")]
            assert all(name.endswith("-delete") for name in left)
        produce(broker.bootstrap, *MORE)
        assert consume(broker.bootstrap, len(VALUES) + 1) == VALUES + MORE
        broker.stop()


@pytest.mark.parametrize(
    ("first", "second"), [(kafka, odradek), (odradek, kafka)], ids=["kafka-odradek", "odradek-kafka"]
)
def test_a_move_that_one_began_is_ended_by_the_other(
    tmp_path: Path, first: Start, second: Start, tools_392: ToolHost
) -> None:
    overrides = two_directories(tmp_path)
    with ZooKeeper() as ensemble:
        with first(ensemble, {**overrides, "replica.fetch.max.bytes": "20000"}) as broker:
            create(broker.bootstrap)
            for begin in range(0, len(VALUES), 20):
                produce(broker.bootstrap, *VALUES[begin : begin + 20])
            source, target = (("a", "b"), ("b", "a"))[where(tmp_path) == "b"]
            set_rate(broker.bootstrap, AlterConfigOpType.SET)
            reassign(tools_392, broker.bootstrap, plan_to(tmp_path / target), "--execute")
            ((directory, _, lag, _),) = [each for each in described(tools_392, broker.bootstrap) if each[3]]
            assert directory == target
            assert lag > 0
            broker.stop()
        assert where(tmp_path) == source
        assert list((tmp_path / target).glob(f"{TOPIC}-0.*-future"))
        with second(ensemble, overrides) as broker:
            set_rate(broker.bootstrap, AlterConfigOpType.DELETE)
            assert wait_until(lambda: (tmp_path / target / f"{TOPIC}-0").is_dir(), timeout_s=60)
            assert consume(broker.bootstrap, len(VALUES)) == VALUES
            produce(broker.bootstrap, *MORE)
            assert consume(broker.bootstrap, len(VALUES) + 1) == VALUES + MORE
            broker.stop()
            assert " ERROR " not in broker.log_text()
