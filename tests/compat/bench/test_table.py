"""The tables: who won, what the generator limited, and where the README has it."""

import pytest

from compat.bench.figures import ODRADEK, Measure, Results, Scores
from compat.bench.loads import GENERATOR_BUSY, produce_name
from compat.bench.plan import FULL
from compat.bench.readme import BEGIN, END, write_into
from compat.bench.table import full_table, readme_table, rows, targets_table, walls_list
from compat.bench.targets import JUDGE, verdicts
from compat.bench.turns import rotated

LARGE = produce_name("1 MB batches", 1, 5, -1)


def results():
    scores = Scores()
    for broker, rate, cpu, busy in ((ODRADEK, 900.0, 0.3, 0.97), ("Kafka 3.9.2", 600.0, 0.6, 0.4)):
        scores.add(Measure(LARGE, "throughput", "MiB/s", more_is_better=True), broker, rate)
        scores.add(Measure(LARGE, "CPU", "s/GB"), broker, cpu)
        scores.add(Measure(LARGE, GENERATOR_BUSY, "of a core"), broker, busy)
        scores.add(Measure("something else", "CPU", "s/GB"), broker, cpu)
    return Results("a machine", "2026-01-31", {"loads": scores})


def test_more_is_better_of_some_and_less_of_others():
    throughput, cpu, _ = rows(results().parts["loads"])
    assert throughput.is_better("Kafka 3.9.2") is True
    assert cpu.is_better("Kafka 3.9.2") is True
    assert cpu.is_better("kfake") is None


def test_a_load_that_the_generator_limited_is_marked():
    throughput, cpu, _ = rows(results().parts["loads"])
    assert throughput.median_text(ODRADEK) == "900†"
    assert throughput.median_text("Kafka 3.9.2") == "600"
    assert cpu.median_text(ODRADEK) == "0.3"
    assert GENERATOR_BUSY not in full_table(results())


def test_the_readme_has_what_the_targets_are_about():
    table = readme_table(results())
    assert f"| {LARGE}, CPU, s/GB | 0.3 | 0.6 | 0.50 (0.50 – 0.50) |" in table
    assert "something else" not in table
    assert "a machine" in table


@pytest.mark.parametrize(
    ("ours", "outcome"), [([3, 4], "holds"), ([3, 1], "on the line"), ([1, 1.5], "misses")]
)
def test_a_target_holds_in_every_round_or_is_on_the_line(ours, outcome):
    scores = Scores()
    for rate in ours:
        scores.add(Measure(LARGE, "throughput", "MiB/s", more_is_better=True), ODRADEK, rate)
        scores.add(Measure(LARGE, "throughput", "MiB/s", more_is_better=True), JUDGE, 2)
    [throughput, *others] = verdicts(Results("a machine", "2026-01-31", {"loads": scores}))
    assert (throughput.bound, throughput.outcome) == ("≥ 1", outcome)
    assert {each.outcome for each in others} == {"not measured"}


def test_less_is_better_for_processor_time():
    found = {each.target.name: each for each in verdicts(results())}
    assert found["processor time per GB in"].bound == "≤ 1"
    assert found["processor time per GB in"].outcome == "holds"
    assert "| processor time per GB in | ≤ 1 | 0.50 (0.50 – 0.50) | holds |" in targets_table(results())


def test_what_stands_in_the_way_is_said_of_targets_that_do_not_hold():
    scores = Scores()
    figure = Measure("start", "process begin to first answer", "s")
    for broker, seconds in ((ODRADEK, 2), (JUDGE, 10)):
        scores.add(figure, broker, seconds)
    slow = walls_list(Results("a machine", "2026-01-31", {"start": scores}))
    assert slow.startswith("- ready to answer: ")
    assert walls_list(results()) == ""


def test_only_the_place_between_the_comments_changes(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(path, results())
    text = path.read_text()
    assert text.startswith(f"before\n{BEGIN}\n| measure |")
    assert text.endswith(f"\n{END}\nafter\n")
    assert "old" not in text


def test_a_readme_without_the_place_is_left_alone(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("nothing here\n")
    with pytest.raises(ValueError, match="lacks"):
        write_into(path, results())
    assert path.read_text() == "nothing here\n"


def test_everybody_is_first_once():
    assert [rotated("abc", number)[0] for number in range(4)] == ["a", "b", "c", "a"]
    assert FULL.rounds >= 5
