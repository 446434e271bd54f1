from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest

from fablewright import Bus, DeadlineExceeded, RemoteError, Request
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Ping(Request[str]):
    action: ClassVar[str] = "ping"
    text: str = "ping"


async def test_it_plays_its_script_and_repeats_the_last_step() -> None:
    steps = (Reply("first", after=1.0), Raise(OSError("second")), Reply(lambda message: message.text.upper()))
    agent = ScriptedAgent("peer", {Ping: steps})
    bus = Bus()
    bus.register(agent)
    async with bus:
        assert await bus.ask("peer", Ping()) == "first"
        assert bus.now() == pytest.approx(1.0)
        with pytest.raises(RemoteError, match="second"):
            await bus.ask("peer", Ping())
        assert [await bus.ask("peer", Ping(text)) for text in ("a", "b")] == ["A", "B"]
    assert len(agent.received) == 4


async def test_two_with_different_names_live_on_one_bus() -> None:
    bus = Bus()
    bus.register(ScriptedAgent("one", {Ping: Reply("1")}))
    bus.register(ScriptedAgent("two", {Ping: Reply("2")}))
    async with bus:
        assert await asyncio.gather(bus.ask("one", Ping()), bus.ask("two", Ping())) == ["1", "2"]


async def test_what_hangs_can_be_answered_late_and_what_is_withdrawn_is_noted() -> None:
    hanging = ScriptedAgent("hanging", {Ping: Hang()})
    slow = ScriptedAgent("slow", {Ping: Reply("late", after=60.0)})
    bus = Bus()
    bus.register(hanging)
    bus.register(slow)
    async with bus:
        for name in ("hanging", "slow"):
            with pytest.raises(DeadlineExceeded):
                await bus.ask(name, Ping(), timeout=1.0)
        hanging.tokens[0].answer("at last")
        assert [letter.body for letter in bus.dead_letters()] == ["at last"]
        await asyncio.sleep(0)
    assert slow.cancelled == [Ping()]
