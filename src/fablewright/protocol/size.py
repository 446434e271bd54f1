"""How many bytes a piece of plain data takes, and whether it is plain data at all.

A message body is data: it may be kept, copied, and sent to another process. Something that lives, such as a
function, a lock or an open file, is refused before it travels, with the place where it was found.

The rules:

1. Plain data is: None, numbers, text, bytes, ranges, enum members, dates and times, paths, UUIDs; tuples (named
   or not), lists, deques, sets and mappings of plain data; and dataclasses whose fields are plain data.
   Subclasses count as what they derive from; only their items or fields are looked at.
2. The size is an estimate of the memory, near to what CPython takes on 64 bits. Text and numbers count as often
   as they are met, a container once, however often it is met. Enum members and None cost their reference only.
3. Data that contains itself is refused. It is found after one visit of each container, so that the time is
   linear in the number of items, whatever the data looks like; nothing recurs, so that depth does not matter.
4. Measuring stops where the limit is passed. Data that is both too large and not plain is refused as either.
"""

from __future__ import annotations

import reprlib
from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import chain
from math import inf
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["NotData", "TooLarge", "size_of"]

_LONGEST_PATH = 200
_REFERENCE = 8


class NotData(ContractViolation):
    """Something in a message is no plain data.

    Attributes:
        path: Where it was found, such as ``body.passages[2].source``.
        kind: Its class.
        cyclic: It would be plain data, but contains itself.
    """

    def __init__(self, path: str, kind: type, *, cyclic: bool = False) -> None:
        super().__init__(path, kind)
        self.path = path
        self.kind = kind
        self.cyclic = cyclic

    def __str__(self) -> str:
        name = self.kind.__qualname__
        if self.cyclic:
            return f"{self.path} is a {name} that contains itself; a message holds plain data only."
        article = "an" if name[:1] in "AEIOUaeiou" else "a"
        return f"{self.path} is {article} {name}; a message holds plain data only."


class TooLarge(ContractViolation):
    """A message takes more memory than one may.

    Attributes:
        limit: What it may take, in bytes.
    """

    def __init__(self, limit: float) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"The message takes more than the {self.limit:,} bytes that one may take."


class _Measure(NamedTuple):
    """How values of one class are measured.

    Attributes:
        own: Bytes of a container itself.
        each: Bytes for each of its items; 0 when their number is fixed, and in ``own``.
        parts: What gives out the items; None: it is no container.
        weigh: What gives the bytes of a value that is no container.
    """

    own: int
    each: int
    parts: Callable[[Any], Iterable[object]] | None
    weigh: Callable[[Any], int]


def size_of(value: object, *, limit: float = inf, name: str = "body") -> int:
    """Return about how many bytes of memory a piece of plain data takes.

    Args:
        value: The data.
        limit: The bytes that it may take.
        name: What the value is called in messages.

    Raises:
        NotData: Something in it is no plain data, or contains itself.
        TooLarge: It takes more than ``limit``.
    """
    total = 0
    again = False
    met: dict[int, object] = {}  # by id; holding them keeps an id from being used twice
    found: list[Iterable[object]] = [(value,)]
    while found:
        for part in found.pop():
            measure = _MEASURES[type(part)]
            if measure is None:
                _look_for_flaws(value, name)
                raise NotData(name, type(part))  # it was gone when looked for: somebody changes the data meanwhile
            own, each, parts, weigh = measure
            if parts is None:
                total += weigh(part)
                continue
            items = len(part) if each else 1  # type: ignore[arg-type] # what has a price for each item has a length
            number = id(part)
            if number in met:
                again = again or items > 0  # () is the same object everywhere, and harmless
                continue
            met[number] = part
            total += own + each * items
            try:
                found.append(parts(part))
            except AttributeError:  # a dataclass with a field that was never set
                found.append([item for _, _, item in _steps(part)])
        if total > limit:
            raise TooLarge(limit)
    if again:
        _look_for_flaws(value, name)
    return total


# -------------------------------------------------------------- by class

_MOST_CLASSES = 1024
_SCALARS = (int, float, complex, str, bytes, bytearray, range)
_SEQUENCES = (tuple, list, deque)
_SETS = (set, frozenset)

# Known by name: this ring imports nothing that could read a clock or a disk.
_FOREIGN = frozenset(
    {
        "datetime.date",
        "datetime.time",
        "datetime.timedelta",
        "datetime.tzinfo",
        "decimal.Decimal",
        "fractions.Fraction",
        "uuid.UUID",
    }
)


def _keys_and_values(mapping: Mapping[object, object]) -> Iterable[object]:
    return chain(mapping, mapping.values())


