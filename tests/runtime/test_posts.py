"""The lives of agents on a bus: started, crashed and started again, given up, removed, stopped; I7 and I19."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import ContractViolation, FablewrightError, PeerLost, Rejected, UnknownRecipient
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.posts import Restarts
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.agent import Spawn
    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Note(Message):
    action: ClassVar[str] = "note"
    text: str = ""


class Mortal(Agent):
    """Works in the background, and crashes there ``after`` so many seconds of each of its lives."""

    name = "mortal"
    concurrency = 2

    def __init__(self, *after: float, slow_start: float = 0.0, fails_to_start: tuple[int, ...] = ()) -> None:
        self.life: list[str] = []
        self.cancelled = 0
        self._after = list(after)
        self._slow_start = slow_start
        self._fails_to_start = fails_to_start
        self._starts = 0

    async def on_start(self, spawn: Spawn) -> None:
        self._starts += 1
        self.life.append("start")
        if self._slow_start and self._starts > 1:
            await asyncio.sleep(self._slow_start)
        if self._starts in self._fails_to_start:
            raise OSError("no disk")
        if self._after:
            spawn(self._work(self._after.pop(0)))

    async def on_stop(self) -> None:
        self.life.append("stop")

    async def _work(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        raise OSError("the disk is on fire")

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> str:
        try:
            await asyncio.sleep(request.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "three documents"

    @hears(Note)
    async def note(self, message: Note, ctx: Context) -> None:
        self.life.append(message.text)


def bus_with(agent: Agent, most: int = 3, seconds: float = 60.0) -> Bus:
    bus = Bus(BusOptions(restarts=Restarts(most, seconds)))
    bus.register(agent)
    return bus


async def asked(bus: Bus, **more: Any) -> object:
    try:
        return await bus.ask("mortal", Fetch(**more), timeout=100.0)
    except FablewrightError as error:
        return error


async def quiet(bus: Bus) -> None:
    await asyncio.sleep(0.01)
    seen = bus.statistics()
    assert seen.pending == 0
    assert seen.asked == sum(seen.outcomes.values())
    assert all(agent.running == agent.waiting == 0 for agent in seen.agents.values())


async def no_task_left(before: set[asyncio.Task[Any]]) -> None:
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() - before == set()


# ------------------------------------------------------------------ crash and restart


async def test_a_crash_in_the_background_is_told_at_once_and_the_agent_works_again() -> None:
    agent = Mortal(1.0)
    async with bus_with(agent) as bus:
        waiting = [
            asyncio.get_running_loop().create_task(asked(bus, seconds=50.0)) for _ in range(5)
        ]  # two run, three are queued
        await asyncio.sleep(0)
        for text in ("a", "b"):
            bus.tell("mortal", Note(text))
        ends = await asyncio.gather(*waiting)
        assert [type(end) for end in ends] == [PeerLost] * 5
        assert "the disk is on fire" in str(ends[0])
        assert bus.now() == pytest.approx(1.0)
        assert [(letter.reason, letter.body) for letter in bus.dead_letters()] == [
            (Reason.UNDELIVERABLE, Note("a")),
            (Reason.UNDELIVERABLE, Note("b")),
        ]
        assert await asked(bus) == "three documents"
        assert bus.now() == pytest.approx(1.0)
        assert agent.life == ["start", "stop", "start"]
        assert agent.cancelled == 2
        assert bus.statistics().agents["mortal"].crashes == 1
        await quiet(bus)


async def test_what_is_asked_while_it_restarts_waits_for_it() -> None:
    agent = Mortal(1.0, slow_start=5.0)
    async with bus_with(agent) as bus:
        await asyncio.sleep(2.0)
        assert await asked(bus) == "three documents"
        assert bus.now() == pytest.approx(6.0)
        await quiet(bus)


async def test_a_handler_from_before_the_crash_that_ignores_it_still_counts() -> None:
    """What runs on because it takes no notice of being cancelled takes the place of another until it ends."""
    order: list[str] = []

    class Stubborn(Mortal):
        concurrency = 1

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> str:
            order.append(f"begins {request.seconds:g}")
            until = ctx.now + request.seconds
            while ctx.now < until:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(until - ctx.now)
            order.append(f"ends {request.seconds:g}")
            return "three documents"

    async with bus_with(Stubborn(1.0, slow_start=1.0)) as bus:
        lost = asyncio.get_running_loop().create_task(asked(bus, seconds=5.0))
        await asyncio.sleep(1.5)  # it is being started again
        assert isinstance(await lost, PeerLost)
        assert await asked(bus, seconds=0.5) == "three documents"
        assert bus.now() == pytest.approx(5.5)
        assert order == ["begins 5", "ends 5", "begins 0.5", "ends 0.5"]
        await quiet(bus)


async def test_an_agent_that_crashes_too_often_is_given_up_and_says_so() -> None:
    agent = Mortal(1.0, 1.0, 1.0, 1.0, 1.0)
    async with bus_with(agent, most=2) as bus:
        waiting = asyncio.get_running_loop().create_task(asked(bus, seconds=0.0))
        assert await waiting == "three documents"
        await asyncio.sleep(2.5)
        last = asyncio.get_running_loop().create_task(asked(bus, seconds=50.0))
        await asyncio.sleep(1.0)
        assert isinstance(await last, PeerLost)
        refused = await asked(bus)
        assert isinstance(refused, Rejected)
        assert str(refused) == "mortal crashed 3 times within 60 s and is not restarted."
        assert bus.now() == pytest.approx(3.5)
        bus.tell("mortal", Note("hello"))
        assert bus.dead_letters()[-1].reason is Reason.UNDELIVERABLE
        await asyncio.sleep(60.0)
        assert agent.life == ["start", "stop"] * 3
        await quiet(bus)


async def test_crashes_that_are_long_ago_do_not_count() -> None:
    agent = Mortal(*[31.0] * 10)
    async with bus_with(agent, most=2, seconds=60.0) as bus:
        await asyncio.sleep(330.0)
        assert await asked(bus) == "three documents"
        assert agent.life.count("start") == 11


async def test_no_restarts_at_all() -> None:
    agent = Mortal(1.0)
    async with bus_with(agent, most=0) as bus:
        await asyncio.sleep(2.0)
        assert isinstance(await asked(bus), Rejected)
        assert agent.life == ["start", "stop"]


async def test_an_agent_that_crashes_as_it_restarts_is_tried_again_within_its_intensity() -> None:
    agent = Mortal(1.0, fails_to_start=(2, 3))
    async with bus_with(agent) as bus:
        await asyncio.sleep(2.0)
        assert await asked(bus) == "three documents"
        assert agent.life == ["start", "stop", "start", "start", "start"]
        assert bus.statistics().agents["mortal"].crashes == 3


async def test_an_agent_that_never_restarts_is_given_up() -> None:
    agent = Mortal(1.0, fails_to_start=tuple(range(2, 99)))
    async with bus_with(agent, most=5) as bus:
        await asyncio.sleep(2.0)
        assert isinstance(await asked(bus), Rejected)
        assert agent.life.count("start") == 6
        await quiet(bus)


async def test_it_may_crash_again_while_it_restarts() -> None:
    agent = Mortal(slow_start=5.0)
    async with bus_with(agent) as bus:
        bus.crash("mortal")
        await asyncio.sleep(1.0)
        waiting = asyncio.get_running_loop().create_task(asked(bus))
        await asyncio.sleep(1.0)
        bus.crash("mortal")
        assert isinstance(await waiting, PeerLost)
        assert bus.now() == pytest.approx(2.0)
        assert await asked(bus) == "three documents"
        assert bus.now() == pytest.approx(10.0)  # the life that began before the second crash is not lived
        await asyncio.sleep(20.0)
        assert agent.life.count("start") - agent.life.count("stop") == 1  # it lives once
        assert await asked(bus) == "three documents"
        await quiet(bus)


async def test_a_crash_while_the_others_start_up() -> None:
    class Slow(Agent):
        name = "slow"

        async def on_start(self, spawn: Spawn) -> None:
            await asyncio.sleep(5.0)

    agent = Mortal(1.0)
    bus = bus_with(agent)
    bus.register(Slow())
    async with bus:
        assert bus.now() == pytest.approx(5.0)
        assert await asked(bus) == "three documents"
        assert agent.life == ["start", "stop", "start"]


async def test_a_background_task_that_just_ends_is_no_crash() -> None:
    class Busy(Mortal):
        async def _work(self, seconds: float) -> None:
            await asyncio.sleep(seconds)

    agent = Busy(1.0)
    async with bus_with(agent) as bus:
        await asyncio.sleep(5.0)
        assert agent.life == ["start"]
        assert bus.statistics().tasks == 0


async def test_what_on_stop_raises_does_not_keep_it_from_its_restart(caplog: pytest.LogCaptureFixture) -> None:
    class Clumsy(Mortal):
        async def on_stop(self) -> None:
            raise ValueError("where was I")

    async with bus_with(Clumsy(1.0)) as bus:
        await asyncio.sleep(2.0)
        assert await asked(bus) == "three documents"
    assert "where was I" in caplog.text


async def test_crashing_nobody_is_said_to_whoever_does_it() -> None:
    async with bus_with(Mortal()) as bus:
        with pytest.raises(ContractViolation, match="no agent named nobody"):
            bus.crash("nobody")


async def test_given_up_while_it_starts_and_fails_to_it_leaves_no_task() -> None:
    class Half(Mortal):
        async def on_start(self, spawn: Spawn) -> None:
            self.life.append("start")
            if len(self.life) > 1:
                await asyncio.sleep(5.0)
                spawn(asyncio.sleep(1000.0))
                raise OSError("no disk")

    async with bus_with(Half(), most=1) as bus:
        bus.crash("mortal")
        await asyncio.sleep(1.0)
        bus.crash("mortal")
        await asyncio.sleep(5.0)
        assert isinstance(await asked(bus), Rejected)
        assert bus.statistics().tasks == 0


# ------------------------------------------------------------------ stopping, removing, adding


@pytest.mark.parametrize("crash_at", [0.0, 0.5, 1.0])
async def test_stopping_while_it_restarts_leaves_nothing(crash_at: float) -> None:
    before = asyncio.all_tasks()
    agent = Mortal(slow_start=1.0)
    bus = bus_with(agent)
    await bus.start()
    asyncio.get_running_loop().call_later(crash_at, bus.crash, "mortal")
    await asyncio.sleep(1.0)
    waiting = asyncio.get_running_loop().create_task(asked(bus, seconds=50.0))
    await asyncio.sleep(0.1)
    await bus.stop()
    assert isinstance(await waiting, PeerLost | Rejected)
    assert agent.life[-1] == "stop" or agent.life.count("start") > agent.life.count("stop")
    await quiet(bus)
    await no_task_left(before)


async def test_a_crash_after_the_stop_changes_nothing() -> None:
    before = asyncio.all_tasks()
    agent = Mortal()
    bus = bus_with(agent)
    await bus.start()
    await bus.stop()
    with contextlib.suppress(ContractViolation):
        bus.crash("mortal")
    await asyncio.sleep(10.0)
    assert agent.life == ["start", "stop"]
    await no_task_left(before)


async def test_an_agent_is_removed_while_it_is_asked_and_another_takes_its_name() -> None:
    first, second = Mortal(), Mortal()
    async with bus_with(first) as bus:
        assert await asked(bus) == "three documents"
        waiting = asyncio.get_running_loop().create_task(asked(bus, seconds=50.0))
        await asyncio.sleep(1.0)
        await bus.remove("mortal")
        assert isinstance(await waiting, PeerLost)
        assert isinstance(await asked(bus), UnknownRecipient)
        await bus.add(second)
        assert await asked(bus) == "three documents"
        assert (first.life, second.life) == (["start", "stop"], ["start"])
        assert first.cancelled == 1
        with pytest.raises(ContractViolation, match="already"):
            await bus.add(Mortal())
        await quiet(bus)


async def test_an_agent_that_is_removed_while_it_restarts_stays_removed() -> None:
    before = asyncio.all_tasks()
    agent = Mortal(slow_start=5.0)
    async with bus_with(agent) as bus:
        bus.crash("mortal")
        await asyncio.sleep(1.0)
        await bus.remove("mortal")
        await asyncio.sleep(20.0)
        assert isinstance(await asked(bus), UnknownRecipient)
        assert agent.life.count("start") - agent.life.count("stop") <= 1
        await no_task_left(before)


async def test_removed_and_added_while_the_old_one_restarts() -> None:
    first, second = Mortal(slow_start=5.0), Mortal()
    async with bus_with(first) as bus:
        bus.crash("mortal")
        await asyncio.sleep(1.0)
        await bus.remove("mortal")
        await bus.add(second)
        assert await asked(bus) == "three documents"
        waiting = asyncio.get_running_loop().create_task(asked(bus, seconds=10.0))
        await asyncio.sleep(8.0)
        assert not waiting.done()  # the old one's restart touches nobody
        assert await waiting == "three documents"
        assert second.life == ["start"]


async def test_an_agent_that_cannot_start_is_not_there() -> None:
    async with bus_with(Mortal()) as bus:

        class Other(Mortal):
            name = "other"

        with pytest.raises(OSError, match="no disk"):
            await bus.add(Other(fails_to_start=(1,)))
        with pytest.raises(UnknownRecipient):
            await bus.ask("other", Fetch())
        await bus.add(Other())
        assert await bus.ask("other", Fetch()) == "three documents"


async def test_who_asked_an_agent_that_then_cannot_start_hears_of_it_at_once() -> None:
    class Late(Mortal):
        name = "late"

        async def on_start(self, spawn: Spawn) -> None:
            await asyncio.sleep(2.0)
            raise OSError("no disk")

    async with bus_with(Mortal()) as bus:
        adding = asyncio.get_running_loop().create_task(bus.add(Late()))
        await asyncio.sleep(1.0)
        with pytest.raises(PeerLost, match="late could not start"):
            await bus.ask("late", Fetch())
        assert bus.now() == pytest.approx(2.0)
        with pytest.raises(OSError, match="no disk"):
            await adding
        with pytest.raises(UnknownRecipient):
            await bus.ask("late", Fetch())


async def test_what_it_spawned_before_it_failed_to_start_is_ended() -> None:
    class Half(Mortal):
        name = "half"

        async def on_start(self, spawn: Spawn) -> None:
            spawn(asyncio.sleep(1000.0))
            raise OSError("no disk")

    async with bus_with(Mortal()) as bus:
        await asyncio.sleep(0.1)
        before = asyncio.all_tasks()
        with pytest.raises(OSError, match="no disk"):
            await bus.add(Half())
        await no_task_left(before)


# ------------------------------------------------------------------ at any moment


@pytest.mark.parametrize("seed", range(40))
def test_crashes_and_asks_at_the_same_instants_in_any_order(seed: int) -> None:
    """Whoever asks has one end; a crash costs at most what was under way."""

    async def play() -> None:
        before = asyncio.all_tasks()
        loop = asyncio.get_running_loop()
        agent = Mortal(1.0, 1.0, slow_start=float(seed % 2))
        ends: list[asyncio.Task[object]] = []
        async with bus_with(agent, most=seed % 4) as bus:

            def ask() -> None:
                ends.append(loop.create_task(asked(bus, seconds=float(seed % 3))))

            acts: list[Callable[[], object]] = [ask, ask, lambda: bus.crash("mortal"), ask, ask]
            for second in (1.0, 2.0, 3.0):
                for act in acts:
                    loop.call_at(second, act)
            await asyncio.sleep(20.0)
            assert len(ends) == 12
            for end in await asyncio.gather(*ends):
                assert end == "three documents" or isinstance(end, PeerLost | Rejected)
            assert agent.life.count("start") - agent.life.count("stop") in {0, 1}
            await quiet(bus)
        await no_task_left(before)

    run_virtual(play(), seed=seed)
