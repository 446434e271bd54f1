from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import msgspec
import pytest

from fablewright.entry.inspector import Inspector, NodeReport, NotesChanged, ReportNow
from fablewright.entry.system_report import SystemReport, system_report
from fablewright.entry.whole_system import WholeSystem, added_up
from fablewright.errors import FablewrightError, RemoteError
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy

if TYPE_CHECKING:
    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    what: str = "a book"


class Library(Agent):
    name = "library"

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> str:
        del ctx
        if request.what == "a dragon":
            raise ValueError("not here")
        return request.what


def bus_of(node: str) -> Bus:
    policy = Policy(cache=CacheRules(ttl=60.0), breaker=BreakerRules(failures=1))
    bus = Bus(BusOptions(policies={("library", "fetch"): policy}), node=node)
    bus.register(Library())
    bus.register(Inspector(bus, node))
    return bus


async def reports(*wishes: str) -> SystemReport:
    async with bus_of("n") as bus:
        for what in wishes:
            try:
                await bus.ask("library", Fetch(what))
            except RemoteError:
                continue
        return system_report(bus)


async def test_the_report_of_one_is_its_own() -> None:
    one = await reports("a book", "a book", "a map", "a dragon")
    whole = added_up({"one": one})
    assert msgspec.structs.replace(whole, agents=one.agents) == one
    assert sorted(whole.agents, key=lambda agent: agent.name) == sorted(one.agents, key=lambda agent: agent.name)


async def test_of_several_all_is_added_up_and_what_is_worst_off_is_shown() -> None:
    well, ill = await reports("a book", "a book", "a map"), await reports("a book", "a dragon")
    whole = added_up({"well": well, "ill": ill})
    assert whole.asked == well.asked + ill.asked == 4
    assert whole.outcomes["failed"] == 1
    assert {agent.name for agent in whole.agents} == {
        f"{a} @{n}" for a in ("inspector", "library") for n in ("well", "ill")
    }
    (breaker,), (cache,), (action,) = whole.breakers, whole.caches, whole.actions
    assert (breaker.state, breaker.opened) == ("open", 1)
    assert (cache.hits, cache.entries) == (1, 3)
    assert (action.asked, action.outcomes["replied"]) == (4, 3)
    assert sum(bucket.count for bucket in action.latency) == 3
    assert action.p50_ms is not None
    assert action.p50_ms <= (action.p99_ms or 0)


async def test_whoever_is_on_the_bus_says_how_it_does_and_breakers_are_switched() -> None:
    async with bus_of("n") as bus:
        system = WholeSystem(bus)
        await bus.ask("library", Fetch())
        seen = msgspec.json.decode(await system.report(), type=SystemReport)
        assert [action.asked for action in seen.actions if action.agent == "library"] == [1]
        assert "library" in {agent.name for agent in seen.agents}
        for state, shown in (("open", "forced_open"), ("closed", "forced_closed"), ("auto", "closed")):
            await system.force("library", "fetch", state)
            seen = msgspec.json.decode(await system.report(), type=SystemReport)
            assert [breaker.state for breaker in seen.breakers] == [shown]
        await system.force("nobody", "fetch", "open")
        assert await system.report()


async def test_a_report_that_cannot_be_read_is_left_out() -> None:
    class Liar(Agent):
        name = "liar"

        @hears(ReportNow)
        async def report_now(self, asked: ReportNow, ctx: Context) -> None:
            for number, lie in enumerate(("", "{}", "[" * 90_000, '{"asked": ' * 9_000, "ü\x00")):
                ctx.publish(NodeReport(asked.round, f"liar-{number}", lie))

    async with bus_of("n") as bus:
        await bus.add(Liar())
        seen = await WholeSystem(bus).look()
        assert {agent.name for agent in seen.agents} == {"inspector", "library", "liar"}


async def test_a_bus_with_nobody_on_it_is_said_to_be_empty() -> None:
    async with Bus() as bus:
        with pytest.raises(FablewrightError, match="No agent"):
            await WholeSystem(bus, patience=0.05).report()


async def test_what_could_not_be_read_is_added_up() -> None:
    one = await reports()
    some = msgspec.structs.replace(one, unreadable=2)
    assert added_up({"one": some, "two": some, "three": one}).unreadable == 4


async def test_what_is_kept_of_the_notes_is_let_go_when_they_have_changed_elsewhere() -> None:
    outdated: list[str] = []
    bus = Bus(node="n")
    bus.register(Inspector(bus, "n", lambda: outdated.append("now")))
    async with bus:
        bus.publish(NotesChanged())
        await WholeSystem(bus, patience=0.1).look()  # it handles one thing after the other
    assert outdated == ["now"]