_CONTAINERS: tuple[tuple[type | tuple[type, ...], int, int, Callable[[Any], Iterable[object]]], ...] = (
    (_SEQUENCES, 64, _REFERENCE, iter),
    (_SETS, 216, 8 * _REFERENCE, iter),
    (Mapping, 80, 6 * _REFERENCE, _keys_and_values),
)


def _measure(kind: type) -> _Measure | None:
    """Return how to measure values of a class; None if they are no plain data."""
    if issubclass(kind, Enum | bool | NoneType):  # one object for all: a reference each, which its container counts
        return _scalar(_nothing)
    if issubclass(kind, _SCALARS) or any(f"{base.__module__}.{base.__name__}" in _FOREIGN for base in kind.__mro__):
        return _scalar(kind.__sizeof__)
    if hasattr(kind, "__fspath__"):
        return _scalar(_path_size)
    for bases, own, each, parts in _CONTAINERS:
        if issubclass(kind, bases):
            return _Measure(own, each, parts, _nothing)
    if is_dataclass(kind) and not issubclass(kind, BaseException):
        names = [field.name for field in fields(kind)]
        own = (64 if kind.__dictoffset__ else 32) + _REFERENCE * len(names)
        return _Measure(own, 0, _values_of(names), _nothing)
    return None


class _Measures(dict[type, _Measure | None]):
    """How to measure each class met so far; bounded, for programs may make classes without end."""

    def __missing__(self, kind: type) -> _Measure | None:
        if len(self) >= _MOST_CLASSES:
            self.clear()
        self[kind] = measure = _measure(kind)
        return measure


_MEASURES = _Measures()


def _scalar(weigh: Callable[[Any], int]) -> _Measure:
    return _Measure(0, 0, None, weigh)


def _nothing(_: object) -> int:
    return 0


def _path_size(path: Any) -> int:  # noqa: ANN401 # anything with __fspath__
    return 200 + len(path.__fspath__())


def _values_of(names: list[str]) -> Callable[[object], Iterable[object]]:
    """Return what reads these attributes of an object."""
    match names:
        case []:
            return lambda _: ()
        case [name]:
            return lambda value: (getattr(value, name),)
        case _:
            return attrgetter(*names)


# -------------------------------------------------------------- what is wrong, and where


def _look_for_flaws(root: object, name: str) -> None:
    """Go through the data again, this time in order and with an eye on the way, up to what is wrong first.

    Raises:
        NotData: There it is.
    """
    way: list[tuple[str, object]] = []  # the steps from the root to where we are
    inside: dict[int, None] = {}  # ids of the containers on the way, the root first
    done: dict[int, object] = {}  # as ``met`` above
    trail: list[Iterator[tuple[str, object, object]]] = [iter([("", name, root)])]
    while trail:
        for sign, label, part in trail[-1]:
            measure = _MEASURES[type(part)]
            if measure is None or id(part) in inside:
                raise NotData(_spell([*way, (sign, label)]), type(part), cyclic=measure is not None)
            if measure.parts is not None and id(part) not in done:
                done[id(part)] = part
                inside[id(part)] = None
                way.append((sign, label))
                trail.append(_steps(part))
                break
        else:
            trail.pop()
            if trail:
                way.pop()
                inside.popitem()


def _steps(container: Any) -> Iterator[tuple[str, object, object]]:  # noqa: ANN401 # any container that _measure knows
    """Go through a container: the sign of the step, the name, index or key behind it, and what is there."""
    match container:
        case tuple() if hasattr(container, "_fields"):
            yield from ((".", name, item) for name, item in zip(container._fields, container, strict=False))
        case tuple() | list() | deque():
            yield from (("[", index, item) for index, item in enumerate(container))
        case set() | frozenset():
            yield from (("{", "", item) for item in container)
        case Mapping():
            yield from ((".keys()[", index, key) for index, key in enumerate(container))
            yield from (("[", key, item) for key, item in container.items())
        case _:
            names = [field.name for field in fields(container) if hasattr(container, field.name)]
            yield from ((".", name, getattr(container, name)) for name in names)


_ENDS = {"[": "]", ".keys()[": "]", "{": "…}"}


def _spell(way: list[tuple[str, object]]) -> str:
    """Write a way as Python would, the middle of a very long one left out."""
    path = "".join(f"{sign}{reprlib.repr(label) if sign == '[' else label}{_ENDS.get(sign, '')}" for sign, label in way)
    if len(path) <= _LONGEST_PATH:
        return path
    half = _LONGEST_PATH // 2
    return f"{path[:half]} … {path[-half:]}"
