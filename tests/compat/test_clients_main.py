"""What the runner's exit status means."""

from compat.clients.__main__ import BROKERS, main, worse_than_kafka
from compat.clients.results import Result, Results


def _results(**ok: bool) -> Results:
    results = Results()
    for broker, passed in ok.items():
        name = broker.replace("_", "-") + ".9"
        results.add([Result(name, "go-franz", "group-join", ok=passed, detail="", seconds=1)])
    return results


def test_failing_what_kafka_passes_is_worse():
    assert [result.broker for result in worse_than_kafka(_results(kafka_3=True, odradek_3=False))] == [
        "odradek-3.9"
    ]


def test_failing_what_kafka_fails_is_not():
    assert worse_than_kafka(_results(kafka_3=False, odradek_3=False)) == []
    assert worse_than_kafka(_results(kafka_3=False, odradek_3=True)) == []


def test_every_odradek_stands_beside_the_kafka_that_it_emulates():
    for name in BROKERS:
        assert name.replace("odradek", "kafka") in BROKERS


def test_a_client_that_nobody_knows_ends_with_2(capsys):
    assert main(["--only", "cobol"]) == 2
    assert "no client 'cobol'" in capsys.readouterr().err
