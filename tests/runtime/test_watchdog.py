"""The watchdog works beside a real loop, in real time."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.watchdog import Watchdog
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from fablewright.runtime.context import Context
    from fablewright.runtime.events import Event

pytestmark = pytest.mark.anyio

PATIENCE = 0.2


@dataclass(frozen=True, slots=True)
class Block(Request[float]):
    action: ClassVar[str] = "block"
    seconds: float


@dataclass(frozen=True, slots=True)
class Wait(Request[float]):
    action: ClassVar[str] = "wait"
    seconds: float


class Blocker(Agent):
    name = "blocker"

    @handles(Block)
    async def block(self, request: Block, ctx: Context) -> float:
        began = time.monotonic()
        time.sleep(request.seconds)  # noqa: ASYNC251 - the mistake
        return began

    @handles(Wait)
    async def wait(self, request: Wait, ctx: Context) -> float:
        await asyncio.sleep(request.seconds)
        return time.monotonic()


def assert_none_is_left() -> None:
    until = time.monotonic() + 2.0
    while watchdogs() and time.monotonic() < until:
        time.sleep(0.01)
    assert watchdogs() == []


def watchdogs() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "watchdog" in thread.name]


@pytest.mark.benchmark
async def test_a_handler_that_blocks_is_named_while_it_blocks(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Event] = []
    bus = Bus(BusOptions(watchdog=PATIENCE))
    bus.register(Blocker())
    bus.observe(lambda event: seen.append(event) if event.what == "blocked" else None)
    async with bus:
        began_wall = time.time()
        assert await bus.ask("blocker", Block(4 * PATIENCE))
        await asyncio.sleep(0.05)
        [record] = [record for record in caplog.records if "held up" in record.message]
        assert "blocker.block" in record.message
        assert "test_watchdog.py" in record.message
        assert PATIENCE <= record.created - began_wall < 2 * PATIENCE
        [event] = seen
        assert event.to == "blocker"
        assert "blocker.block" in event.detail
        assert bus.statistics().loop_lag > 3 * PATIENCE


async def test_nobody_is_blamed_for_waiting_nor_for_what_many_do_together(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus(BusOptions(watchdog=PATIENCE))
    bus.register(Blocker())
    async with bus:
        await bus.ask("blocker", Wait(2 * PATIENCE))
        await asyncio.gather(*(_be_short() for _ in range(60)))  # together a second on the loop, in one turn
        await asyncio.sleep(0.05)
    assert [record.message for record in caplog.records if "held up" in record.message] == []


async def _be_short() -> None:
    time.sleep(PATIENCE / 12)  # noqa: ASYNC251 - too short to be the culprit


def test_nothing_of_it_is_left_when_the_bus_has_stopped() -> None:
    async def main() -> None:
        async with Bus(BusOptions(watchdog=PATIENCE)):
            assert len(watchdogs()) == 1

    asyncio.run(main())
    assert_none_is_left()


def test_it_ends_with_a_loop_that_was_closed_under_it() -> None:
    loop = asyncio.new_event_loop()
    watchdog = Watchdog(0.02, lambda task: task.get_name(), lambda *_: None)

    async def start() -> None:
        watchdog.start()

    loop.run_until_complete(start())
    loop.close()
    assert_none_is_left()


def test_there_is_none_in_virtual_time_and_none_when_it_is_not_wanted() -> None:
    async def main() -> None:
        async with Bus():
            assert watchdogs() == []

    run_virtual(main())

    async def unwatched() -> None:
        async with Bus(BusOptions(watchdog=None)) as bus:
            assert watchdogs() == []
            assert bus.statistics().loop_lag == 0.0

    asyncio.run(unwatched())


@pytest.mark.benchmark
def test_watching_an_idle_bus_wakes_it_a_dozen_times_a_second_for_a_hundredth_of_a_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signs = 0

    async def main() -> float:
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def count(*what: Any) -> asyncio.Handle:
            nonlocal signs
            signs += 1
            return wake(*what)

        monkeypatch.setattr(loop, "call_soon_threadsafe", count)
        async with Bus():
            await asyncio.sleep(0.1)
            began = time.process_time()
            await asyncio.sleep(3.0)
            return (time.process_time() - began) / 3.0

    share = asyncio.run(main())
    assert signs <= 1 + 3.1 / (0.75 * 0.1)  # the patience of the options is a tenth of a second
    assert share < 0.01
