from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.agent import Agent
from fablewright.testing.faults import GRID, Crash, FaultPlan, Faults, Outage, Partition, Poisoned
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable


def envelope(message_id: str, *, sender: str = "ada", to: str = "bob") -> Envelope:
    return Envelope(
        message_id=message_id, kind=Kind.ASK, sender=sender, to=to, action="x", body=None, correlation_id=message_id
    )


def arrivals(plan: FaultPlan, count: int, *, seed: int = 1, apart: float = 0.0) -> list[tuple[float, int]]:
    """When which of so many parcels arrives."""

    async def main() -> list[tuple[float, int]]:
        loop = asyncio.get_running_loop()
        faults = Faults(plan, seed=seed)
        seen: list[tuple[float, int]] = []

        def arrive(number: int) -> Callable[[], None]:
            return lambda: seen.append((loop.time(), number))

        for number in range(count):
            faults.carry(Withdraw(str(number), "bob"), arrive(number))
            if apart:
                await asyncio.sleep(apart)
        await asyncio.sleep(100.0)
        return seen

    return run_virtual(main())


def test_without_faults_everything_arrives_at_once_and_in_order() -> None:
    assert arrivals(FaultPlan(), 100) == [(0.0, number) for number in range(100)]


def test_as_many_are_dropped_as_the_plan_says() -> None:
    assert 850 < len(arrivals(FaultPlan(drop=0.1), 1000)) < 950


def test_a_duplicate_arrives_at_once_and_once_more_on_a_later_grid_line() -> None:
    seen = arrivals(FaultPlan(duplicate=0.1, longest_delay=2.0), 1000)
    assert seen[:1000] == [(0.0, number) for number in range(1000)]
    again = seen[1000:]
    assert 50 < len(again) < 150
    assert len({number for _, number in again}) == len(again)
    assert all(0 < at <= 2.0 + GRID and (at / GRID).is_integer() for at, _ in again)


def test_delays_lie_on_the_grid_are_mostly_short_and_never_too_long() -> None:
    seen = arrivals(FaultPlan(delay=1.0, longest_delay=1.0), 1000, apart=0.0003)
    assert len(seen) == 1000
    assert all((at / GRID).is_integer() for at, _ in seen)
    late = [at - number * 0.0003 for at, number in seen]
    assert min(late) > 0
    assert max(late) <= 1.0 + GRID
    assert sorted(late)[500] < 0.25
    assert max(late) > 0.8


def test_what_is_reordered_is_passed_by_the_next_and_never_lost() -> None:
    seen = [number for _, number in arrivals(FaultPlan(reorder=0.3), 1000)]
    assert sorted(seen) == list(range(1000))
    assert seen != sorted(seen)
    last = arrivals(FaultPlan(reorder=1.0), 1)
    assert last == [(GRID, 0)]


def test_the_same_seed_does_the_same_and_another_something_else() -> None:
    plan = FaultPlan(drop=0.1, duplicate=0.1, delay=0.1, reorder=0.1)
    assert arrivals(plan, 200) == arrivals(plan, 200)
    assert arrivals(plan, 200) != arrivals(plan, 200, seed=2)


class Nobody:
    """A bus of which only crashes are wanted."""

    def __init__(self) -> None:
        self.crashed: list[tuple[float, str]] = []

    def crash(self, name: str) -> None:
        self.crashed.append((asyncio.get_running_loop().time(), name))


def test_a_partition_cuts_what_crosses_it_in_both_directions_and_heals() -> None:
    async def main() -> tuple[list[str], Counter[str]]:
        faults = Faults(FaultPlan(partitions=(Partition(("bob",), 1.0, 2.0),)))
        seen: list[str] = []
        await asyncio.sleep(10.0)
        faults.begin(Nobody())
        faults.carry(envelope("asked before"), lambda: seen.append("asked before"))
        await asyncio.sleep(1.5)
        faults.carry(envelope("in"), lambda: seen.append("in"))
        faults.carry(envelope("out", sender="bob", to="ada"), lambda: seen.append("out"))
        faults.carry(Ended(0.0, "asked before", Outcome.REPLIED), lambda: seen.append("its reply"))
        faults.carry(Withdraw("asked before", "bob"), lambda: seen.append("its withdrawal"))
        faults.carry(envelope("beside", sender="ada", to="cyd"), lambda: seen.append("beside"))
        faults.carry(envelope("within", sender="bob", to="bob"), lambda: seen.append("within"))
        await asyncio.sleep(0.5)
        faults.carry(Ended(0.0, "asked before", Outcome.REPLIED), lambda: seen.append("its second reply"))
        return seen, faults.counts

    seen, counts = run_virtual(main())
    assert seen == ["asked before", "beside", "within", "its second reply"]
    assert counts == {"partition": 4}


