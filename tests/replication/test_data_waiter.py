"""Whom the progress of a partition wakes."""

import pytest
import trio

from odradek.replication.data_waiter import DataWaiter, DataWaiters


@pytest.mark.parametrize(
    ("sees_log_end", "added_bytes", "is_advanced", "is_replicated", "is_woken"),
    [
        pytest.param(True, 10, False, True, True, id="a follower by bytes, replicated or not"),
        pytest.param(True, 9, True, True, False, id="a follower by bytes alone"),
        pytest.param(False, 10, False, True, False, id="a consumer not before they are replicated"),
        pytest.param(False, 0, True, True, True, id="a consumer when others have replicated something"),
        pytest.param(False, 9, True, False, False, id="an only replica counts the bytes"),
        pytest.param(False, 10, True, False, True, id="and wakes when they suffice"),
    ],
)
async def test_who_is_woken(sees_log_end, added_bytes, is_advanced, is_replicated, is_woken, autojump_clock):
    waiter = DataWaiter(10, sees_log_end=sees_log_end)
    waiters = DataWaiters()
    waiters.waiting[waiter] = None
    waiters.on_progress(added_bytes, is_high_watermark_advanced=is_advanced, is_replicated=is_replicated)
    with trio.move_on_after(1) as waiting:
        await waiter.wait()
    assert waiting.cancelled_caught is not is_woken
