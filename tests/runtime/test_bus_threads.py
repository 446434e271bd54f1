"""What happens between threads runs on a real loop."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import ContractViolation, DeadlineExceeded
from fablewright.protocol.message import Request, StreamRequest
from fablewright.runtime.agent import Agent, handles, streams
from fablewright.runtime.bus import Bus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from fablewright.runtime.context import Context, ReplyToken

pytestmark = pytest.mark.anyio


class Work(Request[str]):
    action = "work"


class Count(StreamRequest[int]):
    action = "count"


class Silent(Agent):
    """Answers nothing in time, and that at length."""

    name = "silent"

    @handles(Work)
    async def work(self, request: Work, ctx: Context) -> str:
        await asyncio.sleep(60.0)
        return "late"

    @streams(Count)
    async def count(self, request: Count, ctx: Context) -> AsyncIterator[int]:
        yield 1


class Outsourced(Agent):
    """Has its answer given by a thread that knows no loop."""

    name = "outsourced"

    @handles(Work)
    async def work(self, request: Work, ctx: Context) -> ReplyToken[str]:
        token = ctx.defer()
        threading.Thread(target=self.think, args=(token,), daemon=True).start()
        return token

    def think(self, token: ReplyToken[str]) -> None:
        time.sleep(0.05)
        assert token.wanted
        token.answer("thought of")


async def test_a_token_can_be_answered_from_another_thread() -> None:
    bus = Bus()
    bus.register(Outsourced())
    async with bus:
        async with asyncio.timeout(2.0):
            assert await bus.ask("outsourced", Work(), timeout=60.0) == "thought of"


async def test_a_token_that_outlives_its_bus_harms_nobody() -> None:
    kept: list[ReplyToken[str]] = []

    class Keeper(Agent):
        name = "keeper"

        @handles(Work)
        async def work(self, request: Work, ctx: Context) -> ReplyToken[str]:
            kept.append(ctx.defer())
            return kept[0]

    bus = Bus()
    bus.register(Keeper())
    await bus.start()
    asking = asyncio.gather(bus.ask("keeper", Work()), return_exceptions=True)
    await asyncio.sleep(0.01)
    await bus.stop()
    await asking
    assert not kept[0].wanted
    kept.pop().answer("nobody is there")


async def in_another_loop(work: Awaitable[object]) -> object:
    async def alone() -> object:
        return await work

    return await asyncio.to_thread(asyncio.run, alone())


async def test_who_asks_from_another_event_loop_is_told_and_every_deadline_holds_after_it() -> None:
    bus = Bus()
    bus.register(Silent())
    async with bus:
        for foreign in (bus.ask("silent", Work(), timeout=0.05), anext(bus.ask_stream("silent", Count()))):
            with pytest.raises(ContractViolation, match="another event loop; from here, use `ask_from_thread`"):
                await in_another_loop(foreign)
        assert bus.statistics().asked == 0
        async with asyncio.timeout(2.0):
            with pytest.raises(DeadlineExceeded):
                await bus.ask("silent", Work(), timeout=0.1)


def test_a_bus_that_was_left_running_on_a_loop_that_ended_says_so() -> None:
    bus = Bus()
    bus.register(Silent())
    asyncio.run(bus.start())
    with pytest.raises(ContractViolation, match="another event loop"):
        asyncio.run(bus.ask("silent", Work(), timeout=0.1))
