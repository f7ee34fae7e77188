"""Long rows of operations are cut where ZooKeeper would take no more."""

from itertools import chain

from odradek.coordination.commits import in_commits
from odradek.coordination.store import Create, Delete


def test_many_small_operations_go_in_parts_and_in_their_order():
    operations = [Create(f"/{number}") for number in range(4000)]
    parts = list(in_commits(operations))
    assert [len(part) for part in parts] == [1500, 1500, 1000]
    assert list(chain.from_iterable(parts)) == operations
    assert list(in_commits([])) == []


def test_large_ones_stay_below_what_the_ensemble_takes():
    operations = [Create(f"/{number}", bytes(100_000)) for number in range(20)]
    parts = list(in_commits(operations))
    assert max(len(part) for part in parts) == 5
    assert list(chain.from_iterable(parts)) == operations


def test_one_that_is_too_large_goes_alone():
    small, large = Delete("/small"), Create("/large", bytes(900_000))
    assert list(in_commits([small, large, small])) == [[small], [large], [small]]
