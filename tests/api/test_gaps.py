"""Nothing that a broker of any release offers is forgotten: it is served, or it is named as a gap."""

from odradek.api.gaps import GAPS
from odradek.api.registry import SERVED
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.releases import RELEASES, api_versions

OFFERED = {key for release in RELEASES for key in api_versions(release)}


def test_every_key_is_served_or_a_gap_and_never_both() -> None:
    assert SERVED.keys() | GAPS.keys() == OFFERED
    assert not SERVED.keys() & GAPS.keys()


def test_every_gap_says_with_what_it_comes() -> None:
    assert all(GAPS.values())


def test_a_cluster_on_zookeeper_has_no_quorum_to_describe() -> None:
    assert ApiKey.DESCRIBE_QUORUM not in api_versions("3.9")
    assert ApiKey.DESCRIBE_QUORUM not in SERVED
