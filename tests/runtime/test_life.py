"""A bus stops once, whoever wants it to, and whatever its agents and its transport do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence  # noqa: TC003 - a sample of how agents are written
from dataclasses import dataclass
from typing import ClassVar

import pytest

from fablewright.errors import ContractViolation, PeerLost, Rejected
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, Spawn, batches, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.context import Context  # noqa: TC001 - as above
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.runtime.transport import Parcel  # noqa: TC001 - as above

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Do(Request[str]):
    action: ClassVar[str] = "do"
    idempotent: ClassVar[bool] = True
    seconds: float = 0.0


class Doer(Agent):
    name = "doer"

    def __init__(self) -> None:
        self.stopped = 0

    @handles(Do)
    async def do(self, request: Do, ctx: Context) -> str:
        await asyncio.sleep(request.seconds)
        return "done"

    async def on_stop(self) -> None:
        self.stopped += 1


async def test_a_handler_may_stop_the_bus_it_runs_on() -> None:
    class Ender(Doer):
        @handles(Do)
        async def do(self, request: Do, ctx: Context) -> str:
            await bus.stop()
            return "never"

    agent = Ender()
    bus = Bus()
    bus.register(agent)
    await bus.start()
    with pytest.raises(PeerLost, match="the bus stopped"):
        await bus.ask("doer", Do())
    await bus.stop()
    assert agent.stopped == 1


async def test_whoever_stops_a_bus_that_drains_waits_until_it_has_stopped() -> None:
    agent = Doer()
    bus = Bus()
    bus.register(agent)
    await bus.start()
    asking = asyncio.gather(bus.ask("doer", Do(2.0)))
    await asyncio.sleep(0.1)
    draining = asyncio.gather(bus.stop(drain=5.0))
    await asyncio.sleep(0.1)
    await bus.stop()
    assert (await asking, agent.stopped, bus.now() < 2.1) == (["done"], 1, True)
    await draining


async def test_a_bus_that_was_stopped_while_it_started_does_not_come_to_life() -> None:
    class Slow(Doer):
        async def on_start(self, spawn: Spawn) -> None:
            await asyncio.sleep(1.0)

    bus = Bus()
    bus.register(Slow())
    starting = asyncio.gather(bus.start(), return_exceptions=True)
    await asyncio.sleep(0.5)
    await bus.stop()
    (outcome,) = await starting
    assert isinstance(outcome, ContractViolation)
    assert "stopped while it started" in str(outcome)
    with pytest.raises(Rejected):
        await bus.ask("doer", Do())


async def test_an_agent_that_does_not_stop_does_not_hold_up_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Clinging(Agent):
        name = "clinging"

        async def on_stop(self) -> None:
            await asyncio.sleep(3600.0)

    agent = Doer()
    bus = Bus()
    bus.register(Clinging())
    bus.register(agent)
    await bus.start()
    await bus.stop()
    assert bus.now() <= 10.0
    assert agent.stopped == 1
    assert "clinging did not stop" in caplog.text


@pytest.mark.parametrize("broken", ["Envelope", "Ended", "Withdraw"])
async def test_a_transport_that_raises_harms_the_one_request(broken: str) -> None:
    class Torn:
        def carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
            if self.is_torn and type(parcel).__name__ == broken:
                raise OSError("broken pipe")
            deliver()

        is_torn = True

    torn = Torn()
    bus = Bus(BusOptions(transport=torn))
    bus.register(Doer())
    async with bus:
        first = asyncio.gather(bus.ask("doer", Do(), timeout=1.0), return_exceptions=True)
        await first
        if broken == "Envelope":
            assert isinstance(first.result()[0], Rejected)
            assert bus.now() == 0.0
        torn.is_torn = False
        assert await bus.ask("doer", Do(), timeout=1.0) == "done"
        assert bus.statistics().pending == 0


async def test_a_batch_outlives_an_item_that_is_withdrawn_before_its_first_step() -> None:
    class Batcher(Agent):
        name = "doer"

        @batches(Do, max_size=2, max_wait=1.0)
        async def do(self, requests: Sequence[Do], ctx: Context) -> list[str]:
            return [f"done {request.seconds:.0f}" for request in requests]

    for steps in range(8):
        bus = Bus()
        bus.register(Batcher())
        async with bus:
            leaver = asyncio.gather(bus.ask("doer", Do(1.0)), return_exceptions=True)
            await asyncio.sleep(0.1)
            stayer = asyncio.gather(bus.ask("doer", Do(2.0), timeout=5.0))
            for _ in range(steps):
                await asyncio.sleep(0)
            leaver.cancel()
            assert await stayer == ["done 2"]
            assert bus.statistics().pending == 0


async def test_a_stop_that_ends_many_asks_is_not_taken_for_an_agent_that_is_ill() -> None:
    bus = Bus(BusOptions(policies={("doer", "do"): Policy(breaker=BreakerRules(failures=2))}))
    bus.register(Doer())
    await bus.start()
    asking = asyncio.gather(*(bus.ask("doer", Do(9.0)) for _ in range(3)), return_exceptions=True)
    await asyncio.sleep(0.1)
    await bus.stop()
    assert [type(outcome) for outcome in await asking] == [PeerLost] * 3
    with pytest.raises(Rejected, match="The bus has stopped") as refused:
        await bus.ask("doer", Do())
    assert type(refused.value) is Rejected
