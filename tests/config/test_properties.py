import pytest

from odradek.config.properties import MalformedProperties, parse_properties


def test_names_end_at_an_equals_sign_a_colon_or_a_blank():
    assert parse_properties("a=1\nb:2\nc 3\nd = 4\ne\t: 5\nf") == {
        "a": "1",
        "b": "2",
        "c": "3",
        "d": "4",
        "e": "5",
        "f": "",
    }


def test_a_value_keeps_its_trailing_blanks_and_further_separators():
    assert parse_properties("a = b = c  ") == {"a": "b = c  "}


def test_comments_and_blank_lines_say_nothing():
    assert parse_properties("# a=1\n  ! b=2\n\n   \nc=3") == {"c": "3"}


def test_a_backslash_joins_lines_even_to_one_that_looks_like_a_comment():
    assert parse_properties("a=1,\\\n   2,\\\r\n#3\nb=4") == {"a": "1,2,#3", "b": "4"}
    assert parse_properties("a=1\\\\\nb=2") == {"a": "1\\", "b": "2"}


def test_escapes():
    assert parse_properties(r"a\ b\=c=\t\u00e9\q\\") == {"a b=c": "\té" + "q\\"}


def test_an_unfinished_unicode_escape_is_refused():
    with pytest.raises(MalformedProperties):
        parse_properties(r"a=\u00g1")


def test_the_last_of_equal_names_wins():
    assert parse_properties("a=1\na=2") == {"a": "2"}
