"""What becomes of an open circuit when its dependency is well again before its time is over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import CircuitOpen, ContractViolation, RemoteError
from fablewright.protocol.breaker import BreakerRules, State
from fablewright.protocol.message import Request
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, HealthCheck, Policy
from fablewright.testing.fakes import Raise, Reply, ScriptedAgent

if TYPE_CHECKING:
    from fablewright.protocol.breaker import Breaker

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    what: str = "documents"


@dataclass(frozen=True, slots=True)
class Spend(Request[str]):
    action: ClassVar[str] = "fetch"


DOWN, UP = Raise(OSError("down")), Reply("up")
CHECK = HealthCheck(Fetch("are you well?"), every=2.0, timeout=1.0)


def bus_with(agent: ScriptedAgent, **policy: Any) -> Bus:
    rules: dict[str, Any] = {"breaker": BreakerRules(1, 60.0), "health": CHECK, **policy}
    bus = Bus(BusOptions(policies={("keeper", "fetch"): Policy(**rules)}))
    bus.register(agent)
    return bus


def breaker_of(bus: Bus) -> Breaker:
    breaker = bus.breaker("keeper", "fetch")
    assert breaker is not None
    return breaker


async def opened(bus: Bus) -> None:
    with pytest.raises(RemoteError):
        await bus.ask("keeper", Fetch())
    with pytest.raises(CircuitOpen):
        await bus.ask("keeper", Fetch())


async def test_the_first_reply_lets_the_next_caller_close_it() -> None:
    agent = ScriptedAgent("keeper", {Fetch: (DOWN, DOWN, DOWN, UP)})
    async with bus_with(agent) as bus:
        await opened(bus)
        await asyncio.sleep(5.9)  # at 2 and 4 s it is down still
        with pytest.raises(CircuitOpen):
            await bus.ask("keeper", Fetch())
        await asyncio.sleep(0.2)
        assert [each.what for each in agent.received] == ["documents", *["are you well?"] * 3]
        assert await bus.ask("keeper", Fetch()) == "up"
        assert breaker_of(bus).state is State.CLOSED
        await asyncio.sleep(100.0)
        assert len(agent.received) == 5  # nobody looks after who is well
        assert bus.statistics().tasks == 0


async def test_who_does_not_answer_in_time_is_not_well() -> None:
    agent = ScriptedAgent("keeper", {Fetch: (DOWN, Reply("too late", after=5.0), Reply("again", after=5.0), UP)})
    async with bus_with(agent) as bus:
        await opened(bus)
        await asyncio.sleep(7.9)  # at 2 and at 5 s, for a second each
        with pytest.raises(CircuitOpen):
            await bus.ask("keeper", Fetch())
        await asyncio.sleep(0.2)
        assert await bus.ask("keeper", Fetch()) == "up"


async def test_when_the_probe_fails_it_is_looked_after_again() -> None:
    agent = ScriptedAgent("keeper", {Fetch: (DOWN, UP, DOWN, UP)})
    async with bus_with(agent) as bus:
        await opened(bus)
        await asyncio.sleep(2.1)
        await opened(bus)
        await asyncio.sleep(2.1)
        assert await bus.ask("keeper", Fetch()) == "up"
        assert breaker_of(bus).state is State.CLOSED


async def test_it_is_left_alone_when_its_open_time_is_over_or_it_was_switched_by_hand() -> None:
    agent = ScriptedAgent("keeper", {Fetch: DOWN})
    async with bus_with(agent, breaker=BreakerRules(1, 3.0)) as bus:
        await opened(bus)
        await asyncio.sleep(3.5)
        breaker_of(bus).force_open(bus.now())
        await asyncio.sleep(100.0)
        assert [each.what for each in agent.received] == ["documents", "are you well?"]
        assert bus.statistics().tasks == 0


async def test_a_bus_that_stops_asks_no_more() -> None:
    agent = ScriptedAgent("keeper", {Fetch: DOWN})
    async with bus_with(agent) as bus:
        await opened(bus)
        assert bus.statistics().tasks == 1
    assert bus.statistics().tasks == 0
    await asyncio.sleep(10.0)
    assert len(agent.received) == 1


def test_what_makes_no_sense_is_refused_where_it_is_written() -> None:
    for times in ({"every": 0.0}, {"timeout": 0.0}, {"every": float("inf")}, {"timeout": float("nan")}):
        with pytest.raises(ContractViolation, match="finite numbers of seconds"):
            HealthCheck(Fetch(), **times)
    with pytest.raises(ContractViolation, match="must be idempotent"):
        HealthCheck(Spend())
    with pytest.raises(ContractViolation, match="without a breaker"):
        Policy(health=CHECK)
