"""What happens between threads runs on a real loop."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus

if TYPE_CHECKING:
    from fablewright.runtime.context import Context, ReplyToken

pytestmark = pytest.mark.anyio


class Work(Request[str]):
    action = "work"


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
