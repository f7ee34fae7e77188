"""The report: what a cell means, what is run again, and a page that needs nothing but itself."""

import json
import re

from compat.bench.figures import Measure, Results, Scores
from compat.clients.feats import FEATS
from compat.clients.results import Result
from compat.clients.results import Results as ClientResults
from compat.judge.coverage import Coverage
from compat.judge.differences import Difference
from compat.judge.judgment import Run
from compat.judge.known import KnownDifference
from compat.judge.scenario import all_scenarios
from compat.report import page
from compat.report.api_grid import State, api_grid
from compat.report.client_grid import ClientGrid
from compat.report.clusters import ClusterApi, clusters
from compat.report.judgments import Judgments
from compat.report.plots import INK, plots
from odradek.protocol.api_keys import ApiKey

KNOWN = KnownDifference("3.9", "produce.*", "late", "argued")


def difference(path, version=3):
    return Difference("3.9", "produce.one", version, "1 PRODUCE", path, "1", "2</script>")


def grid(judged):
    return api_grid("3.9", judged, [KNOWN])


def cell(judged, api=ApiKey.PRODUCE, version=3):
    return next(row for row in grid(judged).rows if row.api is api).cells[version]


def test_a_cell_is_the_same_only_when_every_scenario_is():
    same, known, new = ("PRODUCE", "produce.a", 3), ("PRODUCE", "produce.one", 3), ("PRODUCE", "produce.c", 3)
    assert cell({same: []}).state is State.SAME
    assert cell({same: [], known: [difference("late")]}).state is State.KNOWN
    assert cell({same: [], known: [difference("late")], new: [difference("code")]}).state is State.DIFFERS


def test_a_field_has_both_values_and_its_reason():
    [late, code] = cell({("PRODUCE", "produce.one", 3): [difference("late"), difference("code")]}).fields
    assert (late.kafka, late.here, late.reason) == ("1", "2</script>", "argued")
    assert code.reason is None


def test_what_nobody_asked_is_not_called_the_same():
    assert cell({}).state is State.NOT_ASKED
    assert cell({}, ApiKey.END_TXN, 0).state is State.NOT_SERVED


def test_every_version_is_counted_once():
    found = grid({("PRODUCE", "produce.one", 3): []})
    assert found.count(State.SAME) == 1
    assert found.served == found.count(State.SAME) + found.count(State.NOT_ASKED)


def client_grid(feat=FEATS[0].name, **outcomes):
    results = ClientResults()
    results.clients["c"] = {
        "name": "c", "title": "C", "language": "C", "version": "1", "not_run": None, "lacks": {},
    }  # fmt: skip
    results.add(
        Result(broker.replace("_", "-") + ".9", "c", feat, ok, "it said <so>", 0.1)
        for broker, ok in outcomes.items()
    )
    return ClientGrid(results)


def test_only_what_kafka_passes_counts_against_us():
    assert client_grid(kafka_3=True, odradek_3=False).count("worse") == 1
    assert client_grid(kafka_3=False, odradek_3=False).count("both-fail") == 1
    assert client_grid(kafka_3=False, odradek_3=True).count("better") == 1
    assert list(client_grid(odradek_3=True).pairs()) == []


def test_what_is_not_built_yet_is_no_surprise():
    transactions = client_grid("transaction-commit", kafka_3=True, odradek_3=False)
    assert (transactions.count("gap"), transactions.count("worse")) == (1, 0)
    assert client_grid("transaction-commit", kafka_3=True, odradek_3=True).count("same") == 1


def test_a_judgment_is_kept_until_the_scenario_changes(tmp_path):
    scenario = next(all_scenarios("produce"))
    run = Run(scenario, "3.9", 3)
    judgments = Judgments(tmp_path / "judge.json")
    assert judgments.lacks(run)
    judgments.keep(run, [difference("code")])
    judgments.write()
    again = Judgments(tmp_path / "judge.json")
    assert not again.lacks(run)
    assert again.lacks(Run(scenario, "3.9", 4))
    key = ("PRODUCE", scenario.name, 3)
    assert [each.path for each in again.differences("3.9")[key]] == ["code"]
    again.forget_others("3.9", [])
    assert again.lacks(run)


def test_what_three_brokers_said_is_counted_by_api(tmp_path):
    judgments = Judgments(tmp_path / "clusters.json")
    scenario = next(each for each in all_scenarios("fetch"))
    for version in (4, 5):
        judgments.keep(Run(scenario, "3.9", version), [difference("code")] if version == 5 else [])
    judgments.write()
    [(api, found)] = clusters(tmp_path / "clusters.json").items()
    assert (api, found.scenarios, found.runs, len(found.differing)) == ("FETCH", {scenario.name}, 2, 1)


def bench():
    scores = Scores()
    scores.add(Measure("memory", "idle", "MiB"), "Odradek", 30.0)
    scores.add(Measure("memory", "idle", "MiB"), "Kafka 3.9.2", 300.0)
    return Results("a machine", "2026-01-31", {"memory": scores})


def test_a_plot_takes_its_ink_from_the_page():
    [plot] = plots(bench())
    assert plot.svg.startswith("<svg")
    assert "currentColor" in plot.svg
    assert INK not in plot.svg


def test_the_page_needs_nothing_but_itself(tmp_path):
    judged = {("PRODUCE", "produce.one", 3): [difference("code")]}
    found = page.Findings(
        grids=[grid(judged)],
        clusters={"FETCH": ClusterApi({"fetch.at_a_follower"}, 18, [difference("throttle")])},
        coverages=[Coverage("3.9")],
        facts=[],
        known=[(KNOWN, 0)],
        clients=client_grid(kafka_3=True, odradek_3=False),
        malformed={},
        bench=bench(),
        bench_rows={},
        plots=list(plots(bench())),
        profiles=[],
    )
    page.write(found, tmp_path / "report.html", tmp_path / "report.md")
    html, markdown = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert not re.search(r'(src|href)="(?!#)', html)
    assert "it said &lt;so&gt;" in html
    cells = re.search(r'id="cells">(.*?)</script>', html, re.DOTALL)
    assert cells is not None
    assert json.loads(cells[1])["3.9/PRODUCE/3"][0]["here"] == "2</script>"
    assert "| 0 Produce | ? | ? | ? | ≠ |" in markdown
    assert "| FETCH | 1 | 18 | 1 |" in markdown
    assert "1 PRODUCE throttle" in html
    assert "| memory, idle, MiB | 30 | 300 | 0.10" in markdown
