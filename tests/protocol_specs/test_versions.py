import pytest

from protocol_specs.versions import EMPTY, Versions


@pytest.mark.parametrize("text", ["none", "0", "3", "0-4", "2+"])
def test_kafkas_notation_reads_back(text: str):
    assert str(Versions.parse(text)) == text


def test_both_bounds_belong_to_a_range():
    versions = Versions.parse("2-4")
    assert [*versions] == [2, 3, 4]
    assert 4 in versions
    assert 5 not in versions


def test_an_open_range_ends_at_what_it_meets():
    assert Versions.parse("2+") & Versions.parse("0-5") == Versions(2, 5)


def test_ranges_that_do_not_meet_are_empty():
    assert not Versions.parse("0-1") & Versions.parse("3+")
    assert not EMPTY
    assert Versions.parse(None) == EMPTY


def test_a_set_with_a_hole_is_not_a_range():
    assert Versions.of({1, 2, 3}) == Versions(1, 3)
    assert Versions.of(set()) == EMPTY
    with pytest.raises(ValueError, match="not a range"):
        Versions.of({1, 3})
