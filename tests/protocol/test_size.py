from __future__ import annotations

import asyncio
import copy
import decimal
import enum
import fractions
import threading
import time
import tracemalloc
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol import size
from fablewright.protocol.size import NotData, TooLarge, size_of


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: object
    y: object


@dataclass(frozen=True, slots=True)
class Passage:
    text: object
    source: object
    score: object = 0.5


@dataclass
class Loose:
    one: object


@dataclass
class Empty:
    nothing: ClassVar[object] = len


# ------------------------------------------------------------------ against an oracle


def is_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | bytes | Colour)


def steps(value: object) -> list[tuple[str, object]]:
    if isinstance(value, Point):
        return [(".x", value.x), (".y", value.y)]
    if isinstance(value, list | tuple):
        return [(f"[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, frozenset):
        return [("{…}", item) for item in value]
    if isinstance(value, dict):
        keys = [(f".keys()[{index}]", key) for index, key in enumerate(value)]
        return keys + [(f"[{key!r}]", item) for key, item in value.items()]
    assert is_dataclass(value)
    return [(f".{each.name}", getattr(value, each.name)) for each in fields(value)]


def first_flaw(path: str, value: object, around: list[object]) -> tuple[str, bool] | None:
    """Return where the first flaw is, in the order of reading, and whether it is a cycle."""
    if is_scalar(value):
        return None
    if callable(value):
        return path, False
    if any(value is each for each in around):
        return path, True
    for step, item in steps(value):
        found = first_flaw(path + step, item, [*around, value])
        if found:
            return found
    return None


def own_size(value: object) -> int:
    if value is None or isinstance(value, bool | Colour):
        return 0
    if is_scalar(value):
        return value.__sizeof__()
    if isinstance(value, list | tuple):
        return 64 + 8 * len(value)
    if isinstance(value, frozenset):
        return 216 + 64 * len(value)
    if isinstance(value, dict):
        return 80 + 48 * len(value)
    assert is_dataclass(value)
    return (32 if isinstance(value, Passage) else 64) + 8 * len(fields(value))


def total_size(root: object) -> int:
    """Containers count once, scalars each time that a container holds them."""
    met: list[object] = []
    todo, total = [root], 0
    while todo:
        value = todo.pop()
        if not is_scalar(value):
            if any(value is each for each in met):
                continue
            met.append(value)
            todo += [item for _, item in steps(value)]
        total += own_size(value)
    return total


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.just(Colour.RED),
)
picks = st.lists(st.integers(0, 30), max_size=3)
kinds = st.sampled_from(["list", "tuple", "dict", "point", "passage", "loose", "empty", "frozenset"])


@st.composite
def webs(draw: st.DrawFn) -> object:
    """Draw data in which parts are shared, and now and then a part that is no data or contains itself."""
    pool: list[object] = draw(st.lists(scalars, min_size=1, max_size=4))
    if draw(st.integers(0, 3)) == 0:
        pool.append(len)
    for kind, picked in draw(st.lists(st.tuples(kinds, picks), max_size=9)):
        items = [pool[-1 - pick % len(pool)] for pick in picked]
        two = [*items, None, None][:2]
        match kind:
            case "list":
                pool.append(items)
            case "tuple":
                pool.append(tuple(items))
            case "dict":
                pool.append({f"key {index}": item for index, item in enumerate(items)})
            case "point":
                pool.append(Point(*two))
            case "passage":
                pool.append(Passage(*two))
            case "loose":
                pool.append(Loose(two[0]))
            case "frozenset":
                pool.append(frozenset(item for item in items if is_scalar(item) or item is len))
            case _:
                pool.append(Empty())
    lists = [item for item in pool if isinstance(item, list)]
    if lists and draw(st.integers(0, 3)) == 0:
        draw(st.sampled_from(lists)).append(draw(st.sampled_from(pool)))
    return pool[-1]


@settings(max_examples=800, deadline=None)
@given(webs())
def test_it_says_what_the_oracle_says(value: object) -> None:
    flaw = first_flaw("body", value, [])
    if flaw:
        with pytest.raises(NotData) as caught:
            size_of(value)
        assert (caught.value.path, caught.value.cyclic) == flaw
        return
    total = total_size(value)
    assert size_of(value) == size_of(value, limit=total) == total
    if total:
        with pytest.raises(TooLarge):
            size_of(value, limit=total - 1)


# ------------------------------------------------------------------ what is data

BERLIN = timedelta(hours=1)

DATA: list[object] = [
    None,
    True,
    3,
    2.5,
    1j,
    "text",
    b"bytes",
    bytearray(b"bytes"),
    range(3),
    Colour.RED,
    Level.HIGH,
    date(2024, 2, 29),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC).timetz(),
    BERLIN,
    ZoneInfo("UTC"),
    decimal.Decimal("1.5"),
    fractions.Fraction(1, 3),
    uuid.UUID(int=7),
    Path("notes"),
    PurePosixPath("notes"),
    (),
    [],
    {},
    set(),
    deque([1]),
    frozenset({1}),
    OrderedDict(a=1),
    Counter("aab"),
    defaultdict(list, a=[1]),
    MappingProxyType({"a": 1}),
    Point(1, 2),
    Passage("text", Path("notes")),
    Loose(1),
    Empty(),
]


