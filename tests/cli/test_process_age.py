"""The process has lived since before this module was loaded, and keeps living."""

import os
import time

from odradek.cli.process_age import process_age_ms


def test_it_grows_with_time() -> None:
    before = process_age_ms()
    began = time.monotonic()
    while time.monotonic() - began < 0.05:
        pass
    grown = process_age_ms() - before
    assert 40 <= grown < 5_000


def test_it_counts_from_the_start_of_the_process() -> None:
    cpu = os.times()
    assert process_age_ms() >= (cpu.user + cpu.system) * 1000 / (os.cpu_count() or 1) - 20
