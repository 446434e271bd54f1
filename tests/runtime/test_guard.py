"""What a policy puts around an ask: the bulkhead and the cache, on the bus."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import BulkheadFull, ContractViolation, DeadlineExceeded, FablewrightError, RemoteError
from fablewright.protocol.cache import ENTRY_OVERHEAD, CacheRules
from fablewright.protocol.message import Request
from fablewright.protocol.pending import Outcome
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent

if TYPE_CHECKING:
    from collections.abc import Hashable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Passages:
    text: str
    stale_for: float | None = None


@dataclass(frozen=True, slots=True)
class Fetch(Request[Passages]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    what: str = "documents"
    page: int = 0  # no part of the key

    def key(self) -> Hashable:
        return self.what

    def mark_stale(self, reply: Passages, age: float) -> Passages:
        return replace(reply, stale_for=age)


KEY = ("keeper", "fetch")


def keeper(*steps: Any) -> ScriptedAgent:
    return ScriptedAgent("keeper", {Fetch: steps})


def bus_with(agent: ScriptedAgent, **policy: Any) -> Bus:
    bus = Bus(BusOptions(policies={KEY: Policy(**policy)}, draw=lambda: 0.5))
    bus.register(agent)
    return bus


def inside(bus: Bus) -> int:
    guard = bus._dispatch.routes.known[KEY].guard
    assert guard is not None
    return guard.inside


def numbered() -> ScriptedAgent:
    """Replies "1", then "2", and so on."""
    counted: list[str] = []

    def count(_: object) -> Passages:
        counted.append("x")
        return Passages(str(len(counted)))

    return keeper(Reply(count))


# ------------------------------------------------------------------ bulkhead


async def test_exactly_as_many_get_in_as_there_is_room_for_and_the_others_hear_at_once() -> None:
    agent = keeper(Reply(Passages("x"), after=1.0))
    async with bus_with(agent, bulkhead=5) as bus:
        tasks = [asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch())) for _ in range(1000)]
        began = time.perf_counter()
        await asyncio.sleep(0.5)
        took = time.perf_counter() - began
        shed = [task for task in tasks if task.done()]
        assert len(shed) == 995
        assert {type(task.exception()) for task in shed} == {BulkheadFull}
        assert took / 995 < 0.001
        assert inside(bus) == 5
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(agent.received) == 5
        assert inside(bus) == 0
        assert bus.statistics().actions[KEY].shed == 995
        assert bus.statistics().asked == 5  # what is shed is never sent
        error = shed[0].exception()
        assert isinstance(error, BulkheadFull)
        assert (error.to, error.action) == KEY


@pytest.mark.parametrize("how", ["reply", "error", "expiry", "cancel", "crash", "broken contract", "refusal", "stale"])
async def test_a_place_comes_free_however_an_ask_ends(how: str) -> None:
    step = {"error": Raise(OSError("x")), "refusal": Raise(OSError("x")), "broken contract": Reply(None)}
    slow = Reply(Passages("x"), after=0.0 if how == "reply" else 60.0)
    rules = CacheRules(ttl=0.1, stale_ttl=60.0) if how == "stale" else None
    async with bus_with(keeper(step.get(how, slow)), bulkhead=1, cache=rules) as bus:
        for _ in range(3):
            if how == "refusal":
                with pytest.raises(ContractViolation):
                    await bus.ask("keeper", Fetch(), timeout=float("nan"))
            task = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(), timeout=1.0))
            await asyncio.sleep(0)
            assert inside(bus) <= 1
            if how == "cancel":
                task.cancel()
            if how == "crash":
                bus.crash("keeper")
            await asyncio.wait([task])
            assert not isinstance(None if task.cancelled() else task.exception(), BulkheadFull)
            assert inside(bus) == 0
            await asyncio.sleep(60.0)


# ------------------------------------------------------------------ cache: hits and misses


async def test_equal_requests_are_answered_out_of_the_cache_while_it_is_fresh() -> None:
    agent = numbered()
    async with bus_with(agent, cache=CacheRules(ttl=10.0)) as bus:
        assert [(await bus.ask("keeper", Fetch(page=page))).text for page in range(3)] == ["1", "1", "1"]
        assert (await bus.ask("keeper", Fetch("maps"))).text == "2"
        await asyncio.sleep(9.99)
        assert (await bus.ask("keeper", Fetch())).text == "1"
        await asyncio.sleep(0.02)
        assert (await bus.ask("keeper", Fetch())).text == "3"
        seen = bus.statistics().actions[KEY].cache
        assert seen is not None
        assert (seen.hits, seen.misses, seen.stale, seen.entries) == (3, 3, 0, 1)  # what had ended was swept
        assert bus.statistics().asked == 3


async def test_an_error_is_not_kept() -> None:
    agent = keeper(Raise(OSError("no disk")), Reply(Passages("x")))
    async with bus_with(agent, cache=CacheRules(ttl=10.0)) as bus:
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        assert (await bus.ask("keeper", Fetch())).text == "x"


async def test_the_cache_is_bounded_in_bytes() -> None:
    agent = keeper(Reply(lambda message: Passages(message.what * 1000)))
    room = 20 * (ENTRY_OVERHEAD + 1500)
    async with bus_with(agent, cache=CacheRules(ttl=1000.0, max_bytes=room)) as bus:
        for n in range(200):
            await bus.ask("keeper", Fetch(chr(ord("a") + n % 26) * (1 + n // 100)))
        seen = bus.statistics().actions[KEY].cache
        assert seen is not None
        assert 0 < seen.bytes <= room
        assert 0 < seen.entries < 26
        assert seen.evictions > 0


# ------------------------------------------------------------------ cache: stale, and out of date


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("failure", [Raise(OSError("no disk")), Reply(Passages("late"), after=60.0), Hang()])
async def test_what_is_stale_stands_in_and_says_so(failure: Any, share: bool) -> None:
    agent = keeper(Reply(Passages("three")), failure)
    async with bus_with(agent, cache=CacheRules(ttl=10.0, stale_ttl=100.0), share=share) as bus:
        assert await bus.ask("keeper", Fetch()) == Passages("three")
        await asyncio.sleep(30.0)
        asked = await asyncio.gather(*(bus.ask("keeper", Fetch(), timeout=2.0) for _ in range(3)))
        age = 30.0 if isinstance(failure, Raise) else 32.0
        assert {passages.text for passages in asked} == {"three"}
        assert [passages.stale_for for passages in asked] == [pytest.approx(age)] * 3
        assert bus.statistics().actions[KEY].cache.stale == 3  # type: ignore[union-attr]  # it has one
        await asyncio.sleep(100.0)
        with pytest.raises(FablewrightError):
            await bus.ask("keeper", Fetch(), timeout=2.0)


async def test_a_broken_contract_is_not_covered_up_by_what_is_stale() -> None:
    agent = keeper(Reply(Passages("three")), Reply(None))
    async with bus_with(agent, cache=CacheRules(ttl=10.0, stale_ttl=100.0)) as bus:
        await bus.ask("keeper", Fetch())
        await asyncio.sleep(30.0)
        with pytest.raises(ContractViolation):
            await bus.ask("keeper", Fetch())


@pytest.mark.parametrize("share", [False, True])
async def test_after_an_invalidation_the_next_ask_is_answered_anew(share: bool) -> None:
    async with bus_with(numbered(), cache=CacheRules(ttl=100.0), share=share) as bus:
        assert (await bus.ask("keeper", Fetch())).text == "1"
        bus.invalidate(*KEY)
        assert (await bus.ask("keeper", Fetch())).text == "2"
        assert (await bus.ask("keeper", Fetch())).text == "2"
        bus.invalidate("keeper", "no such action")
        bus.invalidate("nobody", "fetch")
        assert (await bus.ask("keeper", Fetch())).text == "2"


@pytest.mark.parametrize("share", [False, True])
async def test_work_that_began_before_an_invalidation_is_not_served_as_fresh_after_it(share: bool) -> None:
    agent = keeper(Reply(Passages("old"), after=2.0), Reply(Passages("new"), after=2.0), Raise(OSError("no disk")))
    async with bus_with(agent, cache=CacheRules(ttl=100.0, stale_ttl=100.0), share=share) as bus:
        before = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(1.0)
        bus.invalidate(*KEY)
        after = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(0.5)
        assert len(agent.received) == 2  # it does not join the flight that began before
        assert (await before).text == "old"
        assert not after.done()
        assert (await after).text == "new"
        assert (await bus.ask("keeper", Fetch())).text == "new"
        assert len(agent.received) == 2
        bus.invalidate(*KEY)
        assert await bus.ask("keeper", Fetch()) == Passages("new", stale_for=0.0)


async def test_the_older_reply_that_comes_later_does_not_replace_the_newer() -> None:
    agent = keeper(Reply(Passages("old"), after=5.0), Reply(Passages("new"), after=1.0))
    async with bus_with(agent, cache=CacheRules(ttl=100.0, stale_ttl=100.0)) as bus:
        before = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(1.0)
        bus.invalidate(*KEY)
        assert (await bus.ask("keeper", Fetch())).text == "new"
        assert (await before).text == "old"
        assert (await bus.ask("keeper", Fetch())).text == "new"


async def test_a_cancelled_asker_is_not_given_what_is_stale() -> None:
    agent = keeper(Reply(Passages("three")), Reply(Passages("x"), after=60.0))
    async with bus_with(agent, cache=CacheRules(ttl=1.0, stale_ttl=100.0)) as bus:
        await bus.ask("keeper", Fetch())
        await asyncio.sleep(5.0)
        task = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await asyncio.sleep(0.1)
        assert len(agent.cancelled) == 1


# ------------------------------------------------------------------ all at once


async def test_with_every_policy_on_each_ask_has_one_end_and_all_is_accounted_for() -> None:
    steps = (Reply(Passages("x"), after=0.5), Raise(OSError("x")), Reply(Passages("y"), after=3.0), Hang()) * 50
    everything: dict[str, Any] = {
        "bulkhead": 20,
        "cache": CacheRules(ttl=0.5, stale_ttl=1.0),
        "share": True,
        "retry": RetryRules(2),
        "attempt_timeout": 1.5,
        "hedge": True,
        "linger": 2.0,
    }
    async with bus_with(keeper(*steps), **everything) as bus:
        loop = asyncio.get_running_loop()
        tasks = []
        for n in range(1000):
            task = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(str(n % 5)), timeout=0.5 + n % 4))
            tasks.append(task)
            if n % 7 == 0:
                loop.call_later(n % 3 / 2, task.cancel)
            await asyncio.sleep(n % 10 / 128)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = Counter(type(end) for end in ends)
        assert set(kinds) <= {Passages, DeadlineExceeded, RemoteError, BulkheadFull, asyncio.CancelledError}
        assert min(kinds[Passages], kinds[DeadlineExceeded], kinds[asyncio.CancelledError]) > 0
        await asyncio.sleep(10.0)
        seen = bus.statistics()
        assert (seen.pending, seen.tasks, inside(bus)) == (0, 0, 0)
        assert seen.asked == sum(seen.outcomes.values())
        assert seen.outcomes[Outcome.REPLIED] > 0
