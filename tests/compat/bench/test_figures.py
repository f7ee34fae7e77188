"""Medians, paired ratios, and the file that the report reads."""

import os
import time

import pytest

from compat.bench.figures import Measure, Ratio, Results, Scores, paired_ratio, percentile, short
from compat.bench.process import cpu_seconds, measured, resident_mib

CPU = Measure("produce", "CPU", "s/GB")


def test_a_ratio_is_of_rounds_that_ran_together():
    assert paired_ratio([1, 2, 9], [2, 2, 3]) == Ratio(0.5, 1.0, 3.0)


def test_rounds_without_a_counterpart_are_left_out():
    assert paired_ratio([1, 2], [2]) == Ratio(0.5, 0.5, 0.5)
    assert paired_ratio([1.0], [0.0]) is None


def test_percentiles_in_thousandths():
    values = [float(each) for each in range(1, 1002)]
    assert percentile(values, 500) == pytest.approx(501)
    assert percentile(values, 999) == pytest.approx(1000)


@pytest.mark.parametrize(("value", "text"), [(12345.6, "12,346"), (3.14159, "3.14"), (0.0123, "0.0123")])
def test_three_digits_say_enough(value, text):
    assert short(value) == text


def test_what_is_written_is_read_again(tmp_path):
    scores = Scores(seconds=12, revision="abc")
    scores.add(CPU, "Odradek", 0.25)
    scores.add(CPU, "Odradek", 0.75)
    scores.add(Measure("growth", "throughput", "requests/s", more_is_better=True, at=10), "kfake", 5.0)
    written = Results("a machine", "2026-01-31", {"loads": scores})
    written.write(tmp_path / "latest.json")
    assert Results.read(tmp_path / "latest.json") == written
    assert written.parts["loads"].median(CPU, "Odradek") == 0.5
    assert written.parts["loads"].ratio(CPU, "Odradek", "Kafka 3.9.2") is None


def test_loads_of_one_revision_come_together():
    large, small = Scores(seconds=5, revision="abc"), Scores(seconds=7, revision="abc")
    large.add(CPU, "Odradek", 1)
    small.add(Measure("small", "CPU", "s/GB"), "Odradek", 2)
    both = small.with_rest_of(large)
    assert (both.values, both.seconds) == ({**large.values, **small.values}, 12)
    assert both.with_rest_of(both).seconds == 12
    small.revision = "def"
    assert small.with_rest_of(large) == small
    assert Results("", "", {"a": large, "b": small, "c": both}).revision == "abc, def"


def test_without_a_run_there_is_nothing(tmp_path):
    assert Results.read(tmp_path / "latest.json") == Results()


def test_our_own_process_costs_what_the_kernel_says():
    with measured(os.getpid()) as cost:
        until = time.process_time() + 0.02
        while time.process_time() < until:
            pass
    assert 0.02 <= cost.cpu_seconds < 5
    assert cpu_seconds(os.getpid()) == pytest.approx(time.process_time(), abs=0.5)
    assert resident_mib(os.getpid()) > 1
