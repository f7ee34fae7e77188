"""`@value_object`: a slotted dataclass, compared and hashed by its fields, that nobody changes.

What `@dataclass(frozen=True, slots=True)` makes, but for two things. It is made in a tenth of the time, which
counts because a starting broker makes a hundred: `dataclasses` compiles six functions for each, where one,
`__init__`, has to know the fields' names, and that one is compiled with the first object. And it is the type
checker alone that refuses a change, not the object: that would take two more functions, and a call for each
field of each new object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_object(cls: type[T]) -> type[T]:
    """Class decorator. `__eq__`, `__hash__` and `__repr__` that the class has of its own stay.

    A class with an `InitVar` is none.
    """
    made: Any = dataclass(slots=True, init=False, eq=False, repr=False)(cls)
    compared = _getter([each.name for each in fields(made) if each.compare])
    shown = [each.name for each in fields(made) if each.repr]

    def first_init(self: Any, *values: Any, **named: Any) -> None:
        made.__init__ = _initializer(made)
        made.__init__(self, *values, **named)

    def equals(self: Any, other: Any) -> Any:
        return compared(self) == compared(other) if self.__class__ is other.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(compared(self))

    def described(self: Any) -> str:
        return f"{cls.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    made.__init__ = first_init
    for name, method in (("__eq__", equals), ("__hash__", hashed), ("__repr__", described)):
        if cls.__dict__.get(name) is None:
            setattr(made, name, method)
    result: type[T] = made
    return result


def _getter(names: list[str]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _: ()


def _initializer(made: Any) -> Callable[..., None]:
    """The `__init__` that `dataclasses` would have compiled."""
    parameters: list[str] = []
    keyword_only: list[str] = []
    body: list[str] = []
    scope: dict[str, Any] = {"MISSING": MISSING}
    for each in fields(made):
        name = value = each.name
        default = "" if each.default is MISSING else f"default_{name}"
        scope[f"default_{name}"] = each.default
        if each.default_factory is not MISSING:
            scope[f"make_{name}"] = each.default_factory
            default, value = "MISSING", f"make_{name}() if {name} is MISSING else {name}"
        if each.init:
            (keyword_only if each.kw_only else parameters).append(f"{name}={default}" if default else name)
            body.append(f"self.{name} = {value}")
        elif default:
            body.append(f"self.{name} = {value if each.default is MISSING else default}")
    if keyword_only:
        parameters += ["*", *keyword_only]
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    exec(f"def __init__({', '.join(['self', *parameters])}):\n {'; '.join(body) or 'pass'}", scope)
    made_init: Callable[..., None] = scope["__init__"]
    made_init.__qualname__ = f"{made.__qualname__}.__init__"
    made_init.__module__ = made.__module__
    return made_init
