"""Whatever a type allows arrives as it was; what cannot is refused before anything travels."""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NewType, TypeVar
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.adapters.wire.forms import Forms
from fablewright.adapters.wire.registry import Body
from fablewright.errors import ContractViolation

from .conftest import Chest, Colour, Corner, Opened, Page, Potion, Spot, Sword, same

if TYPE_CHECKING:
    from fablewright.runtime.bus import Bus

TEXT = st.text(max_size=8)
INTS = st.integers(-(10**60), 10**60)
FLOATS = st.floats() | st.integers(-9, 9).map(float)
SWORDS = st.builds(Sword, INTS, st.sampled_from(Colour))
POTIONS = st.builds(Potion, FLOATS, st.lists(INTS, max_size=3).map(tuple))
SPOTS = st.builds(Spot, FLOATS, FLOATS, TEXT)
CHESTS = st.builds(
    Chest,
    TEXT,
    st.lists(SWORDS | POTIONS, max_size=3).map(tuple),
    st.none() | SWORDS | POTIONS,
    st.dictionaries(TEXT, FLOATS, max_size=3),
    st.dictionaries(st.tuples(INTS, INTS), TEXT, max_size=3),
    st.sampled_from(Corner),
    st.none() | SPOTS,
    st.none() | TEXT | st.binary(max_size=5),
    st.sampled_from(["small", "large"]),
)
Name = NewType("Name", str)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Way(enum.StrEnum):
    IN = "in"
    OUT = "out"


class Flags(enum.Flag):
    HOT = 1
    WET = 2


AWARE = st.datetimes(timezones=st.just(UTC)) | st.datetimes()
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, TEXT),
    (int, INTS),
    (bool, st.booleans()),
    (types.NoneType, st.none()),
    (float, FLOATS),
    (bytes, st.binary(max_size=9)),
    (datetime, AWARE),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas(timedelta(days=-9999), timedelta(days=9999))),
    (Decimal, st.decimals(allow_nan=False)),
    (UUID, st.uuids()),
    (Name, TEXT),
    (Literal["a", "b", 3], st.sampled_from(["a", "b", 3])),
    (Colour, st.sampled_from(Colour)),
    (Corner, st.sampled_from(Corner)),
    (Level, st.sampled_from(Level)),
    (Way, st.sampled_from(Way)),
    (Flags, st.sampled_from([Flags.HOT, Flags.WET, Flags.HOT | Flags.WET])),
    (tuple[int, ...], st.lists(INTS, max_size=3).map(tuple)),
    (tuple[float, ...], st.lists(FLOATS, max_size=3).map(tuple)),
    (tuple[()], st.just(())),
    (tuple[str, float], st.tuples(TEXT, FLOATS)),
    (list[float | None], st.lists(FLOATS | st.none(), max_size=3)),
    (set[int], st.sets(INTS, max_size=3)),
    (frozenset[float], st.frozensets(st.floats(allow_nan=False), max_size=3)),
    (frozenset[Corner], st.frozensets(st.sampled_from(Corner), max_size=3)),
    (dict[int, str], st.dictionaries(INTS, TEXT, max_size=3)),
    (Mapping[Way, float], st.dictionaries(st.sampled_from(Way), FLOATS, max_size=3)),
    (dict[Corner, tuple[float, ...]], st.dictionaries(st.sampled_from(Corner), st.tuples(FLOATS), max_size=3)),
    (dict[float, str], st.dictionaries(st.floats(allow_nan=False), TEXT, max_size=3)),
    (int | str | None, st.none() | INTS | TEXT),
    (float | str, FLOATS | TEXT),
    (str | bytes, TEXT | st.binary(max_size=5)),
    (Colour | str, st.sampled_from(Colour) | TEXT),
    (tuple[int, ...] | frozenset[int] | None, st.none() | st.tuples(INTS) | st.frozensets(INTS, max_size=3)),
    (Sword | Potion, SWORDS | POTIONS),
    (Sword | Potion | Name | None, SWORDS | POTIONS | TEXT | st.none()),
    (Spot, SPOTS),
    (Page[float], st.builds(Page, st.lists(FLOATS, max_size=3).map(tuple))),
    (Page[Page[Sword]], st.builds(Page, st.tuples(st.builds(Page, st.lists(SWORDS, max_size=2).map(tuple))))),
    (Opened, st.builds(Opened, CHESTS, st.builds(Page, st.tuples(SWORDS)), st.builds(Page, st.tuples(SPOTS)))),
]


