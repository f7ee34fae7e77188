"""Waits as Kafka computes them; the figures of the default windows were measured at a Kafka 3.9.2."""

import pytest

from odradek.server.connection_rate import ConnectionRate, RateWindows


def waits(rate: ConnectionRate, limit: int, *times: float) -> list[float]:
    found = []
    for now in times:
        rate.record(now)
        found.append(rate.wait_s(limit, now))
    return found


def test_a_burst_is_taken_that_the_windows_could_have_seen():
    assert waits(ConnectionRate(RateWindows()), 2, *[0] * 20) == [0] * 20


def test_who_comes_too_soon_waits_until_the_rate_is_right_again():
    rate = ConnectionRate(RateWindows())
    waits(rate, 2, *[0] * 20)
    assert waits(rate, 2, 0) == pytest.approx([0.5])
    assert waits(rate, 2, 0.5) == pytest.approx([0.5])


def test_nobody_waits_longer_than_a_window():
    assert waits(ConnectionRate(RateWindows()), 2, *[0] * 100)[-1] == 1
    assert waits(ConnectionRate(RateWindows(count=11, seconds=3)), 2, *[0] * 300)[-1] == 3


def test_what_is_long_ago_does_not_count():
    rate = ConnectionRate(RateWindows(count=3))
    assert waits(rate, 1, 0, 0, 0)[-1] > 0
    assert waits(rate, 1, 2.9)[-1] > 0
    assert waits(rate, 1, 5.95) == [0]


def test_a_window_counts_as_long_as_its_last_connection_is_recent():
    rate = ConnectionRate(RateWindows(count=3))
    waits(rate, 1, 0, 0, 0, 0.9)
    assert waits(rate, 1, 3.8)[-1] > 0
    assert waits(rate, 1, 3.9 + 3) == [0]


def test_a_limit_of_nothing_is_the_longest_wait_each_time():
    assert waits(ConnectionRate(RateWindows()), 0, 0, 5) == [1, 1]


def test_without_connections_there_is_nothing_to_wait_for():
    assert ConnectionRate(RateWindows()).wait_s(1, 0) == 0