@pytest.mark.parametrize("value", DATA, ids=repr)
def test_plain_data_has_a_size(value: object) -> None:
    shared = value is None or isinstance(value, bool | enum.Enum)
    assert (size_of(value) == 0) is shared
    assert size_of([value]) == size_of([None]) + size_of(value)


async def coroutine() -> None:
    pass


def generator() -> Iterator[int]:
    yield 1


class Plain:
    pass


NO_DATA = [
    len,
    lambda: None,
    Plain(),
    Plain,
    Passage,
    object(),
    threading.Lock(),
    threading.Event(),
    asyncio.Event(),
    generator(),
    iter([1]),
    memoryview(b"bytes"),
    ValueError("wrong"),
    ...,
    enum,
    {"a": 1}.keys(),
    decimal.getcontext(),
]


@pytest.mark.parametrize("value", NO_DATA, ids=lambda value: type(value).__name__)
def test_what_lives_is_no_data(value: object) -> None:
    with pytest.raises(NotData) as caught:
        size_of(value)
    assert (caught.value.path, caught.value.kind, caught.value.cyclic) == ("body", type(value), False)


def test_what_needs_a_loop_or_the_system_is_no_data(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    running = coroutine()
    with (tmp_path / "file").open("w") as file:
        for value in (loop, loop.create_future(), running, file):
            with pytest.raises(NotData):
                size_of({"value": value})
    running.close()
    loop.close()


def test_an_error_is_no_data_even_as_a_dataclass() -> None:
    @dataclass
    class Failure(Exception):
        reason: str

    with pytest.raises(NotData, match="Failure"):
        size_of(Failure("wrong"))


def test_subclasses_count_as_what_they_derive_from() -> None:
    class Name(str):
        __slots__ = ()

    class Names(list[str]):
        pass

    assert size_of(Name("abc")) >= size_of("abc")
    assert size_of(Names(["abc"])) == size_of(["abc"])


def test_a_mapping_of_another_make_is_data() -> None:
    class Squares(Mapping[int, object]):
        def __getitem__(self, key: int) -> object:
            return key * key

        def __iter__(self) -> Iterator[int]:
            return iter(range(3))

        def __len__(self) -> int:
            return 3

    assert size_of(Squares()) == size_of({0: 0, 1: 1, 2: 4})


def test_a_field_that_was_never_set_costs_its_reference_only() -> None:
    @dataclass(slots=True)
    class Late:
        one: str
        two: object = field(init=False)

    assert size_of(Late("text")) == 32 + 16 + size_of("text")
    late = Late("text")
    late.two = [len]
    with pytest.raises(NotData, match=r"^body\.two\[0\] is "):
        size_of(late)


def test_a_mapping_that_fails_fails_with_its_own_error() -> None:
    class Broken(dict[str, object]):
        def values(self) -> object:  # type: ignore[override] # broken on purpose
            raise AttributeError("no connection")

        def items(self) -> object:  # type: ignore[override] # as above
            raise AttributeError("no connection")

    with pytest.raises(AttributeError, match="no connection"):
        size_of(Broken(a=1))


# ------------------------------------------------------------------ how large


def test_the_estimate_is_near_the_memory_that_is_taken() -> None:
    def build() -> list[object]:
        passages = [Passage(f"passage {n} " * 20, f"notes/{n}.md", n / 7) for n in range(2_000)]
        loose = [Loose((f"{n}", n + 1000)) for n in range(2_000)]
        facts = {f"fact {n}": [n + 1000, {f"a {n}", f"b {n}"}] for n in range(2_000)}
        return [passages, loose, facts, {f"k {n}": {f"v {n}": n + 1000} for n in range(2_000)}]

    tracemalloc.start()
    built = build()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / 1.5 <= size_of(built) <= taken * 1.5


def test_a_path_counts_its_text() -> None:
    assert size_of(Path("a" * 1000)) == 1200


def test_numbers_and_text_count_what_they_hold() -> None:
    assert size_of(1 << 80_000) > 10_000
    assert size_of("a" * 10_000) > 10_000
    assert size_of("語" * 10_000) > 20_000


def test_measuring_stops_at_the_limit() -> None:
    class Endless(Mapping[int, object]):
        def __getitem__(self, key: int) -> object:
            return Endless()

        def __iter__(self) -> Iterator[int]:
            return iter(range(3))

        def __len__(self) -> int:
            return 3

    with pytest.raises(
        TooLarge, match=r"^The message takes more than the 100,000 bytes that one may take\.$"
    ) as caught:
        size_of(Endless(), limit=100_000)
    assert caught.value.limit == 100_000


def test_a_list_over_the_limit_is_refused_before_it_is_read() -> None:
    class Unread(list[int]):
        def __iter__(self) -> Iterator[int]:
            yield from [pytest.fail("it was read")]

    with pytest.raises(TooLarge):
        size_of(Unread([1] * 1000), limit=8000)


def test_what_is_sound_and_not_shared_is_read_once() -> None:
    class Counted(list[int]):
        reads = 0

        def __iter__(self) -> Iterator[int]:
            self.reads += 1
            return super().__iter__()

    counted = Counted([1])
    assert size_of([counted, (), (), "a", "a"]) > 0  # () is one object wherever it is met
    assert counted.reads == 1


def test_what_is_shared_a_million_times_over_is_measured_at_once() -> None:
    web: list[object] = []
    for _ in range(10_000):
        web = [web, web, web]
    begin = time.perf_counter()
    assert size_of(web) == 64 + 10_000 * (64 + 24)
    assert time.perf_counter() - begin < 5.0  # 3 ** 10,000 visits would not end at all


def test_depth_does_not_matter() -> None:
    deep: list[object] = ["bottom"]
    for _ in range(20_000):
        deep = [deep]
    assert size_of(deep) == 20_001 * 72 + size_of("bottom")
    bad: dict[str, object] = {"bottom": len}
    for _ in range(20_000):
        bad = {"down": bad}
    with pytest.raises(NotData) as caught:
        size_of(bad)
    path = caught.value.path
    assert len(path) == 203
    assert path.startswith("body['down']['down']")
    assert path.endswith("['down']['bottom']")
    assert " … " in path


# ------------------------------------------------------------------ where it is wrong


def test_the_place_is_named() -> None:
    body = {"passages": [Passage("a", "b"), Passage("a", "b"), Passage("c", len)]}
    with pytest.raises(
        NotData,
        match=r"^body\['passages'\]\[2\]\.source is a builtin_function_or_method; a message holds plain data only\.$",
    ):
        size_of(body)
    with pytest.raises(NotData, match=r"^reply\.y is an Event; a message holds plain data only\.$"):
        size_of(Point(1, asyncio.Event()), name="reply")
    with pytest.raises(NotData, match=r"^body\.keys\(\)\[1\] is a function; "):
        size_of({1: 2, generator: 3})
    with pytest.raises(NotData, match=r"^body\[0\]\{…\} is a function; "):
        size_of([{generator}])
    with pytest.raises(NotData, match=r"^body\.one\[0\] is a type; "):
        size_of(Loose(deque([int])))


def test_the_first_that_is_wrong_is_named() -> None:
    with pytest.raises(NotData, match=r"^body\[0\]\[0\]\[0\] is"):
        size_of([[[len], len], len])


@pytest.mark.parametrize("more", [0, 1])
def test_a_way_is_spelled_out_up_to_two_hundred_signs(more: int) -> None:
    name = "n" * (200 - len("body.") + more)
    with pytest.raises(NotData) as caught:
        size_of(make_dataclass("Long", [name])(len))
    assert caught.value.path == [f"body.{name}", f"body.{'n' * 95} … {'n' * 100}"][more]


def test_what_contains_itself_is_refused() -> None:
    ring: list[object] = [1, [2]]
    ring.append(Loose({"ring": ring}))
    with pytest.raises(NotData) as caught:
        size_of(ring)
    assert str(caught.value) == "body[2].one['ring'] is a list that contains itself; a message holds plain data only."
    assert caught.value.cyclic
    lonely: list[object] = []
    lonely.append(lonely)
    with pytest.raises(NotData, match=r"^body\[0\] is a list that contains itself; "):
        size_of(lonely)


def test_shared_parts_are_no_ring() -> None:
    party = Passage("four", "friends")
    alone = size_of(party)
    assert size_of([party, [party], {"party": party}]) == alone + size_of([None] * 3) + size_of([None]) + size_of(
        {"party": None}
    )


def test_what_changes_while_it_is_measured_is_refused_as_a_whole() -> None:
    class Fickle(Mapping[int, object]):
        reads = 0

        def __getitem__(self, key: int) -> object:
            self.reads += 1
            return len if self.reads == 1 else None

        def __iter__(self) -> Iterator[int]:
            return iter([0])

        def __len__(self) -> int:
            return 1

    with pytest.raises(NotData) as caught:
        size_of(Fickle(), name="reply")
    assert (caught.value.path, caught.value.kind) == ("reply", type(len))


def test_errors_can_be_copied() -> None:
    for error in (NotData("body.x", int), NotData("body.x", int, cyclic=True), TooLarge(10)):
        twin = copy.copy(error)
        assert isinstance(twin, ContractViolation)
        assert str(twin) == str(error)
    assert str(NotData("body.x", int)) == "body.x is an int; a message holds plain data only."


def test_classes_without_end_are_not_all_remembered() -> None:
    most = 0
    for number in range(2_500):
        assert size_of(type(f"Text{number}", (str,), {"__slots__": ()})("text")) > 0
        most = max(most, len(size._MEASURES))
    assert most == 1024


@dataclass(frozen=True, slots=True)
class Record3:
    one: object
    two: object
    three: object


def price(work: Callable[[], object]) -> float:
    """Return what 1,000 rounds of work cost, in times of making as many frozen records of three fields."""
    best = reference = 1.0
    for _ in range(30):
        begin = time.perf_counter()
        work()
        middle = time.perf_counter()
        for _ in range(1_000):
            Record3(1, 2, 3)
        end = time.perf_counter()
        best, reference = min(best, middle - begin), min(reference, end - middle)
    return best / reference


@pytest.mark.benchmark
def test_a_small_message_is_measured_in_no_time() -> None:
    message = Record3(3, "text", 0.5)

    def measure() -> None:
        for _ in range(1_000):
            size_of(message, limit=1 << 20)

    assert price(measure) <= 3.5  # measured: 2.3
