"""Three of our brokers say to a client what three real Kafka 3.9.2 brokers have said."""

import pytest

from compat.cluster.__main__ import main

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("cluster of ours")]


def test_clients_see_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    right = main([]) == 0
    report = capsys.readouterr().out
    assert right, report
    assert " 0 not recorded" in report
