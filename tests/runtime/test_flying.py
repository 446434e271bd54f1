"""Single-flight on the bus: I16, and what it owes to I1 and I7."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import (
    BulkheadFull,
    CircuitOpen,
    ContractViolation,
    DeadlineExceeded,
    FablewrightError,
    PeerLost,
    RemoteError,
    WouldDeadlock,
)
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.message import Request
from fablewright.protocol.pending import Outcome
from fablewright.protocol.retry import RetryRules
from fablewright.protocol.size import NotData
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Raise, Reply, ScriptedAgent
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fablewright.runtime.context import Context
    from fablewright.runtime.guard import Guard

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    what: str = "documents"


KEY = ("keeper", "fetch")


def bus_with(agent: Agent, **policy: Any) -> Bus:
    bus = Bus(BusOptions(policies={KEY: Policy(share=True, **policy)}, draw=lambda: 0.5))
    bus.register(agent)
    return bus


def keeper(*steps: Any) -> ScriptedAgent:
    return ScriptedAgent("keeper", {Fetch: steps})


def guard_of(bus: Bus) -> Guard:
    return bus._dispatch.routes.known[KEY].guard  # type: ignore[return-value]  # a route knows its guard by a protocol only


async def quiet(bus: Bus) -> None:
    """Nothing is left of any flight, and every ask is accounted for."""
    for _ in range(5):
        await asyncio.sleep(0)
    guard = guard_of(bus)
    assert guard.flying is not None
    assert guard.inside == 0
    assert len(guard.flying.flights) == 0
    assert guard.flying._keys == {}
    assert guard.flying._sent == {}
    assert guard.flying._tasks == {}
    seen = bus.statistics()
    assert (seen.pending, seen.tasks) == (0, 0)
    assert seen.asked == sum(seen.outcomes.values())
    assert [agent.running for agent in seen.agents.values()] == [0] * len(seen.agents)


def asks(bus: Bus, count: int, **more: Any) -> list[asyncio.Task[str]]:
    return [asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(), **more)) for _ in range(count)]


async def ends(tasks: list[asyncio.Task[str]]) -> list[object]:
    return list(await asyncio.gather(*tasks, return_exceptions=True))


# ------------------------------------------------------------------ shared once


async def test_a_thousand_equal_asks_are_handled_once() -> None:
    agent = keeper(Reply("three documents", after=1.0))
    async with bus_with(agent) as bus:
        assert await ends(asks(bus, 1000)) == ["three documents"] * 1000
        assert len(agent.received) == 1
        seen = bus.statistics()
        assert seen.actions[KEY].joined == 999
        assert seen.outcomes == {Outcome.REPLIED: 1000}
        await quiet(bus)


async def test_other_requests_are_not_shared() -> None:
    agent = keeper(Reply(lambda message: message.what, after=1.0))
    async with bus_with(agent) as bus:
        found = await asyncio.gather(*(bus.ask("keeper", Fetch(str(n % 7))) for n in range(70)))
        assert found == [str(n % 7) for n in range(70)]
        assert Counter(message.what for message in agent.received) == {str(n): 1 for n in range(7)}
        await quiet(bus)


async def test_who_asks_after_the_landing_starts_a_new_flight() -> None:
    agent = keeper(Reply("one", after=1.0), Reply("two", after=1.0))
    async with bus_with(agent) as bus:
        assert await bus.ask("keeper", Fetch()) == "one"
        assert await bus.ask("keeper", Fetch()) == "two"
        await quiet(bus)


async def test_an_error_is_met_once_and_each_asker_raises_its_own() -> None:
    agent = keeper(Raise(OSError("no disk"), after=1.0))
    async with bus_with(agent) as bus:
        errors = await ends(asks(bus, 50))
        assert len(agent.received) == 1
        assert {type(error) for error in errors} == {RemoteError}
        assert {str(error) for error in errors} == {"keeper failed on fetch: OSError: no disk"}
        assert len({id(error) for error in errors}) == 50
        traces = [error.__traceback__ for error in errors if isinstance(error, RemoteError)]
        assert len({id(trace) for trace in traces}) == 50
        assert all(isinstance(error, RemoteError) and isinstance(error.__cause__, OSError) for error in errors)
        await quiet(bus)


async def test_what_is_refused_at_once_leaves_no_flight() -> None:
    agent = keeper(Raise(OSError("no disk")))
    async with bus_with(agent, breaker=BreakerRules(failures=1), bulkhead=2) as bus:
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        kinds = [type(end) for end in await ends(asks(bus, 5))]
        assert set(kinds) == {CircuitOpen}  # each before the next asks, so that none finds the bulkhead full
        assert len(agent.received) == 1
        await quiet(bus)


async def test_those_who_wait_for_a_flight_fill_the_bulkhead_too() -> None:
    agent = keeper(Reply("three documents", after=1.0))
    async with bus_with(agent, bulkhead=3) as bus:
        kinds = Counter(type(end) for end in await ends(asks(bus, 5)))
        assert kinds == {str: 3, BulkheadFull: 2}
        await quiet(bus)


async def test_a_retry_happens_once_for_all() -> None:
    agent = keeper(Raise(OSError("once"), after=1.0), Reply("three documents"))
    async with bus_with(agent, retry=RetryRules(2)) as bus:
        assert await ends(asks(bus, 20)) == ["three documents"] * 20
        assert len(agent.received) == 2
        await quiet(bus)


# ------------------------------------------------------------------ leaving


async def cancelled(bus: Bus, agent: ScriptedAgent, who: slice, *, count: int = 10) -> list[object]:
    """Let some of those who share a flight be cancelled half way; return how all ended."""
    tasks = asks(bus, count)
    await asyncio.sleep(0.5)
    for task in tasks[who]:
        task.cancel()
    await asyncio.sleep(0.1)
    assert len(agent.received) == 1
    return await ends(tasks)


@pytest.mark.parametrize("who", [slice(0, 1), slice(1, 2), slice(0, 9), slice(3, 8), slice(1, 10)])
async def test_who_leaves_harms_nobody(who: slice) -> None:
    agent = keeper(Reply("three documents", after=1.0))
    async with bus_with(agent) as bus:
        results = await cancelled(bus, agent, who)
        stayed = [end for n, end in enumerate(results) if n not in range(*who.indices(10))]
        assert stayed == ["three documents"] * len(stayed)
        assert all(isinstance(end, asyncio.CancelledError) for end in results[who])
        assert bus.now() == pytest.approx(1.0)
        assert len(agent.received) == 1
        assert agent.cancelled == []
        await quiet(bus)


@pytest.mark.parametrize("order", ["as they came", "the first one last", "backwards"])
async def test_when_the_last_one_leaves_the_work_is_stopped(order: str) -> None:
    agent = keeper(Reply("three documents", after=60.0))
    async with bus_with(agent) as bus:
        tasks = asks(bus, 10)
        await asyncio.sleep(0.5)
        if order == "backwards":
            tasks.reverse()
        if order == "the first one last":
            tasks.append(tasks.pop(0))
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0.05)
        assert len(agent.cancelled) == 1
        assert all(task.cancelled() for task in tasks)
        await quiet(bus)
        # The next to ask is not told of the flight that everybody left.
        agent.received.clear()
        again = asks(bus, 1, timeout=100.0)
        assert await ends(again) == ["three documents"]
        assert len(agent.received) == 1
        await quiet(bus)


async def test_they_leave_one_after_the_other_and_the_work_stops_with_the_last() -> None:
    agent = keeper(Reply("three documents", after=60.0))
    async with bus_with(agent) as bus:
        tasks = asks(bus, 5)
        for task in tasks:
            await asyncio.sleep(0.5)
            assert agent.cancelled == []
            task.cancel()
        await asyncio.sleep(0.05)
        assert len(agent.cancelled) == 1
        await quiet(bus)


async def test_the_first_may_leave_while_a_retry_waits() -> None:
    agent = keeper(Raise(OSError("once"), after=1.0), Reply("three documents", after=1.0))
    async with bus_with(agent, retry=RetryRules(2, backoff=1.0)) as bus:
        tasks = asks(bus, 3)
        await asyncio.sleep(1.25)  # failed once; the second attempt goes out at 1.5 s
        tasks[0].cancel()
        assert (await ends(tasks))[1:] == ["three documents"] * 2
        assert len(agent.received) == 2
        assert bus.now() == pytest.approx(2.5)
        await quiet(bus)


async def test_the_first_may_leave_as_the_reply_comes() -> None:
    agent = keeper(Reply("three documents", after=1.0))
    async with bus_with(agent) as bus:
        tasks = asks(bus, 3)
        await asyncio.sleep(1.0)  # the handler is woken at this very instant
        tasks[0].cancel()
        assert (await ends(tasks))[1:] == ["three documents"] * 2
        assert len(agent.received) == 1
        await quiet(bus)


@pytest.mark.parametrize("seed", range(40))
def test_whoever_is_cancelled_whenever_each_ask_has_one_end(seed: int) -> None:
    """All at one instant, in shuffled order: asks, the reply, an error, cancellations, a deadline."""

    async def play() -> None:
        step = Raise(OSError("no disk"), after=1.0) if seed % 3 == 0 else Reply("three documents", after=1.0)
        agent = keeper(step)
        async with bus_with(agent, retry=RetryRules(seed % 2, backoff=2.0)) as bus:
            loop = asyncio.get_running_loop()
            tasks = asks(bus, 4, timeout=1.0) + asks(bus, 4, timeout=2.0) + asks(bus, 4, timeout=9.0)
            for n, task in enumerate(tasks):
                if (seed >> n % 5) & 1:
                    loop.call_at(1.0, task.cancel)
            loop.call_at(1.0, lambda: tasks.extend(asks(bus, 3, timeout=9.0)))
            await asyncio.sleep(1.5)
            for end in await ends(tasks):
                assert isinstance(end, str | FablewrightError | asyncio.CancelledError)
                assert not isinstance(end, PeerLost)
            await quiet(bus)

    run_virtual(play(), seed=seed)


# ------------------------------------------------------------------ deadlines


async def test_each_keeps_its_own_deadline_and_who_has_more_time_gets_more_work() -> None:
    agent = keeper(Reply("three documents", after=5.0))
    async with bus_with(agent) as bus:
        patient = asks(bus, 1, timeout=2.0)
        await asyncio.sleep(0)
        short, long = asks(bus, 3, timeout=1.0), asks(bus, 3, timeout=20.0)
        for task in short:
            with pytest.raises(DeadlineExceeded):
                await task
            assert bus.now() == pytest.approx(1.0)
        with pytest.raises(DeadlineExceeded):
            await patient[0]
        assert bus.now() == pytest.approx(2.0)
        assert await ends(long) == ["three documents"] * 3
        assert bus.now() == pytest.approx(7.0)
        assert len(agent.received) == 2
        assert len(agent.cancelled) == 1
        await quiet(bus)


async def test_the_second_flight_stops_when_all_leave_it() -> None:
    agent = keeper(Reply("three documents", after=50.0))
    async with bus_with(agent) as bus:
        first, others = asks(bus, 1, timeout=1.0), asks(bus, 3, timeout=60.0)
        await asyncio.sleep(1.5)
        assert len(agent.received) == 2
        for task in others:
            task.cancel()
        await asyncio.sleep(0.05)
        assert len(agent.cancelled) == 2
        assert isinstance((await ends(first))[0], DeadlineExceeded)
        await quiet(bus)


async def test_the_first_is_cancelled_and_the_others_expire() -> None:
    agent = keeper(Reply("three documents", after=50.0))
    async with bus_with(agent) as bus:
        tasks = asks(bus, 3, timeout=1.0)
        await asyncio.sleep(0.5)
        tasks[0].cancel()
        results = await ends(tasks)
        assert [type(end) for end in results] == [asyncio.CancelledError, DeadlineExceeded, DeadlineExceeded]
        assert bus.now() == pytest.approx(1.0)
        assert len(agent.cancelled) == 1
        await quiet(bus)


async def test_attempts_that_time_out_fail_the_flight_for_all_at_once() -> None:
    agent = keeper(Reply("three documents", after=50.0))
    async with bus_with(agent, attempt_timeout=1.0) as bus:
        results = await ends(asks(bus, 4, timeout=10.0))
        assert [type(end) for end in results] == [DeadlineExceeded] * 4
        assert len({id(end) for end in results}) == 4
        assert bus.now() == pytest.approx(1.0)
        await quiet(bus)


async def test_no_time_at_all() -> None:
    agent = keeper(Reply("three documents", after=1.0))
    async with bus_with(agent) as bus:
        first = asks(bus, 1)
        await asyncio.sleep(0.1)
        results = await ends(asks(bus, 3, timeout=0.0))
        assert [type(end) for end in results] == [DeadlineExceeded] * 3
        assert await ends(first) == ["three documents"]
        await quiet(bus)


# ------------------------------------------------------------------ losing the agent, stopping


async def test_a_crash_is_told_to_all_at_once_and_only_once_each() -> None:
    agent = keeper(Reply("three documents", after=50.0))
    async with bus_with(agent) as bus:
        tasks = asks(bus, 10)
        await asyncio.sleep(1.0)
        bus.crash("keeper", "somebody stumbled")
        results = await ends(tasks)
        assert [type(end) for end in results] == [PeerLost] * 10
        assert bus.now() == pytest.approx(1.0)
        await asyncio.sleep(0.1)
        await quiet(bus)


@pytest.mark.parametrize("first_leaves", [False, True])
async def test_stopping_the_bus_ends_every_flight(first_leaves: bool) -> None:
    agent = keeper(Reply("three documents", after=50.0))
    bus = bus_with(agent)
    await bus.start()
    tasks = asks(bus, 10, timeout=60.0)
    await asyncio.sleep(1.0)
    if first_leaves:
        tasks[0].cancel()
        await asyncio.sleep(0.1)
    await bus.stop()
    kinds = [type(end) for end in await ends(tasks)]
    assert kinds == [asyncio.CancelledError if first_leaves else PeerLost] + [PeerLost] * 9
    await quiet(bus)


# ------------------------------------------------------------------ what may not be shared


async def test_only_idempotent_requests_with_a_key_are_shared() -> None:
    @dataclass(frozen=True)
    class Once(Request[str]):
        action: ClassVar[str] = "once"

    @dataclass(frozen=True)
    class Listed(Request[str]):
        action: ClassVar[str] = "listed"
        idempotent: ClassVar[bool] = True
        names: tuple[list[str], ...] = ([],)

    agent = ScriptedAgent("keeper", {Once: Reply("x"), Listed: Reply("x")})
    policy = Policy(share=True, cache=CacheRules(ttl=1.0))
    bus = Bus(BusOptions(policies={("keeper", "once"): policy, ("keeper", "listed"): policy}))
    bus.register(agent)
    async with bus:
        with pytest.raises(ContractViolation, match="not idempotent"):
            await bus.ask("keeper", Once())
        with pytest.raises(ContractViolation, match="key"):
            await bus.ask("keeper", Listed())
        assert agent.received == []
        assert bus.statistics().asked == 0
        assert bus._dispatch.routes.known["keeper", "once"].guard is not None
        assert bus._dispatch.routes.known["keeper", "once"].guard.inside == 0


class Asker(Agent):
    """Asks itself for the very thing that it is asked for."""

    name = "keeper"

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> str:
        return await ctx.ask("keeper", request)


class Reentrant(Asker):
    """May be asked by itself, and gives in at last."""

    reentrant = True

    def __init__(self) -> None:
        self.depth = 0

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> str:
        self.depth += 1
        return "bottom" if self.depth > 3 else await ctx.ask("keeper", request)


async def test_nobody_waits_for_a_flight_that_waits_for_him() -> None:
    async with bus_with(Asker()) as bus:
        with pytest.raises(RemoteError) as caught:
            await bus.ask("keeper", Fetch(), timeout=60.0)
        assert isinstance(caught.value.__cause__, WouldDeadlock)
        assert bus.now() == 0.0
        await quiet(bus)


async def test_a_reentrant_agent_is_asked_again_and_not_joined_to_itself() -> None:
    async with bus_with(Reentrant()) as bus:
        assert await bus.ask("keeper", Fetch(), timeout=60.0) == "bottom"
        assert bus.now() == 0.0
        await quiet(bus)


# ------------------------------------------------------------------ what is left behind


class Marker:
    """Something that can be watched going away; all of them are equal."""

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Marker)


async def _all(bus: Bus, marker: Marker) -> None:
    await asyncio.gather(*(bus.ask("keeper", Fetch(marker), timeout=2.0) for _ in range(3)), return_exceptions=True)  # type: ignore[arg-type]  # anything can travel in process


async def _first_cancelled(bus: Bus, marker: Marker, *, all_of_them: bool = False) -> None:
    tasks = [asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(marker), timeout=2.0)) for _ in range(3)]  # type: ignore[arg-type]  # as above
    await asyncio.sleep(0.5)
    for task in tasks if all_of_them else tasks[:1]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("step", [Reply("x", after=1.0), Raise(OSError("x"), after=1.0), Reply("x", after=9.0)])
@pytest.mark.parametrize("load", [_all, _first_cancelled, partial(_first_cancelled, all_of_them=True)])
async def test_a_flight_leaves_nothing_for_the_cyclic_collector(
    step: Any, load: Callable[[Bus, Marker], Coroutine[Any, Any, None]]
) -> None:
    agent = keeper(step)
    async with bus_with(agent) as bus:
        gc.collect()
        gc.disable()
        try:
            watched = weakref.ref(marker := Marker())
            await load(bus, marker)
            await asyncio.sleep(1.0)
            agent.received.clear()
            agent.cancelled.clear()
            del marker
            assert watched() is None
        finally:
            gc.enable()
        await quiet(bus)


async def test_all_are_told_alike_that_a_reply_cannot_be_kept() -> None:
    async with bus_with(keeper(Reply(object())), cache=CacheRules(ttl=1.0)) as bus:
        errors = await asyncio.gather(*asks(bus, 3), return_exceptions=True)
        assert [str(error) for error in errors] == [
            "reply of keeper.fetch is an object; a message holds plain data only."
        ] * 3
        assert all(isinstance(error, NotData) and error.kind is object for error in errors)
        assert len({id(error) for error in errors}) == 3
        await quiet(bus)
