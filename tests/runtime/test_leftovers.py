"""What policies leave behind: nothing for the cyclic collector per request, and nobody unanswered after a drain."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import FablewrightError
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.message import Request
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent

if TYPE_CHECKING:
    from fablewright.runtime.context import Context, ReplyToken

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    number: int = 0


POLICIES = {
    "bulkhead": Policy(bulkhead=50),
    "cache": Policy(cache=CacheRules(ttl=0.01, max_bytes=10_000, stale_ttl=0.01)),
    "share": Policy(share=True),
    "retry": Policy(retry=RetryRules(2, backoff=0.01)),
    "breaker": Policy(breaker=BreakerRules(failures=3, reset_time=0.05)),
    "hedge": Policy(hedge=True, attempt_timeout=0.5),
    "linger": Policy(linger=0.5, share=True, retry=RetryRules(1), attempt_timeout=0.2),
    "all": Policy(
        bulkhead=50,
        cache=CacheRules(ttl=0.01, max_bytes=10_000, stale_ttl=0.01),
        share=True,
        retry=RetryRules(2, backoff=0.01),
        breaker=BreakerRules(failures=3, reset_time=0.05),
        hedge=True,
        linger=0.5,
        attempt_timeout=0.2,
    ),
}
STEPS = {
    "reply": Reply("x"),
    "later": Reply("x", after=0.05),
    "error": Raise(OSError("no disk")),
    "expiry": Reply("x", after=60.0),
    "hang": Hang(),
    "broken contract": Reply(None),
}


async def _ask(bus: Bus, number: int) -> None:
    try:
        await bus.ask("keeper", Fetch(number), timeout=0.3)
    except FablewrightError:
        return


async def _load(bus: Bus, agent: ScriptedAgent, count: int) -> None:
    """Ask for each number three times; a third of the askers leave."""
    loop = asyncio.get_running_loop()
    for start in range(0, count, 30):
        tasks = [loop.create_task(_ask(bus, number // 3)) for number in range(start, start + 30)]
        for task in tasks[start % 3 :: 3]:
            loop.call_later(0.02, task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        del tasks, task  # their results hold what they raised
        agent.received.clear()
        agent.cancelled.clear()
        agent.tokens.clear()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("policy", POLICIES)
async def test_no_request_leaves_anything_for_the_cyclic_collector(policy: str, step: str) -> None:
    agent = ScriptedAgent("keeper", {Fetch: STEPS[step]})
    bus = Bus(BusOptions(policies={("keeper", "fetch"): POLICIES[policy]}, dead_letters=10))
    bus.register(agent)
    async with bus:
        await _load(bus, agent, 300)
        await asyncio.sleep(2.0)
        gc.collect()
        gc.disable()
        try:
            await _load(bus, agent, 1500)
            await asyncio.sleep(2.0)
            found = gc.collect()
        finally:
            gc.enable()
        assert found < 1500 / 100
        seen = bus.statistics()
        assert (seen.pending, seen.tasks) == (0, 0)
        assert seen.asked == sum(seen.outcomes.values())


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("drain", [0.0, 0.1, 5.0])
async def test_a_drain_answers_all_who_were_accepted_in_time(policy: str, drain: float) -> None:
    steps: tuple[Any, ...] = (Reply("x", after=0.05), Reply("x", after=2.0), Raise(OSError("x"), after=0.1), Hang())
    agent = ScriptedAgent("keeper", {Fetch: steps * 100})
    bus = Bus(BusOptions(policies={("keeper", "fetch"): POLICIES[policy]}))
    bus.register(agent)
    before = asyncio.all_tasks()
    await bus.start()
    loop = asyncio.get_running_loop()
    ends: Counter[str] = Counter()

    async def ask(number: int) -> None:
        try:
            ends[await bus.ask("keeper", Fetch(number), timeout=3.0)] += 1
        except FablewrightError as error:
            ends[type(error).__name__] += 1

    tasks = [loop.create_task(ask(number // 2)) for number in range(200)]
    await asyncio.sleep(0.06)
    began = bus.now()
    await bus.stop(drain=drain)
    assert bus.now() - began <= drain + 0.05
    await asyncio.sleep(0.1)  # who waited for a retry hears of the stop when it goes out
    assert all(task.done() for task in tasks)
    assert ends.total() == 200
    seen = bus.statistics()
    assert (seen.pending, seen.tasks) == (0, 0)
    assert seen.asked == sum(seen.outcomes.values())
    assert asyncio.all_tasks() == before


class Watcher:
    """Wants to know when nobody waits any more."""

    def __call__(self) -> None:
        """Take note."""


class Deferring(Agent):
    name = "deferring"

    def __init__(self) -> None:
        self.tokens: list[ReplyToken[str]] = []
        self.watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> ReplyToken[str]:
        watcher = Watcher()
        self.watchers.add(watcher)
        self.tokens.append(ctx.defer(on_withdrawn=watcher))
        return self.tokens[-1]


@pytest.mark.parametrize("end", ["answered", "dropped", "crashed", "crashed at the deadline", "stopped", "withdrawn"])
async def test_work_that_lingers_leaves_nothing_however_it_ends(end: str) -> None:
    agent = Deferring()
    bus = Bus(BusOptions(policies={("deferring", "fetch"): Policy(linger=10.0)}))
    bus.register(agent)
    async with bus:
        if end == "crashed at the deadline":
            asyncio.get_running_loop().call_at(1.0, bus.crash, "deferring")  # before the timer of the deadline
        ended = await asyncio.gather(
            *(bus.ask("deferring", Fetch(n), timeout=1.0) for n in range(3)), return_exceptions=True
        )
        assert all(isinstance(error, FablewrightError) for error in ended)
        del ended
        assert len(agent.watchers) == (0 if end == "crashed at the deadline" else 3)
        if end == "answered":
            for token in agent.tokens:
                token.answer("late")
        elif end == "crashed":
            bus.crash("deferring")
        elif end == "stopped":
            await bus.stop()
        elif end == "withdrawn":
            await asyncio.sleep(10.0)
        agent.tokens.clear()
        await asyncio.sleep(0.1)
        assert len(agent.watchers) == 0
