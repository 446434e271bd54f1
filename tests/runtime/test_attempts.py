"""Retries, breaker and hedges on the bus: I12, I13, and how an outage of a minute goes through three layers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import CircuitOpen, ContractViolation, DeadlineExceeded, InvalidInput, RemoteError
from fablewright.protocol.breaker import BreakerRules, State
from fablewright.protocol.message import Request
from fablewright.protocol.pending import Outcome
from fablewright.protocol.retry import FEWEST_SAMPLES, RetryRules
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Raise, Reply, ScriptedAgent

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.context import Context
    from fablewright.runtime.events import Event

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    number: int = 0


@dataclass(frozen=True, slots=True)
class Write(Request[str]):
    action: ClassVar[str] = "write"


KEY = ("keeper", "fetch")


def keeper(*steps: Any) -> ScriptedAgent:
    return ScriptedAgent("keeper", {Fetch: steps, Write: steps})


def bus_with(agent: Agent, *, draw: Callable[[], float] = lambda: 0.5, **policy: Any) -> Bus:
    rules = Policy(**policy)
    bus = Bus(BusOptions(policies={KEY: rules, ("keeper", "write"): rules}, draw=draw))
    bus.register(agent)
    return bus


async def quiet(bus: Bus) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    seen = bus.statistics()
    assert (seen.pending, seen.tasks) == (0, 0)
    assert seen.asked == sum(seen.outcomes.values())


def breaker_of(bus: Bus) -> Any:
    breaker = bus.breaker(*KEY)
    assert breaker is not None
    return breaker


# ------------------------------------------------------------------ retry


@pytest.mark.parametrize("drawn", [0.0, 0.25, 0.999])
async def test_the_wait_before_each_retry_is_a_random_part_of_a_growing_time(drawn: float) -> None:
    sent: list[float] = []

    class Failing(Agent):
        name = "keeper"

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> str:
            sent.append(ctx.now)
            raise OSError("no disk")

    async with bus_with(Failing(), draw=lambda: drawn, retry=RetryRules(3, backoff=1.0, longest_backoff=2.0)) as bus:
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        assert sent == [pytest.approx(drawn * after) for after in (0.0, 1.0, 3.0, 5.0)]
        assert bus.statistics().actions[KEY].retries == 3
        await quiet(bus)


async def test_no_retry_goes_out_at_or_after_the_deadline() -> None:
    agent = keeper(Raise(OSError("no disk"), after=0.41))
    async with bus_with(agent, draw=lambda: 0.999, retry=RetryRules(10, backoff=0.1, growth=1.0)) as bus:
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch(), timeout=1.0)
        assert len(agent.received) == 2  # the second fails at 0.92 s, a third would go out at 1.02 s
        assert bus.now() == pytest.approx(0.41 + 0.0999 + 0.41)
        await quiet(bus)


async def test_an_attempt_may_be_given_less_time_than_the_whole() -> None:
    agent = keeper(Reply("slow", after=60.0), Reply("quick", after=0.1))
    async with bus_with(agent, retry=RetryRules(2, backoff=0.2), attempt_timeout=1.0) as bus:
        assert await bus.ask("keeper", Fetch(), timeout=10.0) == "quick"
        assert bus.now() == pytest.approx(1.0 + 0.1 + 0.1)
        assert len(agent.cancelled) == 1
        with pytest.raises(DeadlineExceeded):
            await bus.ask("keeper", Fetch(), timeout=0.05)
        assert bus.now() == pytest.approx(1.25)
        await quiet(bus)


async def test_what_is_not_idempotent_or_cannot_pass_by_itself_is_tried_once() -> None:
    for step, request, error in (
        (Raise(OSError("x")), Write(), RemoteError),
        (Raise(InvalidInput("x")), Fetch(), RemoteError),
        (Reply(None), Fetch(), ContractViolation),
    ):
        agent = keeper(step)
        async with bus_with(agent, retry=RetryRules(3)) as bus:
            with pytest.raises(error):
                await bus.ask("keeper", request)
            assert len(agent.received) == 1
            assert bus.statistics().actions["keeper", request.action].retries == 0


async def test_whoever_is_cancelled_between_two_attempts_makes_no_more() -> None:
    agent = keeper(Raise(OSError("x")))
    async with bus_with(agent, retry=RetryRules(3, backoff=2.0)) as bus:
        task = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.sleep(10.0)
        assert task.cancelled()
        assert len(agent.received) == 1
        await quiet(bus)


async def test_the_budget_ends_the_retries_of_all_who_ask() -> None:
    agent = keeper(Raise(OSError("x")))
    async with bus_with(agent, retry=RetryRules(2)) as bus:
        for n in range(100):
            with pytest.raises(RemoteError):
                await bus.ask("keeper", Fetch(n))
        # The fifth failure leaves the bucket of ten half full; of the four before, one was an ask's last attempt.
        assert len(agent.received) == 100 + 3
        await quiet(bus)


async def test_successes_fill_the_budget_again() -> None:
    agent = keeper(*([Raise(OSError("x"))] * 8), *([Reply("up")] * 20), Raise(OSError("x")))
    async with bus_with(agent, retry=RetryRules(1)) as bus:
        for _ in range(4):
            with pytest.raises(RemoteError):
                await bus.ask("keeper", Fetch())
        while len(agent.received) < 8:
            with pytest.raises(RemoteError):
                await bus.ask("keeper", Fetch())
        spent = bus.statistics().actions[KEY].retries
        for _ in range(20):
            assert await bus.ask("keeper", Fetch()) == "up"
        guard = bus._dispatch.routes.known[KEY].guard
        assert guard is not None
        assert guard.attempts._budget.tokens == pytest.approx(10 - 8 + 20 * 0.1)  # type: ignore[attr-defined]  # a route knows its guard by a protocol only
        assert spent == 2


async def test_the_circuit_that_opens_between_attempts_leaves_the_error_from_before() -> None:
    agent = keeper(Raise(OSError("no disk")))
    async with bus_with(agent, retry=RetryRules(5), breaker=BreakerRules(failures=2)) as bus:
        with pytest.raises(RemoteError, match="no disk"):
            await bus.ask("keeper", Fetch())
        assert len(agent.received) == 2
        with pytest.raises(CircuitOpen):
            await bus.ask("keeper", Fetch())
        assert len(agent.received) == 2
        await quiet(bus)


async def test_the_attempts_of_one_ask_are_one_story() -> None:
    events: list[Event] = []
    agent = keeper(Raise(OSError("x")), Raise(OSError("y")), Reply("z"))
    async with bus_with(agent, retry=RetryRules(2)) as bus:
        bus.observe(events.append)
        await bus.ask("keeper", Fetch())
    asked = [event for event in events if event.what == "asked"]
    assert [event.attempt for event in asked] == [1, 2, 3]
    assert {event.correlation_id for event in events if event.what in {"asked", "retried", "started", "ended"}} == {
        asked[0].message_id
    }
    assert [event.detail for event in events if event.what == "retried"] == [
        "keeper failed on fetch: OSError: x",
        "keeper failed on fetch: OSError: y",
    ]


# ------------------------------------------------------------------ the breaker


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("permits", [1, 3])
async def test_half_open_lets_exactly_the_permits_through(permits: int, share: bool) -> None:
    agent = keeper(Raise(OSError("down")), Reply("up", after=1.0))
    async with bus_with(agent, share=share, breaker=BreakerRules(1, 10.0, permits=permits)) as bus:
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        await asyncio.sleep(10.0)
        herd = [asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(n))) for n in range(1000)]
        began = time.perf_counter()
        await asyncio.sleep(0.5)
        took = time.perf_counter() - began
        refused = [task for task in herd if task.done()]
        assert len(refused) == 1000 - permits
        assert {type(task.exception()) for task in refused} == {CircuitOpen}
        assert took / len(refused) < 0.001
        assert len(agent.received) == 1 + permits
        assert Counter(await asyncio.gather(*herd, return_exceptions=True))["up"] == permits
        assert breaker_of(bus).state is State.CLOSED
        await quiet(bus)


async def test_a_probe_that_is_cancelled_gives_its_permit_back() -> None:
    agent = keeper(Raise(OSError("down")), Reply("up", after=1.0))
    async with bus_with(agent, breaker=BreakerRules(1, 10.0)) as bus:
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        await asyncio.sleep(10.0)
        probe = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(0.5)
        probe.cancel()
        await asyncio.sleep(0)
        assert breaker_of(bus).state is State.HALF_OPEN
        assert await bus.ask("keeper", Fetch()) == "up"
        assert breaker_of(bus).state is State.CLOSED


async def test_a_probe_that_hangs_ends_and_the_next_goes_out() -> None:
    agent = keeper(Raise(OSError("down")), Reply("never", after=1000.0), Reply("up"))
    async with bus_with(agent, breaker=BreakerRules(1, 10.0, probe_timeout=3.0)) as bus:
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        await asyncio.sleep(10.0)
        hung = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch(), timeout=100.0))
        await asyncio.sleep(2.9)
        with pytest.raises(CircuitOpen):
            await bus.ask("keeper", Fetch())
        await asyncio.sleep(0.1)
        assert await bus.ask("keeper", Fetch()) == "up"
        assert breaker_of(bus).state is State.CLOSED
        with pytest.raises(DeadlineExceeded):
            await hung
        assert breaker_of(bus).state is State.CLOSED  # it reports in a generation that is over


async def test_what_was_started_before_it_opened_changes_nothing() -> None:
    agent = keeper(Reply("late success", after=5.0), Raise(OSError("down")))
    async with bus_with(agent, breaker=BreakerRules(1, 60.0)) as bus:
        early = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(1.0)
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        assert await early == "late success"
        assert breaker_of(bus).state is State.OPEN


async def test_cancelled_asks_never_open_it() -> None:
    agent = keeper(Reply("x", after=60.0))
    async with bus_with(agent, breaker=BreakerRules(2)) as bus:
        for _ in range(10):
            task = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.wait([task])
        assert breaker_of(bus).state is State.CLOSED
        await quiet(bus)


async def test_it_can_be_forced_by_hand_before_and_after_the_first_ask() -> None:
    agent = keeper(Raise(OSError("x")))
    async with bus_with(agent, breaker=BreakerRules(1)) as bus:
        breaker_of(bus).force_open(bus.now())
        with pytest.raises(CircuitOpen, match="switched off by hand"):
            await bus.ask("keeper", Fetch())
        breaker_of(bus).force_closed(bus.now())
        for _ in range(5):
            with pytest.raises(RemoteError):
                await bus.ask("keeper", Fetch())
        assert bus.statistics().breakers[KEY] is State.FORCED_CLOSED
        breaker_of(bus).release(bus.now())
        with pytest.raises(RemoteError):
            await bus.ask("keeper", Fetch())
        with pytest.raises(CircuitOpen):
            await bus.ask("keeper", Fetch())
        moves = bus.statistics().actions[KEY].breaker_moves
        assert moves == {State.FORCED_OPEN: 1, State.FORCED_CLOSED: 1, State.CLOSED: 1, State.OPEN: 1}
        assert bus.breaker("keeper", "no such action") is None
        assert bus.breaker("nobody", "fetch") is None


# ------------------------------------------------------------------ hedges


async def warm(bus: Bus, count: int = FEWEST_SAMPLES) -> None:
    for _ in range(count):
        await bus.ask("keeper", Fetch())


def warmed(*steps: Any, count: int = FEWEST_SAMPLES) -> ScriptedAgent:
    return keeper(*([Reply("warm", after=0.1)] * count), *steps)


async def test_a_second_attempt_goes_out_after_the_95th_percentile_and_the_first_reply_wins() -> None:
    agent = warmed(Reply("slow", after=5.0), Reply("hedged", after=0.1))
    async with bus_with(agent, hedge=True, breaker=BreakerRules(1)) as bus:
        await warm(bus)
        began = bus.now()
        assert await bus.ask("keeper", Fetch()) == "hedged"
        assert 0.2 <= bus.now() - began <= 0.1 + 0.1 * 1.25  # a quantile is the upper bound of its bucket
        await asyncio.sleep(0.01)
        assert len(agent.cancelled) == 1
        seen = bus.statistics().actions[KEY]
        assert seen.hedges == 1
        assert seen.outcomes == {Outcome.REPLIED: FEWEST_SAMPLES + 1, Outcome.CANCELLED: 1}
        assert breaker_of(bus).state is State.CLOSED
        await quiet(bus)


async def test_the_first_may_still_win_and_the_second_is_withdrawn() -> None:
    agent = warmed(Reply("slow", after=0.2), Reply("hedged", after=5.0))
    async with bus_with(agent, hedge=True) as bus:
        await warm(bus)
        assert await bus.ask("keeper", Fetch()) == "slow"
        await asyncio.sleep(0.01)
        assert len(agent.cancelled) == 1
        await quiet(bus)


@pytest.mark.parametrize("first_fails", [False, True])
async def test_if_one_of_the_two_fails_the_other_is_waited_for(first_fails: bool) -> None:
    failing, replying = Raise(OSError("x"), after=0.3), Reply("done", after=0.6)
    steps = (failing, replying) if first_fails else (replying, failing)
    async with bus_with(warmed(*steps), hedge=True) as bus:
        await warm(bus)
        assert await bus.ask("keeper", Fetch()) == "done"
        await quiet(bus)


async def test_if_both_fail_one_error_is_raised() -> None:
    agent = warmed(Raise(OSError("first"), after=0.5), Raise(OSError("second"), after=0.5))
    async with bus_with(agent, hedge=True, breaker=BreakerRules(2)) as bus:
        await warm(bus)
        with pytest.raises(RemoteError, match="second"):
            await bus.ask("keeper", Fetch())
        assert breaker_of(bus).state is State.CLOSED  # one ask, one failure
        await quiet(bus)


async def test_who_is_cancelled_withdraws_both() -> None:
    agent = warmed(Reply("slow", after=5.0))
    async with bus_with(agent, hedge=True) as bus:
        await warm(bus)
        task = asyncio.get_running_loop().create_task(bus.ask("keeper", Fetch()))
        await asyncio.sleep(0.5)
        assert len(agent.received) == FEWEST_SAMPLES + 2
        task.cancel()
        await asyncio.sleep(0.05)
        assert len(agent.cancelled) == 2
        await quiet(bus)


async def test_hedges_end_with_the_budget() -> None:
    agent = warmed(Reply("slow", after=1.0))
    async with bus_with(agent, hedge=True) as bus:
        await warm(bus)
        for _ in range(40):
            assert await bus.ask("keeper", Fetch()) == "slow"
        # Half the bucket of ten, and a tenth for each success, but never over half: then the percentile is a second.
        assert 1 <= bus.statistics().actions[KEY].hedges <= 5 + 40 * 0.1
        await quiet(bus)


async def test_each_hedge_takes_its_token_when_it_goes_out() -> None:
    agent = warmed(Reply("slow", after=1.0))
    async with bus_with(agent, hedge=True) as bus:
        await warm(bus)
        await asyncio.gather(*(bus.ask("keeper", Fetch(n)) for n in range(20)))
        assert bus.statistics().actions[KEY].hedges == 4  # of ten tokens more than half are left after each
        await quiet(bus)


async def test_no_hedge_for_what_is_not_idempotent_nor_before_there_are_enough_samples() -> None:
    agent = keeper(*([Reply("warm", after=0.1)] * (FEWEST_SAMPLES - 1)), Reply("slow", after=2.0))
    async with bus_with(agent, hedge=True) as bus:
        await warm(bus, FEWEST_SAMPLES - 1)
        assert await bus.ask("keeper", Fetch()) == "slow"
        for _ in range(FEWEST_SAMPLES):
            await bus.ask("keeper", Write())
        assert sum(action.hedges for action in bus.statistics().actions.values()) == 0


# ------------------------------------------------------------------ an outage of a minute through three layers


@dataclass(frozen=True, slots=True)
class Front(Request[str]):
    action: ClassVar[str] = "front"
    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Middle(Request[str]):
    action: ClassVar[str] = "middle"
    idempotent: ClassVar[bool] = True


class FrontDesk(Agent):
    name = "front"

    @handles(Front)
    async def front(self, request: Front, ctx: Context) -> str:
        return await ctx.ask("middle", Middle())


class MiddleDesk(Agent):
    name = "middle"

    @handles(Middle)
    async def middle(self, request: Middle, ctx: Context) -> str:
        return await ctx.ask("keeper", Fetch())


class Backend(Agent):
    """Is out of order for a minute."""

    name = "keeper"

    def __init__(self) -> None:
        self.calls: list[float] = []

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> str:
        self.calls.append(ctx.now)
        await asyncio.sleep(0.01)
        if 30.0 <= ctx.now < 90.0:
            raise OSError("down")
        return "up"


async def _outage(policy: Policy) -> tuple[float, float, int]:
    """Ask ten times a second through three layers; return amplification, seconds to the first success, failures."""
    keys = [("front", "front"), ("middle", "middle"), KEY]
    backend = Backend()
    draws = iter(range(10**9))
    bus = Bus(BusOptions(policies=dict.fromkeys(keys, policy), draw=lambda: next(draws) * 0.618 % 1))
    for agent in (FrontDesk(), MiddleDesk(), backend):
        bus.register(agent)
    asked: list[float] = []
    succeeded: list[float] = []
    failed = 0

    async def user() -> None:
        nonlocal failed
        asked.append(bus.now())
        try:
            await bus.ask("front", Front(), timeout=5.0)
            succeeded.append(bus.now())
        except (RemoteError, CircuitOpen):
            failed += 1

    async with bus, asyncio.TaskGroup() as group:
        for n in range(1200):
            asyncio.get_running_loop().call_at(n / 10 + 0.05, lambda: group.create_task(user()))
        await asyncio.sleep(121.0)
    load = sum(30.0 <= at < 90.0 for at in backend.calls) / sum(30.0 <= at < 90.0 for at in asked)
    assert len(asked) == 1200
    assert len(succeeded) + failed == 1200
    return load, min(at for at in succeeded if at >= 90.0) - 90.0, failed


async def test_the_budgets_keep_an_outage_from_being_multiplied() -> None:
    load, recovered, _ = await _outage(Policy(retry=RetryRules(2)))
    assert load <= 1.1
    assert recovered <= 2.0


async def test_with_breakers_a_dead_service_is_left_alone_and_found_again() -> None:
    interactive = BreakerRules(failures=5, reset_time=1.0, growth=1.0)
    load, recovered, failed = await _outage(Policy(retry=RetryRules(2), breaker=interactive))
    assert load <= 0.2
    assert recovered <= 2.0
    assert failed <= 625


async def test_without_budgets_it_would_be_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the test above would see if the budgets did not work."""
    monkeypatch.setattr("fablewright.protocol.retry.RetryBudget.allows", True)
    load, _, _ = await _outage(Policy(retry=RetryRules(2)))
    assert load > 10
