from hypothesis import given
from hypothesis import strategies as st

from odradek.coordinators.timers import Timers


def test_keys_fire_in_the_order_of_their_deadlines():
    timers: Timers[str] = Timers()
    timers.set("late", 20)
    timers.set("early", 10)
    assert timers.pop_due(9) is None
    assert timers.pop_due(10) == "early"
    assert timers.pop_due(10) is None
    assert timers.pop_due(25) == "late"


def test_a_deadline_moved_later_does_not_fire_at_its_old_time():
    timers: Timers[str] = Timers()
    timers.set("session", 10)
    timers.set("session", 30)
    assert timers.pop_due(29) is None
    assert timers.next_deadline_ms() == 30
    assert timers.pop_due(30) == "session"


def test_a_deadline_moved_earlier_fires_once():
    timers: Timers[str] = Timers()
    timers.set("join", 30)
    timers.set("join", 10)
    assert timers.pop_due(10) == "join"
    assert timers.pop_due(50) is None


def test_a_cleared_key_does_not_fire():
    timers: Timers[str] = Timers()
    timers.set("sync", 10)
    timers.clear("sync")
    timers.clear("sync")
    assert timers.pop_due(10) is None
    timers.set("sync", 5)
    assert timers.pop_due(10) == "sync"


_OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 3), st.integers(0, 20)),
        st.tuples(st.just("clear"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("pop"), st.just(0), st.integers(0, 20)),
    )
)


@given(_OPERATIONS)
def test_timers_are_a_dictionary_of_deadlines(operations: list[tuple[str, int, int]]):
    timers: Timers[int] = Timers()
    model: dict[int, int] = {}
    now = 0
    for kind, key, argument in operations:
        if kind == "set":
            timers.set(key, now + argument)
            model[key] = now + argument
        elif kind == "clear":
            timers.clear(key)
            model.pop(key, None)
        else:
            now += argument
            fired = set()
            while (due := timers.pop_due(now)) is not None:
                fired.add(due)
            assert fired == {key for key, deadline in model.items() if deadline <= now}
            model = {key: deadline for key, deadline in model.items() if deadline > now}
        earliest = timers.next_deadline_ms()
        if model:
            assert earliest is not None
            assert earliest <= min(model.values())
