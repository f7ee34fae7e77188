import pytest

from odradek.config.release import DEFAULT_RELEASE, RELEASES, Release
from odradek.errors import InvalidConfig


def test_every_release_reads_as_it_is_written():
    assert [Release.parse(str(release)) for release in RELEASES] == list(RELEASES)
    assert DEFAULT_RELEASE in RELEASES


def test_releases_are_ordered_as_they_came_out():
    assert list(RELEASES) == sorted(RELEASES)
    assert Release.parse("3.9").zookeeper
    assert not Release.parse("4.0").zookeeper


@pytest.mark.parametrize("text", ["", "3", "3.10", "2.7", "4.4", "3.9.2"])
def test_other_releases_are_refused_with_what_is_allowed(text):
    with pytest.raises(InvalidConfig, match=r"odradek\.emulate.*2\.8, 3\.0"):
        Release.parse(text)
