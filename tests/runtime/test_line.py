"""A bus over a transport that drops, repeats, delays and overtakes each kind of parcel: I1, I2, I5, I7, I14, I15."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import (
    Cancelled,
    DeadlineExceeded,
    FablewrightError,
    MailboxFull,
    PeerLost,
    RemoteError,
    UnknownRecipient,
)
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.envelope import Envelope
from fablewright.protocol.message import Message, Request
from fablewright.protocol.pending import Ended, Withdraw
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.faults import FaultPlan, Faults
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.context import Context
    from fablewright.runtime.transport import Parcel

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    seconds: float = 0.0
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Note(Message):
    action: ClassVar[str] = "note"


@dataclass(frozen=True, slots=True)
class Unheard(Request[str]):
    action: ClassVar[str] = "unheard"


class Keeper(Agent):
    """Counts what it does, by message id."""

    name = "keeper"

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.started: dict[str, float] = {}
        self.stopped: dict[str, float] = {}
        self.deadlines: dict[str, float] = {}

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> str:
        me = ctx.envelope.message_id
        self.effects[me] += 1
        self.started[me] = ctx.now
        self.deadlines[me] = ctx.envelope.deadline or 0.0
        try:
            await asyncio.sleep(request.seconds)
        finally:
            self.stopped[me] = ctx.now
        if request.fails:
            raise OSError("no disk")
        return "three documents"

    @hears(Note)
    async def note(self, message: Note, ctx: Context) -> None:
        self.effects[ctx.envelope.message_id] += 1


class Nasty:
    """Does what it is told to with each kind of parcel: seconds after which it arrives, once for each number."""

    def __init__(self, fate: dict[type, tuple[float, ...]]) -> None:
        self._fate = fate

    def carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        for seconds in self._fate.get(type(parcel), (0.0,)):
            if seconds:
                asyncio.get_running_loop().call_later(seconds, deliver)
            else:
                deliver()


def bus_with(agent: Agent, transport: Any, **policy: Any) -> Bus:
    policies = {("keeper", "fetch"): Policy(**policy)} if policy else {}
    bus = Bus(BusOptions(transport=transport, policies=policies, draw=lambda: 0.5))
    bus.register(agent)
    return bus


async def asked(bus: Bus, request: Request[str], timeout: float = 5.0) -> object:
    try:
        return await bus.ask("keeper", request, timeout=timeout)
    except FablewrightError as error:
        return error


async def quiet(bus: Bus) -> None:
    await asyncio.sleep(0.1)
    seen = bus.statistics()
    assert (seen.pending, seen.tasks) == (0, 0)
    assert seen.asked == sum(seen.outcomes.values())
    assert [(agent.waiting, agent.running) for agent in seen.agents.values()] == [(0, 0)] * len(seen.agents)
    assert bus._dispatch.line is not None
    assert len(bus._dispatch.line._receiving) == 0


FATES = {"dropped": (), "doubled": (0.0, 0.5), "doubled late": (0.25, 9.0), "delayed": (1.0,), "very late": (8.0,)}


@pytest.mark.parametrize("request_fate", FATES)
@pytest.mark.parametrize("outcome_fate", FATES)
@pytest.mark.parametrize("withdrawal_fate", FATES)
async def test_each_ask_ends_once_and_is_done_at_most_once(
    request_fate: str, outcome_fate: str, withdrawal_fate: str
) -> None:
    fate = {Envelope: FATES[request_fate], Ended: FATES[outcome_fate], Withdraw: FATES[withdrawal_fate]}
    agent = Keeper()
    async with bus_with(agent, Nasty(fate)) as bus:
        requests = [Fetch(), Fetch(fails=True), Fetch(seconds=2.0), Fetch(seconds=60.0)]
        tasks = [asyncio.get_running_loop().create_task(asked(bus, request)) for request in requests for _ in range(3)]
        await asyncio.sleep(0.5)
        for task in tasks[::3]:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert bus.now() <= 5.05  # I6
        for end in ends:
            assert end == "three documents" or isinstance(end, RemoteError | DeadlineExceeded | asyncio.CancelledError)
        await asyncio.sleep(20.0)
        assert set(agent.effects.values()) <= {1}  # I14
        for me, stopped in agent.stopped.items():  # also where the word that nobody waits was lost
            assert agent.started[me] < agent.deadlines[me]  # I5
            assert stopped <= agent.deadlines[me] + 0.01
        assert agent.started.keys() == agent.stopped.keys()
        await quiet(bus)


async def test_a_withdrawal_that_overtakes_its_request_keeps_it_from_being_begun() -> None:
    agent = Keeper()
    async with bus_with(agent, Nasty({Envelope: (1.0,)})) as bus:
        task = asyncio.get_running_loop().create_task(asked(bus, Fetch(seconds=2.0)))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.sleep(3.0)
        assert task.cancelled()
        assert agent.started == {}
        await quiet(bus)


async def test_cancelling_stops_the_work_on_the_other_side() -> None:
    agent = Keeper()
    async with bus_with(agent, Nasty({})) as bus:
        task = asyncio.get_running_loop().create_task(asked(bus, Fetch(seconds=60.0)))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.sleep(0.1)
        assert list(agent.stopped.values()) == [pytest.approx(0.5)]
        await quiet(bus)


async def test_a_second_delivery_says_nothing_about_the_first() -> None:
    agent = Keeper()
    async with bus_with(agent, Nasty({Envelope: (0.0, 0.5)})) as bus:
        end = await asked(bus, Fetch(seconds=60.0))
        assert isinstance(end, DeadlineExceeded)
        assert end.started
        assert [letter.reason for letter in bus.dead_letters()] == [Reason.DUPLICATE]


async def test_refusals_come_back_over_the_line() -> None:
    class Small(Keeper):
        concurrency = 1
        mailbox_capacity = 1

    async with bus_with(Small(), Nasty({Envelope: (0.1,), Ended: (0.1,)})) as bus:
        ends = await asyncio.gather(*(asked(bus, Fetch(seconds=1.0)) for _ in range(4)))
        assert Counter(type(end) for end in ends) == {str: 2, MailboxFull: 2}
        assert isinstance(await asked(bus, Unheard()), UnknownRecipient)
        await quiet(bus)


async def test_a_tell_is_heard_once_or_buried() -> None:
    agent = Keeper()
    async with bus_with(agent, Nasty({Envelope: (0.1, 0.2, 0.3)})) as bus:
        bus.tell("keeper", Note())
        await asyncio.sleep(1.0)
        assert list(agent.effects.values()) == [1]
        assert [letter.reason for letter in bus.dead_letters()] == [Reason.DUPLICATE] * 2
        bus.tell("keeper", Note())
        await bus.remove("keeper")
        await asyncio.sleep(1.0)
        assert [letter.reason for letter in bus.dead_letters()][2:] == [
            Reason.UNDELIVERABLE,
            Reason.DUPLICATE,
            Reason.DUPLICATE,
        ]


async def test_a_late_outcome_is_told_over_the_line_too() -> None:
    agent, told = Keeper(), list[str]()
    async with bus_with(agent, Nasty({Ended: (2.0, 3.0)}), linger=9.0) as bus:
        with pytest.raises(DeadlineExceeded):
            await bus.ask("keeper", Fetch(), timeout=1.0, on_late=told.append)
        await asyncio.sleep(5.0)
        assert told == ["three documents"]
        await quiet(bus)


async def test_what_lingers_is_stopped_at_its_end_though_the_withdrawal_is_lost() -> None:
    agent = Keeper()
    async with bus_with(agent, Nasty({Withdraw: ()}), linger=3.0) as bus:
        assert isinstance(await asked(bus, Fetch(seconds=60.0), timeout=1.0), DeadlineExceeded)
        await asyncio.sleep(2.5)
        assert agent.stopped == {}
        await asyncio.sleep(1.0)
        assert list(agent.stopped.values()) == [pytest.approx(4.0)]
        await quiet(bus)


@pytest.mark.parametrize("seed", range(25))
def test_all_faults_at_once_with_retries_and_flights(seed: int) -> None:
    plan = FaultPlan(drop=0.1, duplicate=0.1, delay=0.2, reorder=0.2, longest_delay=2.0, poison=0.1, slow=0.1)

    async def play() -> None:
        faults = Faults(plan, seed=seed)
        agent = faults.upset(Keeper())
        policy: dict[str, Any] = {"share": bool(seed % 2), "retry": RetryRules(2), "attempt_timeout": 1.0}
        async with bus_with(agent, faults, hedge=seed % 3 == 0, linger=seed % 5 / 2, **policy) as bus:
            faults.begin(bus)
            loop = asyncio.get_running_loop()
            tasks = []
            for n in range(150):
                task = asyncio.get_running_loop().create_task(asked(bus, Fetch(seconds=n % 4 / 4), timeout=1.0 + n % 3))
                tasks.append(task)
                if n % 6 == 0:
                    loop.call_later(n % 5 / 8, task.cancel)
                await asyncio.sleep(n % 3 / 128)
            bus.crash("keeper")
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            kinds = {type(end) for end in ends}
            assert kinds <= {str, RemoteError, DeadlineExceeded, PeerLost, Cancelled, asyncio.CancelledError}
            assert set(agent.effects.values()) <= {1}
            await asyncio.sleep(10.0)
            await quiet(bus)

    run_virtual(play(), seed=seed)


async def test_stopping_in_the_middle_leaves_nothing_to_arrive_at() -> None:
    agent = Keeper()
    before = asyncio.all_tasks()
    bus = bus_with(agent, Nasty({Envelope: (0.5,), Ended: (0.5,), Withdraw: (0.5,)}))
    await bus.start()
    tasks = [asyncio.get_running_loop().create_task(asked(bus, Fetch(seconds=n / 4))) for n in range(8)]
    await asyncio.sleep(1.1)
    tasks.append(asyncio.get_running_loop().create_task(asked(bus, Fetch())))
    await asyncio.sleep(0.1)
    await bus.stop()
    ends = await asyncio.gather(*tasks)
    assert {type(end) for end in ends} == {str, PeerLost}
    await asyncio.sleep(5.0)
    assert asyncio.all_tasks() == before
    assert len(agent.effects) == 8  # what arrives after the stop is not begun
    await quiet(bus)
