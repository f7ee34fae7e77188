"""When a reader's log has left the leader's."""

import pytest

from odradek.replication.epoch_end import EpochEnd


@pytest.mark.parametrize(
    ("fetch_offset", "last_fetched_epoch", "has_diverged"),
    [(7, 3, False), (5, 3, False), (8, 3, True), (7, 4, True)],
)
def test_a_reader_with_what_the_log_has_not_has_diverged(fetch_offset, last_fetched_epoch, has_diverged):
    assert EpochEnd(3, 7).is_before(fetch_offset, last_fetched_epoch) is has_diverged
