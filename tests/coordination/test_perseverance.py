import pytest
import trio

from odradek.coordination.perseverance import RETRY_SECONDS, persevere
from odradek.coordination.store import NoNode, SessionExpired, StoreError, StoreUnavailable


class Store:
    """Fails with these errors, one after the other, and then works."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.asked_at: list[float] = []

    async def ask(self) -> str:
        self.asked_at.append(trio.current_time())
        if self.failures:
            raise self.failures.pop(0)
        return "done"


@pytest.mark.parametrize(
    "failure",
    [
        StoreUnavailable("/a"),
        NoNode("/a"),
        ExceptionGroup("", [StoreUnavailable("/a"), ExceptionGroup("", [NoNode("/b")])]),
    ],
)
async def test_what_the_store_fails_is_done_again_after_a_while(autojump_clock, failure):
    store = Store(failure, StoreUnavailable("/a"))
    assert await persevere(store.ask) == "done"
    first, second, third = store.asked_at
    assert (second - first, third - second) == pytest.approx((RETRY_SECONDS, RETRY_SECONDS))


@pytest.mark.parametrize("error", [SessionExpired("/"), ValueError()])
async def test_what_is_no_failure_of_the_store_is_for_others(autojump_clock, error):
    store = Store(error)
    with pytest.raises(type(error)):
        await persevere(store.ask)
    assert len(store.asked_at) == 1


async def test_of_a_group_the_rest_is_for_others(autojump_clock):
    expired: list[StoreError] = [StoreUnavailable("/a"), SessionExpired("/")]
    store = Store(ExceptionGroup("", expired))
    with pytest.RaisesGroup(SessionExpired):
        await persevere(store.ask)
