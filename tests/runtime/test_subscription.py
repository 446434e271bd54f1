from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from fablewright.runtime.context import Context
    from fablewright.runtime.subscription import Subscription

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class News(Message):
    action: ClassVar[str] = "news"
    number: int = 0


@dataclass(frozen=True, slots=True)
class GoodNews(News):
    action: ClassVar[str] = "good_news"


@dataclass(frozen=True, slots=True)
class Spread(Request[int]):
    action: ClassVar[str] = "spread"
    number: int


class Listener(Agent):
    name = "listener"

    def __init__(self, name: str = "listener", seconds: float = 0.0) -> None:
        self.name = name  # type: ignore[misc]  # an instance of this class is what elsewhere is a class
        self.seconds = seconds
        self.numbers: list[int] = []

    @hears(News)
    async def news(self, message: News, ctx: Context) -> None:
        self.numbers.append(message.number)
        await asyncio.sleep(self.seconds)

    @handles(Spread)
    async def spread(self, request: Spread, ctx: Context) -> int:
        return ctx.publish(News(request.number)) or -1


async def read(subscription: Subscription[News]) -> list[int]:
    return [message.number async for message in subscription]


async def test_all_who_hear_it_get_it_and_its_sender_does_not() -> None:
    listeners = [Listener(name) for name in ("ann", "bob", "eve")]
    bus = Bus()
    for listener in listeners:
        bus.register(listener)
    async with bus:
        with bus.subscribe(News) as news:
            assert await bus.ask("ann", Spread(7)) == 3
            await asyncio.sleep(0)
            assert [listener.numbers for listener in listeners] == [[], [7], [7]]
            assert news.take() == News(7)
            assert news.take() is None
        assert bus.publish(News(8)) == 3
        await asyncio.sleep(0)
        assert [listener.numbers for listener in listeners] == [[8], [7, 8], [7, 8]]


async def test_a_subscription_gets_what_is_of_its_kind_or_a_special_case_of_it() -> None:
    async with Bus() as bus:
        with bus.subscribe(News) as news, bus.subscribe(GoodNews) as good, bus.subscribe(Message) as everything:
            assert bus.publish(News(1)) == 2
            assert bus.publish(GoodNews(2)) == 3
            assert (news.take(), news.take(), news.take()) == (News(1), GoodNews(2), None)
            assert (good.take(), good.take()) == (GoodNews(2), None)
            assert (everything.take(), everything.take()) == (News(1), GoodNews(2))
        assert bus.publish(News(3)) == 0


@given(limit=st.integers(1, 5), steps=st.lists(st.booleans(), max_size=30))
def test_what_is_too_much_pushes_the_oldest_out_and_is_counted(limit: int, steps: list[bool]) -> None:
    async def main() -> None:
        async with Bus() as bus:
            subscription = bus.subscribe(News, limit=limit)
            kept: list[int] = []
            dropped = 0
            for number, is_put in enumerate(steps):
                if is_put:
                    bus.publish(News(number))
                    kept.append(number)
                    if len(kept) > limit:
                        dropped += 1
                        kept.pop(0)
                else:
                    message = subscription.take()
                    assert (None if message is None else message.number) == (kept.pop(0) if kept else None)
            assert subscription.dropped == dropped
            assert f"dropped={dropped}" in repr(subscription)

    run_virtual(main())


async def test_reading_ends_with_the_bus_and_what_had_come_is_read_before() -> None:
    bus = Bus()
    await bus.start()
    waiting = asyncio.gather(read(bus.subscribe(News)))
    unread = bus.subscribe(News)
    await asyncio.sleep(1.0)
    bus.publish(News(1))
    await bus.stop()
    assert await waiting == [[1]]
    assert await read(unread) == [1]
    assert await read(bus.subscribe(News)) == []  # made when it was over


async def test_leaving_in_the_middle_disturbs_nobody() -> None:
    async with Bus() as bus:
        first, second = bus.subscribe(News), bus.subscribe(News)

        async def leave_at_once() -> None:
            async for _ in first:
                first.close()
                first.close()

        reading = asyncio.gather(leave_at_once(), read(second))
        await asyncio.sleep(1.0)
        assert bus.publish(News(1)) == 2
        await asyncio.sleep(0)
        assert bus.publish(News(2)) == 1
        second.close()
        assert await reading == [None, [1, 2]]
        assert len(bus._dispatch.subscriptions) == 0


async def test_a_reader_that_is_cancelled_loses_nothing() -> None:
    async with Bus() as bus:
        news = bus.subscribe(News)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await anext(news)
        bus.publish(News(1))
        assert await anext(news) == News(1)


async def test_a_second_reader_is_told_so_and_the_first_reads_on() -> None:
    async with Bus() as bus:
        news = bus.subscribe(News)
        first = asyncio.gather(anext(news))
        await asyncio.sleep(0)
        with pytest.raises(ContractViolation, match="reads this subscription already"):
            await anext(news)
        bus.publish(News(1))
        assert await first == [News(1)]


async def test_a_hearer_without_room_loses_its_own_and_nobody_elses() -> None:
    class Narrow(Listener):
        mailbox_capacity = 1
        concurrency = 1

    narrow, wide = Narrow("narrow", seconds=60.0), Listener("wide")
    bus = Bus()
    bus.register(narrow)
    bus.register(wide)
    async with bus:
        for number in range(4):
            bus.publish(News(number))
            await asyncio.sleep(0)
        assert wide.numbers == [0, 1, 2, 3]
        assert [(letter.reason, letter.body) for letter in bus.dead_letters()] == [
            (Reason.UNDELIVERABLE, News(2)),
            (Reason.UNDELIVERABLE, News(3)),
        ]


@pytest.mark.parametrize("limit", [0, -1])
async def test_room_for_nothing_is_refused(limit: int) -> None:
    with pytest.raises(ContractViolation, match="at least 1 message"):
        Bus().subscribe(News, limit=limit)


async def test_a_bus_that_does_not_run_yet_publishes_nothing() -> None:
    with pytest.raises(ContractViolation, match="not running"):
        Bus().publish(News(1))
