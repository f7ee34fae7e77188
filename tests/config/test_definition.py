import pytest

from odradek.config.definition import Type, java_double, parse_value, write_value
from odradek.errors import InvalidConfig


@pytest.mark.parametrize(
    ("text", "value_type", "value"),
    [
        (" true ", Type.BOOLEAN, True),
        ("FALSE", Type.BOOLEAN, False),
        (" -5 ", Type.INT, -5),
        ("+5", Type.LONG, 5),
        ("\x13\x005\x1f", Type.LONG, 5),
        ("1e3", Type.DOUBLE, 1000.0),
        (".5f", Type.DOUBLE, 0.5),
        ("", Type.LIST, ()),
        (" a ,b,, c", Type.LIST, ("a", "b", "", "c")),
        (" a ", Type.STRING, "a"),
        (None, Type.INT, None),
    ],
)
def test_text_is_read_as_java_reads_it(text, value_type, value):
    assert parse_value("x", text, value_type) == value


@pytest.mark.parametrize(
    ("text", "value_type"),
    [
        ("1_0", Type.INT),
        ("\u0661", Type.INT),
        ("", Type.INT),
        ("\xa05", Type.INT),
        ("2147483648", Type.INT),
        ("32768", Type.SHORT),
        ("9223372036854775808", Type.LONG),
        ("1.0", Type.LONG),
        ("1,5", Type.DOUBLE),
        ("1", Type.BOOLEAN),
    ],
)
def test_what_java_does_not_read_is_refused(text, value_type):
    with pytest.raises(InvalidConfig, match="for configuration x: "):
        parse_value("x", text, value_type)


def test_values_are_written_as_java_writes_them():
    assert write_value(True) == "true"
    assert write_value(("a", "b")) == "a,b"
    assert write_value(()) == ""
    assert write_value(None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (0.0, "0.0"),
        (1.0, "1.0"),
        (1234567.0, "1234567.0"),
        (1e7, "1.0E7"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (0.0001, "1.0E-4"),
        (0.001, "0.001"),
        (-12345678.5, "-1.23456785E7"),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_doubles_are_written_as_java_writes_them(value, text):
    assert java_double(value) == text
