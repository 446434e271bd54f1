from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.protocol.size import NotData, TooLarge, size_of
from fablewright.runtime import body
from fablewright.runtime.agent import Agent, handles, hears, streams
from fablewright.runtime.body import check_body
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Ask(Request[str]):
    action: ClassVar[str] = "ask"
    lock: ClassVar[Any] = threading.Lock()  # what belongs to the class does not travel
    what: Any = ""
    more: Any = 0


@dataclass(frozen=True, slots=True)
class AskPieces(StreamRequest[str]):
    action: ClassVar[str] = "pieces"
    what: Any = ""


@dataclass(frozen=True, slots=True)
class Tell(Message):
    action: ClassVar[str] = "tell"
    what: Any = ""


class Bare(Request[str]):
    action = "ask"


class Taker(Agent):
    name = "taker"

    def __init__(self) -> None:
        self.taken: list[Any] = []

    @handles(Ask)
    async def ask(self, request: Ask, ctx: Context) -> str:
        self.taken.append(request)
        return "taken"

    @streams(AskPieces)
    async def pieces(self, request: AskPieces, ctx: Context) -> AsyncIterator[str]:
        self.taken.append(request)
        yield "taken"

    @hears(Tell)
    async def tell(self, message: Tell, ctx: Context) -> None:
        self.taken.append(message)


def cyclic() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


async def send(bus: Bus, way: str, what: Any) -> None:
    match way:
        case "ask":
            await bus.ask("taker", Ask(what))
        case "stream":
            bus.ask_stream("taker", AskPieces(what))
        case "tell":
            bus.tell("taker", Tell(what))
        case _:
            bus.publish(Tell(what))


@pytest.mark.parametrize("way", ["ask", "stream", "tell", "publish"])
@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        (threading.Lock(), NotData, r"body\.what is a lock"),
        ([1, {"key": object()}], NotData, r"body\.what\[1\]\['key'\] is an object"),
        (cyclic(), NotData, "contains itself"),
        ("x" * 5000, TooLarge, "more than the 4,096 bytes"),
        ([0.5] * 1000, TooLarge, "more than the 4,096 bytes"),
    ],
)
async def test_what_is_no_data_or_too_much_is_refused_to_its_sender(
    way: str, what: Any, error: type[Exception], said: str
) -> None:
    taker = Taker()
    bus = Bus(BusOptions(max_body_bytes=4096))
    bus.register(taker)
    async with bus:
        with pytest.raises(error, match=said) as caught:
            await send(bus, way, what)
        assert isinstance(caught.value, ContractViolation)
        assert taker.taken == []
        assert bus.statistics().asked == 0


async def test_what_is_not_checked_travels_whatever_it_is() -> None:
    bus = Bus(BusOptions(max_body_bytes=None))
    bus.register(Taker())
    async with bus:
        assert await bus.ask("taker", Ask(object())) == "taken"


async def test_numbers_that_are_none_are_data() -> None:
    bus = Bus()
    bus.register(Taker())
    async with bus:
        for number in (float("nan"), float("inf"), -0.0, 2.5, True, None, 10**30):
            assert await bus.ask("taker", Ask(number)) == "taken"


async def test_a_message_without_fields_needs_no_dataclass_but_one_with_them_does() -> None:
    bus = Bus()
    bus.register(Taker())
    async with bus:
        assert await bus.ask("taker", Bare()) == "taken"
        with_fields = Bare()
        with_fields.what = threading.Lock()  # type: ignore[attr-defined]  # the mistake
        with pytest.raises(NotData, match="body is a Bare"):
            await bus.ask("taker", with_fields)
        assert await bus.ask("taker", Bare()) == "taken"


@pytest.mark.parametrize("thing", ["text", None, 7, object(), Message(), {"action": "ask"}])
async def test_what_is_no_message_is_refused(thing: Any) -> None:
    with pytest.raises(ContractViolation, match="names no action"):
        check_body(thing, 1000)


small = st.one_of(st.text(max_size=300), st.integers(), st.floats(), st.booleans(), st.none())
plain = st.recursive(small, lambda inner: st.one_of(st.lists(inner, max_size=5), st.tuples(inner)), max_leaves=20)


@given(what=plain, more=plain, limit=st.integers(100, 3000))
def test_the_quick_way_lets_nothing_pass_that_the_slow_one_refuses(what: Any, more: Any, limit: int) -> None:
    message = Ask(what, more)
    try:
        size_of(message, limit=limit)
    except TooLarge:
        with pytest.raises(TooLarge):
            check_body(message, limit)
    else:
        check_body(message, limit)


class Rank(IntEnum):
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Ranked(Message):
    action: ClassVar[str] = "tell"
    priority: Any = 0


@pytest.mark.parametrize("priority", ["high", None, float("nan"), 1.5, [1]])
async def test_a_priority_that_is_no_whole_number_is_refused_to_its_sender(priority: Any) -> None:
    taker = Taker()
    bus = Bus()
    bus.register(taker)

    @dataclass(frozen=True, slots=True)
    class AlwaysRanked(Message):
        action: ClassVar[str] = "tell"

    AlwaysRanked.priority = priority
    async with bus:
        bus.tell("taker", Ranked(2))
        bus.tell("taker", Ranked(Rank.HIGH))
        for message in (Ranked(priority), AlwaysRanked(), AlwaysRanked()):
            with pytest.raises(ContractViolation, match="must be a whole number"):
                bus.tell("taker", message)
        bus.tell("taker", Ranked(-1))
        await asyncio.sleep(0)
    assert [message.priority for message in taker.taken] == [3, 2, -1]


def test_classes_without_end_are_not_remembered_without_end() -> None:
    for number in range(3000):
        kind = type(f"Made{number}", (Message,), {"action": "tell", "__annotations__": {"what": int}})
        check_body(dataclass(frozen=True)(kind)(number), 1000)
    assert len(body._FIELDS) <= 1024


def test_a_field_that_was_never_set_is_no_reason_to_fail() -> None:
    @dataclass(frozen=True, slots=True)
    class Half(Message):
        action: ClassVar[str] = "tell"
        what: int = field(init=False)

    check_body(Half(), 1000)
