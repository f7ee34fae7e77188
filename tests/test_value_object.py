"""A value object is what a frozen, slotted dataclass is, made faster."""

from dataclasses import dataclass, field, fields, replace

import pytest

from odradek.value_object import value_object


@value_object
class Plain:
    name: str
    sizes: tuple[int, ...] = ()
    note: str = field(default="", compare=False, repr=False)


@value_object
class More(Plain):
    twice: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", 2 * len(self.sizes))


@value_object
class Nothing:
    pass


@value_object
class Own:
    name: str

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "own"


@dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    sizes: tuple[int, ...] = ()


def test_it_is_compared_and_hashed_by_its_fields() -> None:
    assert Plain("a", (1,)) == Plain("a", (1,), "noted")
    assert hash(Plain("a", (1,))) == hash(Plain("a", (1,), "noted"))
    assert Plain("a") != Plain("b")
    assert Plain("a") != More("a")
    assert Nothing() == Nothing()
    assert len({Plain("a"), Plain("a"), Nothing(), Nothing()}) == 2


def test_it_looks_as_a_dataclass_does() -> None:
    assert repr(Plain("a", (1,))) == repr(Frozen("a", (1,))).replace("Frozen", "Plain")
    assert [each.name for each in fields(Plain)] == ["name", "sizes", "note"]
    assert replace(Plain("a"), sizes=(2,)) == Plain("a", (2,))
    match Plain("a", (3,)):
        case Plain(name, sizes):
            assert (name, sizes) == ("a", (3,))


def test_it_may_be_inherited_from_and_computes_fields() -> None:
    assert More("a", (1, 2)).twice == 4
    assert More("a", (1, 2)) == More("a", (1, 2))


def test_it_has_the_slots_of_its_fields_only() -> None:
    assert not hasattr(Plain("a"), "__dict__")
    with pytest.raises(AttributeError):
        Plain("a").nickname = "b"  # type: ignore[attr-defined]


def test_what_a_class_has_of_its_own_stays() -> None:
    assert (Own("a") == Own("b"), hash(Own("a")), repr(Own("a"))) == (True, 1, "own")
