"""Late is not lost: replies after the deadline reach the cache and whoever asked to be told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import DeadlineExceeded, FablewrightError
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.message import Request
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.dead_letters import _MOST_WANTED
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from fablewright.runtime.context import Context

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
class Ping(Request[str]):
    action: ClassVar[str] = "ping"


KEY = ("keeper", "fetch")


def keeper(*steps: Any) -> ScriptedAgent:
    return ScriptedAgent("keeper", {Fetch: steps, Ping: Reply("pong")})


def bus_with(agent: Agent, **policy: Any) -> Bus:
    bus = Bus(BusOptions(policies={KEY: Policy(**policy)} if policy else {}, draw=lambda: 0.5))
    bus.register(agent)
    return bus


async def expires(bus: Bus, told: list[str], *, timeout: float = 1.0) -> None:
    with pytest.raises(DeadlineExceeded):
        await bus.ask("keeper", Fetch(), timeout=timeout, on_late=told.append)


async def quiet(bus: Bus) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    seen = bus.statistics()
    assert (seen.pending, seen.tasks) == (0, 0)
    assert seen.asked == sum(seen.outcomes.values())
    assert bus._dispatch.outstanding._pending.lingering == 0
    assert len(bus._dispatch.dead._wanted) <= _MOST_WANTED


# ------------------------------------------------------------------ told once


async def test_without_a_policy_a_token_that_is_answered_late_is_told() -> None:
    agent, told = keeper(Hang()), list[str]()
    async with bus_with(agent) as bus:
        await expires(bus, told)
        await asyncio.sleep(5.0)
        agent.tokens[0].answer("after all")
        assert told == ["after all"]
        assert [letter.reason for letter in bus.dead_letters()] == [Reason.LATE]
        assert bus._dispatch.dead._wanted == {}
        await quiet(bus)


@pytest.mark.parametrize("share", [False, True])
async def test_work_that_lingers_is_told_when_it_is_done(share: bool) -> None:
    agent, told = keeper(Reply("three", after=3.0)), list[str]()
    async with bus_with(agent, linger=5.0, share=share) as bus:
        await expires(bus, told)
        assert bus.now() == pytest.approx(1.0)
        await asyncio.sleep(1.9)
        assert told == []
        await asyncio.sleep(0.2)
        assert told == ["three"]
        assert agent.cancelled == []
        await quiet(bus)


@pytest.mark.parametrize("share", [False, True])
async def test_work_that_lingers_too_long_is_stopped(share: bool) -> None:
    agent, told = keeper(Reply("three", after=60.0)), list[str]()
    async with bus_with(agent, linger=5.0, share=share) as bus:
        await expires(bus, told)
        await asyncio.sleep(4.9)
        assert agent.cancelled == []
        await asyncio.sleep(0.2)
        assert len(agent.cancelled) == 1
        assert told == []
        await quiet(bus)


async def test_without_linger_the_work_stops_at_the_deadline() -> None:
    agent, told = keeper(Reply("three", after=3.0)), list[str]()
    async with bus_with(agent, retry=RetryRules(0)) as bus:
        await expires(bus, told)
        await asyncio.sleep(0.01)
        assert len(agent.cancelled) == 1
        await asyncio.sleep(10.0)
        assert told == []


async def test_a_lingering_handler_that_fails_tells_nobody() -> None:
    agent, told = keeper(Raise(OSError("no disk"), after=3.0)), list[str]()
    async with bus_with(agent, linger=5.0, cache=CacheRules(ttl=60.0)) as bus:
        await expires(bus, told)
        await asyncio.sleep(10.0)
        assert told == []
        seen = bus.statistics().actions[KEY].cache
        assert seen is not None
        assert seen.entries == 0
        await quiet(bus)


async def test_who_was_answered_or_left_is_not_told() -> None:
    agent, told = keeper(Reply("three", after=2.0)), list[str]()
    async with bus_with(agent, linger=5.0) as bus:
        assert await bus.ask("keeper", Fetch(), timeout=9.0, on_late=told.append) == "three"
        task = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(), timeout=9.0, on_late=told.append))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.sleep(10.0)
        assert told == []
        assert bus._dispatch.dead._wanted == {}
        assert len(agent.cancelled) == 1
        await quiet(bus)


async def test_what_whoever_is_told_raises_is_logged_and_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    def burst(_: str) -> None:
        raise ValueError("not now")

    agent, told = keeper(Reply("three", after=3.0)), list[str]()
    async with bus_with(agent, linger=5.0, share=True, cache=CacheRules(ttl=60.0)) as bus:
        first = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(), timeout=1.0, on_late=burst))
        await asyncio.sleep(0)
        await expires(bus, told)
        await asyncio.gather(first, return_exceptions=True)
        await asyncio.sleep(5.0)
        assert told == ["three"]
        assert "not now" in caplog.text
        assert await bus.ask("keeper", Fetch()) == "three"
        assert len(agent.received) == 1
        await quiet(bus)


async def test_a_handler_is_told_too() -> None:
    told: list[str] = []

    @dataclass(frozen=True)
    class Write(Request[str]):
        action: ClassVar[str] = "write"

    class Writer(Agent):
        name = "writer"

        @handles(Write)
        async def write(self, request: Write, ctx: Context) -> str:
            try:
                return await ctx.ask("keeper", Fetch(), timeout=1.0, on_late=told.append)
            except DeadlineExceeded:
                return "without"

    bus = bus_with(keeper(Reply("three", after=3.0)), linger=5.0)
    bus.register(Writer())
    async with bus:
        assert await bus.ask("writer", Write()) == "without"
        await asyncio.sleep(5.0)
        assert told == ["three"]
        await quiet(bus)


# ------------------------------------------------------------------ in the cache


@pytest.mark.parametrize("share", [False, True])
async def test_a_late_reply_is_kept_and_served_to_the_next(share: bool) -> None:
    agent, told = keeper(Reply("three", after=3.0)), list[str]()
    async with bus_with(agent, linger=5.0, cache=CacheRules(ttl=60.0), share=share) as bus:
        await expires(bus, told)
        with pytest.raises(DeadlineExceeded):
            await bus.ask("keeper", Fetch(), timeout=0.5)  # nobody has to want to be told
        await asyncio.sleep(3.0)
        assert await bus.ask("keeper", Fetch(), timeout=0.1) == "three"
        assert told == ["three"]
        await quiet(bus)


async def test_a_late_reply_from_before_an_invalidation_is_not_fresh() -> None:
    agent = keeper(Reply("old", after=3.0), Reply("new"))
    async with bus_with(agent, linger=5.0, cache=CacheRules(ttl=60.0)) as bus:
        await expires(bus, [])
        bus.invalidate(*KEY)
        await asyncio.sleep(3.0)
        assert await bus.ask("keeper", Fetch()) == "new"


async def test_who_got_what_is_stale_is_told_when_the_fresh_comes() -> None:
    agent, told = keeper(Reply("old"), Reply("new", after=3.0)), list[str]()
    async with bus_with(agent, linger=5.0, cache=CacheRules(ttl=10.0, stale_ttl=100.0)) as bus:
        await bus.ask("keeper", Fetch())
        await asyncio.sleep(20.0)
        assert await bus.ask("keeper", Fetch(), timeout=1.0, on_late=told.append) == "old"
        await asyncio.sleep(3.0)
        assert told == ["new"]
        assert await bus.ask("keeper", Fetch()) == "new"
        assert len(agent.received) == 2


# ------------------------------------------------------------------ with flights and retries


async def test_everybody_on_a_flight_is_told_once() -> None:
    agent = keeper(Reply("three", after=3.0))
    told: list[list[str]] = [[] for _ in range(6)]
    async with bus_with(agent, linger=5.0, share=True) as bus:
        ends = await asyncio.gather(
            *(bus.ask("keeper", Fetch(), timeout=1.0 - n / 10, on_late=told[n].append) for n in range(6)),
            return_exceptions=True,
        )
        assert {type(end) for end in ends} == {DeadlineExceeded}
        await asyncio.sleep(5.0)
        assert told == [["three"]] * 6
        assert len(agent.received) == 1
        await quiet(bus)


async def test_who_has_more_time_is_on_a_second_flight_and_the_first_is_still_told() -> None:
    agent = keeper(Reply("early", after=3.0), Reply("second", after=1.0))
    told: list[str] = []
    async with bus_with(agent, linger=5.0, share=True) as bus:
        first = asyncio.get_running_loop().create_task(expires(bus, told))
        await asyncio.sleep(0)
        assert await bus.ask("keeper", Fetch(), timeout=9.0) == "second"
        await first
        assert told == []
        await asyncio.sleep(3.0)
        assert told == ["early"]
        await quiet(bus)


async def test_the_first_leaves_and_the_others_are_told_late() -> None:
    agent = keeper(Reply("three", after=3.0))
    told: list[str] = []
    async with bus_with(agent, linger=5.0, share=True) as bus:
        first = asyncio.get_running_loop().create_task(
            bus.ask("keeper", Fetch(), timeout=1.0, on_late=lambda _: told.append("first"))
        )
        others = [asyncio.get_running_loop().create_task(expires(bus, told)) for _ in range(2)]
        await asyncio.sleep(0.5)
        first.cancel()
        await asyncio.gather(*others)
        await asyncio.sleep(3.0)
        assert told == ["three"] * 2
        await quiet(bus)


@pytest.mark.parametrize("share", [False, True])
async def test_the_late_reply_of_an_earlier_attempt_serves_as_well(share: bool) -> None:
    agent = keeper(Reply("first", after=4.0), Hang())
    told: list[str] = []
    policy: dict[str, Any] = {"attempt_timeout": 1.0, "linger": 9.0, "retry": RetryRules(1), "share": share}
    async with bus_with(agent, cache=CacheRules(ttl=60.0), **policy) as bus:
        askers = 1 + share
        await asyncio.gather(*(expires(bus, told, timeout=3.0) for _ in range(askers)))
        assert bus.now() < 3.0
        await asyncio.sleep(3.0)
        assert told == ["first"] * askers
        for token in agent.tokens:
            token.answer("second")
        assert told == ["first"] * askers
        assert await bus.ask("keeper", Fetch()) in {"first", "second"}
        await quiet(bus)


async def test_the_reply_to_an_earlier_attempt_that_comes_during_a_later_one_is_the_reply() -> None:
    agent, told = keeper(Reply("first", after=1.5), Hang()), list[str]()
    async with bus_with(agent, attempt_timeout=1.0, linger=9.0, retry=RetryRules(1)) as bus:
        assert await bus.ask("keeper", Fetch(), timeout=3.0, on_late=told.append) == "first"
        assert bus.now() < 3.0
        await asyncio.sleep(10.0)
        assert told == []


async def test_the_reply_to_an_earlier_attempt_that_comes_before_the_next_saves_that() -> None:
    agent, told = keeper(Reply("first", after=1.5)), list[str]()
    async with bus_with(agent, attempt_timeout=1.0, linger=9.0, retry=RetryRules(1, backoff=2.0)) as bus:
        assert await bus.ask("keeper", Fetch(), timeout=9.0, on_late=told.append) == "first"
        assert bus.now() == pytest.approx(2.0)
        assert len(agent.received) == 1
        assert [letter.reason for letter in bus.dead_letters()] == [Reason.LATE]
        await asyncio.sleep(10.0)
        assert told == []


# ------------------------------------------------------------------ races, crowds


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("linger", [0.0, 1.0])
def test_a_reply_in_the_very_turn_of_the_deadline_is_had_or_told_but_not_both(
    seed: int,
    share: bool,
    linger: float,
) -> None:
    async def play() -> None:
        agent = keeper(Reply("three", after=1.0))
        told: list[list[str]] = [[] for _ in range(4)]
        async with bus_with(agent, linger=linger, share=share, cache=CacheRules(ttl=60.0)) as bus:
            ends = await asyncio.gather(
                *(bus.ask("keeper", Fetch(), timeout=1.0, on_late=told[n].append) for n in range(4)),
                return_exceptions=True,
            )
            await asyncio.sleep(2.0)
            for end, late in zip(ends, told, strict=True):
                # What comes at the deadline is late, but may be in the cache before the asker hears of it.
                assert end == "three" or isinstance(end, DeadlineExceeded)
                had = (end == "three") + len(late)
                assert had == 1 or (had == 0 and not linger)
            if linger:
                assert await bus.ask("keeper", Fetch(), timeout=0.5) == "three"
            await quiet(bus)

    run_virtual(play(), seed=seed)


async def test_a_late_reply_finds_its_taker_however_many_requests_end_meanwhile() -> None:
    agent, told = keeper(Reply("three", after=50.0)), list[str]()
    async with bus_with(agent, linger=60.0, cache=CacheRules(ttl=60.0)) as bus:
        await expires(bus, told)
        for _ in range(5000):
            await bus.ask("keeper", Ping())
        await asyncio.sleep(60.0)
        assert told == ["three"]
        assert await bus.ask("keeper", Fetch(), timeout=0.1) == "three"


async def test_who_waits_for_late_replies_that_never_come_is_forgotten_at_last() -> None:
    agent = keeper(Hang())
    async with bus_with(agent, linger=1.0, share=True, cache=CacheRules(ttl=60.0)) as bus:
        for n in range(_MOST_WANTED + 500):
            with pytest.raises(FablewrightError):
                await bus.ask("keeper", Fetch(str(n)), timeout=0.01, on_late=lambda _: None)
        assert len(bus._dispatch.dead._wanted) == _MOST_WANTED
        await asyncio.sleep(2.0)
        await quiet(bus)


async def test_nobody_is_told_after_the_stop_nor_does_anything_break() -> None:
    agent, told = keeper(Hang()), list[str]()
    bus = bus_with(agent, linger=60.0)
    await bus.start()
    await expires(bus, told)
    await bus.stop()
    agent.tokens[0].answer("after all")
    await asyncio.sleep(0.1)
    assert told in ([], ["after all"])
    await quiet(bus)
