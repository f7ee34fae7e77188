"""Results are kept in a file from run to run, and shown as a grid."""

from compat.clients.grid import grid_text
from compat.clients.results import Result, Results
from tests.compat.client_program import client


def _result(feat: str, ok: bool, *, broker: str = "kafka-3.9") -> Result:
    return Result(broker, "fake", feat, ok=ok, detail="" if ok else "broken", seconds=0.5)


def _results(tmp_path) -> Results:
    results = Results()
    results.add_client(client(tmp_path / "fake", ""), None)
    results.add([_result("produce-gzip", True), _result("produce-gzip", False, broker="odradek-3.9")])
    return results


def test_they_come_back_from_the_file(tmp_path):
    path = tmp_path / "results" / "clients.json"
    _results(tmp_path).write(path)
    again = Results.read(path)
    assert again.as_json() == _results(tmp_path).as_json()
    assert again.brokers() == ["kafka-3.9", "odradek-3.9"]


def test_a_new_result_replaces_the_old_one_only(tmp_path):
    results = _results(tmp_path)
    results.add([_result("produce-gzip", True, broker="odradek-3.9")])
    assert [result.ok for result in results.results.values()] == [True, True]


def test_a_client_that_cannot_run_any_more_has_no_results(tmp_path):
    results = _results(tmp_path)
    results.add_client(client(tmp_path / "fake", ""), "no compiler")
    assert results.as_json()["results"] == []
    assert results.as_json()["clients"][0]["not_run"] == "no compiler"
    assert "produce-gzip              ?" in grid_text(results, ["fake"], ["kafka-3.9", "odradek-3.9"])


def test_a_cell_has_a_sign_for_each_broker(tmp_path):
    lines = grid_text(_results(tmp_path), ["fake"], ["kafka-3.9", "odradek-3.9"]).splitlines()
    assert "produce-gzip              +x" in lines
    assert "produce-lz4               -" in lines
