"""What is told of a bus, to the millisecond: it runs in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest

from fablewright.entry.system_report import breaker_report, system_report
from fablewright.errors import RequestFailed
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy

if TYPE_CHECKING:
    from fablewright.runtime.context import Context


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Sleep(Request[str]):
    action: ClassVar[str] = "sleep"
    seconds: float


@dataclass(frozen=True, slots=True)
class Wake(Request[str]):
    action: ClassVar[str] = "wake"
    seconds: float


class Sleeper(Agent):
    name = "sleeper"
    concurrency: ClassVar[int] = 1
    mailbox_capacity: ClassVar[int] = 3

    @handles(Sleep)
    async def sleep(self, request: Sleep, _ctx: Context) -> str:
        await asyncio.sleep(request.seconds)
        return "awake"


class Waker(Agent):
    name = "waker"

    @handles(Wake)
    async def wake(self, request: Wake, ctx: Context) -> str:
        return await ctx.ask("sleeper", Sleep(request.seconds))


def a_bus() -> Bus:
    rules = BreakerRules(failures=1, reset_time=60.0)
    bus = Bus(BusOptions(policies={("sleeper", "sleep"): Policy(breaker=rules)}), node="n")
    bus.register(Sleeper())
    bus.register(Waker())
    return bus


@pytest.mark.anyio
async def test_who_waits_for_whom_and_since_when() -> None:
    async with a_bus() as bus, asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(bus.ask("waker", Wake(4.0), timeout=20.0))
        await asyncio.sleep(1.5)
        seen = system_report(bus)
        assert (seen.asked, seen.pending_count, seen.outcomes) == (4, 4, {})
        waits = [(wait.asker, wait.to, wait.action, wait.age_ms, wait.left_ms, wait.started) for wait in seen.pending]
        assert waits == [
            ("", "waker", "wake", 1500.0, 18_500.0, True),
            ("", "waker", "wake", 1500.0, 18_500.0, True),
            ("waker", "sleeper", "sleep", 1500.0, 8_500.0, True),
            ("waker", "sleeper", "sleep", 1500.0, 8_500.0, False),
        ]
        assert [wait.cause for wait in seen.pending] == ["", "", seen.pending[0].id, seen.pending[1].id]
        agents = {agent.name: (agent.waiting, agent.room, agent.running, agent.concurrency) for agent in seen.agents}
        assert agents["sleeper"] == (1, 3, 1, 1)


@pytest.mark.anyio
async def test_replies_are_in_the_bucket_that_they_took() -> None:
    async with a_bus() as bus:
        for seconds in (0.003, 0.2, 0.2, 3.0):
            await bus.ask("sleeper", Sleep(seconds), timeout=10.0)
        action = next(each for each in system_report(bus).actions if each.action == "sleep")
        assert [bucket.count for bucket in action.latency if bucket.count] == [1, 2, 1]
        assert sum(bucket.count for bucket in action.latency) == 4
        first, *_, last = action.latency
        assert first.upto_ms / 2 <= 3.0 <= first.upto_ms
        assert last.upto_ms / 2 <= 3000.0 <= last.upto_ms
        for one, other in zip(action.latency, action.latency[1:], strict=False):
            assert other.upto_ms == pytest.approx(2 * one.upto_ms, abs=0.01)
        assert action.p50_ms is not None
        assert 200.0 <= action.p50_ms <= 250.0


@pytest.mark.anyio
async def test_what_went_wrong_is_told_of_breaker_and_dead_letter() -> None:
    async with a_bus() as bus:
        with pytest.raises(RequestFailed):
            await bus.ask("sleeper", Sleep(4.0), timeout=1.0)
        bus.tell("nobody", Sleep(1.0))
        await asyncio.sleep(10.0)
        seen = system_report(bus)
        (breaker,) = seen.breakers
        assert (breaker.state, breaker.retry_ms, breaker.opened) == ("open", 50_000.0, 1)
        assert breaker.last_cause
        assert seen.dead_letters == {"undeliverable": 1}
        assert [(letter.reason, letter.what, letter.age_ms) for letter in seen.letters] == [
            ("undeliverable", "Sleep", 10_000.0)
        ]
        assert breaker_report(bus, "waker", "wake") is None