def test_a_crash_comes_when_it_is_planned() -> None:
    async def main() -> list[tuple[float, str]]:
        nobody = Nobody()
        faults = Faults(FaultPlan(crashes=(Crash("bob", 1.0), Crash("ada", 0.5))))
        await asyncio.sleep(10.0)
        faults.begin(nobody)
        await asyncio.sleep(10.0)
        assert faults.counts["crash"] == 2
        return nobody.crashed

    assert run_virtual(main()) == [(10.5, "ada"), (11.0, "bob")]


class _Now:
    """As much of a context as the faults look at."""

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()


def handle(plan: FaultPlan, times: int, *, apart: float = 0.0) -> tuple[Counter[str], list[float]]:
    """Let an agent that the plan upsets handle so many messages, one after the other."""
    handled: list[float] = []

    class Ada(Agent):
        name = "ada"

    async def work(agent: Agent, message: object, ctx: _Now) -> None:
        handled.append(ctx.now)

    async def main() -> Counter[str]:
        faults = Faults(plan, seed=1)
        ada = Ada()
        ada.handlers = {"work": work}  # type: ignore[misc]  # as the kit's own agents do
        upset = faults.upset(ada).handlers["work"]
        assert Ada.handlers == {}
        await asyncio.sleep(10.0)
        faults.begin(Nobody())
        results: Counter[str] = Counter()
        for _ in range(times):
            try:
                await upset(ada, None, _Now())
            except Poisoned as error:
                results[str(error)] += 1
            await asyncio.sleep(apart)
        results.update(faults.counts)
        return results

    return run_virtual(main()), handled


def test_as_many_handlings_are_poisoned_as_the_plan_says_and_those_do_not_begin() -> None:
    results, handled = handle(FaultPlan(poison=0.2), 1000)
    assert results["poison"] == results["ada cannot bear this message."]
    assert 150 < results["poison"] < 250
    assert len(handled) == 1000 - results["poison"]


def test_a_slow_handling_begins_late_on_the_grid() -> None:
    results, handled = handle(FaultPlan(slow=0.5, longest_slow=1.0), 200, apart=0.0003)
    assert 60 < results["slow"] < 140
    assert len(handled) == 200
    assert sum((at / GRID).is_integer() for at in handled) >= results["slow"]
    assert handled[-1] > 11.0


def test_in_an_outage_every_handler_raises_until_it_is_over() -> None:
    results, handled = handle(FaultPlan(outages=(Outage("ada", 1.0, 2.0), Outage("bob", 0.0, 9.0))), 12, apart=0.25)
    assert results == {"ada is out of order.": 4, "outage": 4}
    assert [at for at in handled if 11.0 <= at < 12.0] == []
    assert len(handled) == 8


def test_a_handler_that_is_no_coroutine_function_is_left_alone() -> None:
    class Sync(Agent):
        name = "sync"

    def work(agent: Agent, message: object, ctx: object) -> object:
        return None

    agent = Sync()
    agent.handlers = {"work": work}  # type: ignore[misc,dict-item]  # what the types forbid
    assert Faults(FaultPlan(poison=1.0)).upset(agent).handlers["work"] is work  # type: ignore[comparison-overlap]  # as above


@pytest.mark.parametrize(
    "shares", [{"drop": -0.1}, {"drop": 1.1}, {"drop": 0.6, "delay": 0.6}, {"slow": float("nan")}, {"poison": 2.0}]
)
def test_a_plan_that_cannot_be_carried_out_is_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ContractViolation, match="lie in"):
        FaultPlan(**shares)  # type: ignore[arg-type]  # shares only


def test_it_shows_what_has_happened() -> None:
    faults = Faults(FaultPlan(drop=1.0))
    faults.carry(Withdraw("1", "bob"), print)
    assert repr(faults) == "<Faults {'drop': 1}>"
