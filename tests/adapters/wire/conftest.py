"""Messages that travel in the tests of the wire format, and what looks at what arrived."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import math
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import pytest

from fablewright import gm
from fablewright.adapters.wire.codec import Wire
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.runtime.legacy import LegacyMessage

T = TypeVar("T")


def own_classes(base: type) -> set[type]:
    """Return all classes of the game, and of what looks after it in each process, that derive from one."""
    names = [each.name for each in pkgutil.walk_packages(gm.__path__, f"{gm.__name__}.")]
    modules = [importlib.import_module(name) for name in (*names, "fablewright.entry.inspector")]
    return {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each.__module__ == module.__name__
    }


@pytest.fixture(scope="session")
def own_wire() -> Wire:
    """The codec for all that we send ourselves, and for agents of the old API."""
    return Wire([*own_classes(Message), LegacyMessage])


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Corner(enum.Enum):
    """Its values are none that JSON has."""

    NEAR = (0, 0)
    FAR = (1, 1)


class Spot(NamedTuple):
    x: float
    y: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sword:
    length: int
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Potion:
    strength: float
    drops: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    number: int = 1


@dataclass(frozen=True, slots=True)
class Chest:
    lid: str
    things: tuple[Sword | Potion, ...] = ()
    first: Sword | Potion | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[tuple[int, int], str] = field(default_factory=dict)
    corner: Corner = Corner.NEAR
    spot: Spot | None = None
    label: str | bytes | None = None
    size: Literal["small", "large"] = "small"
    weighed: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weighed", len(self.weights))


@dataclass(frozen=True, slots=True)
class Opened:
    chest: Chest
    swords: Page[Sword] = Page(())
    spots: Page[Spot] = Page(())


@dataclass(frozen=True, slots=True)
class Open(Request[Opened]):
    action: ClassVar[str] = "open"
    chest: str
    tries: int = 1
    colours: frozenset[Colour] = frozenset()


@dataclass(frozen=True, slots=True)
class Weigh(Request[tuple[float, ...]]):
    action: ClassVar[str] = "weigh"
    things: tuple[Sword | Potion, ...]


@dataclass(frozen=True, slots=True)
class Count(StreamRequest[int]):
    action: ClassVar[str] = "count"
    to: int


@dataclass(frozen=True, slots=True)
class Shut(Message):
    action: ClassVar[str] = "shut"
    chest: str = ""


MESSAGES = (Open, Weigh, Count, Shut, LegacyMessage)
WIRE = Wire(MESSAGES)


def nothing(message_id: str) -> None:
    """Know no request."""


def envelope(body: Any, **changed: Any) -> Envelope:
    """Return an ask with this body, five seconds before its deadline at 100."""
    usual: dict[str, Any] = {
        "sender": "guard",
        "to": "smith",
        "correlation_id": "n1-1",
        "reply_to": "n1",
        "deadline": 105.0,
        "kind": Kind.ASK,
    }
    return Envelope("n1-7", action=body.action, body=body, **{**usual, **changed})


def same(one: object, other: object) -> bool:  # noqa: PLR0911 - a line a kind
    """Return whether two values are the same down to the classes; NaN is itself."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return same(list(one.items()), list(other.items()))  # in their order
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and isinstance(other, float):
        return repr(one) == repr(other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, set | frozenset) and isinstance(other, set | frozenset):
        return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, each.name), getattr(other, each.name)) for each in dataclasses.fields(one))
    return one == other