def there_and_back(kind: Any, value: Any) -> Any:
    body = Body.of(kind, Forms().of(kind, "it"))
    return body.read(msgspec.Raw(msgspec.json.encode(body.out(value))))


@pytest.mark.parametrize(("kind", "values"), TYPES, ids=[str(kind) for kind, _ in TYPES])
def test_what_a_type_allows_arrives_as_it_was(kind: Any, values: st.SearchStrategy[Any]) -> None:
    body = Body.of(kind, Forms().of(kind, "it"))

    @settings(max_examples=50)
    @given(values)
    def arrives(value: Any) -> None:
        raw = msgspec.json.encode(body.out(value))
        assert same(body.read(msgspec.Raw(raw)), value)

    arrives()


ANYTHING = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | TEXT | st.just("$tuple") | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXT | st.sampled_from(["$", "$dict", "$int"]), inner, max_size=3)
        | st.dictionaries(st.tuples(INTS, TEXT), inner, max_size=2)
        | st.frozensets(INTS | TEXT | st.tuples(TEXT), max_size=3)
        | st.sets(INTS | TEXT, max_size=3)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_what_has_no_declared_type_arrives_as_it_was(value: Any) -> None:
    assert same(there_and_back(Any, value), value)


def test_a_number_of_another_library_is_a_number() -> None:
    class Half(float):
        """As numpy's own."""

    assert same(there_and_back(Potion, Potion(Half(0.5))), Potion(0.5))
    assert same(there_and_back(Potion, Potion(3)), Potion(3.0))


def test_a_mapping_that_cannot_be_changed_is_a_mapping() -> None:
    shut = Chest("oak", weights=types.MappingProxyType({"a": 1.5}))
    assert there_and_back(Chest, shut) == shut


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {1: value}  # as deep as anything is on the way
    return value


def test_what_is_as_deep_as_it_may_be_arrives_and_what_is_deeper_does_not_leave() -> None:
    assert there_and_back(Any, nested(32)) == nested(32)
    with pytest.raises(TypeError, match="deep"):
        there_and_back(Any, nested(33))
    itself: list[Any] = []
    itself.append(itself)
    with pytest.raises(TypeError, match="deep"):
        there_and_back(Any, itself)


@pytest.mark.parametrize("value", [object(), Sword(1), Colour.RED, print, 1j, range(3)])
def test_what_says_nothing_of_itself_is_named(value: Any) -> None:
    with pytest.raises(TypeError, match=type(value).__qualname__):
        there_and_back(Any, {"a": [value]})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Sword | Potion, Spot(1, 2)),
        (Chest, Sword(1)),
        (Opened, Opened(Sword(1))),  # type: ignore[arg-type] # that is the point
        (float, "1"),
        (tuple[float, ...], [1.0, "2"]),
        (str, 3),
        (Corner, Colour.RED),
    ],
)
def test_a_value_of_another_type_does_not_leave(kind: Any, value: Any) -> None:
    with pytest.raises((TypeError, KeyError, msgspec.ValidationError)):
        there_and_back(kind, value)


@dataclass(frozen=True)
class Tree:
    branches: tuple[Tree, ...]


@dataclass(frozen=True)
class Lives:
    bus: Bus


@dataclass(frozen=True)
class Calls:
    back: Callable[[], None]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Tree, "Tree.branches cannot travel.*holds itself"),
        (Lives, "imports Bus for type checkers only"),
        (Calls, "Calls.back cannot travel"),
        (Page, "Page.items cannot travel"),  # of what, is not said
        (tuple, "it cannot travel"),
        (Sequence[int], "it cannot travel"),
        (Iterable[int], "it cannot travel"),
        (TypeVar("T"), "it cannot travel"),
        (range, "it cannot travel"),
        (complex, "it cannot travel"),
        (object | tuple[range], "range"),
        (tuple[int, ...] | tuple[float, ...], "two kinds of tuple"),
        (Literal[True], "it cannot travel"),
        (Literal[Colour.RED], "it cannot travel"),
    ],
)
def test_a_type_that_cannot_travel_is_refused_before_anything_does(kind: Any, why: str) -> None:
    with pytest.raises(ContractViolation, match=why):
        Forms().of(kind, "it")
