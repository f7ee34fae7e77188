import pytest

from odradek.config.sources import collect_properties
from odradek.errors import InvalidConfig


def test_the_command_line_wins_over_the_environment_and_that_over_the_file():
    properties = collect_properties(
        "a=file\nb=file\nc=file", {"KAFKA_B": "environment", "KAFKA_C": "environment"}, ["c=command=line"]
    )
    assert properties == {"a": "file", "b": "environment", "c": "command=line"}


@pytest.mark.parametrize("override", ["listeners", "=x", ""])
def test_an_override_names_what_it_sets(override):
    with pytest.raises(InvalidConfig, match="NAME=VALUE"):
        collect_properties(None, {}, [override])
