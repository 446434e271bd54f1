"""The answering side of a transport, by itself and at the end of a bus's line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import DeadlineExceeded, PeerLost, UnknownRecipient
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.message import Message, Request
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.arrivals import Arrivals
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.context import Context
    from fablewright.runtime.transport import Parcel


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


def now() -> float:
    return asyncio.get_running_loop().time()


def envelope(message_id: str, to: str = "a") -> Envelope:
    return Envelope(message_id, Kind.ASK, "", to, "do", None, message_id)


class Stopped(list[tuple[str, str, float]]):
    """What was stopped, by whom it was handled, and when."""

    def note(self, message_id: str, to: str) -> None:
        self.append((message_id, to, now()))


# ------------------------------------------------------------------ nothing is handled twice


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 6))
def test_what_came_is_remembered_for_as_many_messages_as_it_is_told(ids: list[int], remember: int) -> None:
    arrivals = Arrivals(lambda _id, _to: None, remember=remember)
    kept: list[int] = []  # the oracle: what was new, in the order in which it came
    for n in ids:
        is_new = arrivals.is_new(envelope(str(n)))
        if n in kept[-remember:]:
            assert not is_new
        if n not in kept[-2 * remember :]:
            assert is_new
        if is_new:
            kept.append(n)
        assert len(arrivals._seen) + len(arrivals._seen_before) <= 2 * remember


def test_four_thousand_messages_are_remembered_unless_told_otherwise() -> None:
    arrivals = Arrivals(lambda _id, _to: None)
    assert all(arrivals.is_new(envelope(str(n))) for n in range(4096))
    assert not any(arrivals.is_new(envelope(str(n))) for n in range(4096))


# ------------------------------------------------------------------ nothing goes on after its time


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 16), st.none() | st.integers(0, 24)), max_size=20),
    st.integers(0, 2**32),
)
def test_what_is_not_answered_in_its_time_is_stopped_once_and_then(
    requests: list[tuple[int, int, int | None]], seed: int
) -> None:
    async def main() -> Stopped:
        stopped = Stopped()
        arrivals, loop = Arrivals(stopped.note), asyncio.get_running_loop()
        for n, (begins, lasts, answered) in enumerate(requests):
            loop.call_at(begins, lambda n=n, until=begins + lasts: arrivals.begin(envelope(f"m{n}"), until, now()))
            if answered is not None:  # between two instants of the grid, so that nothing depends on the order
                ended = Ended(begins + answered + 0.5, f"m{n}", Outcome.REPLIED)
                loop.call_at(ended.now, arrivals.end, ended)
        await asyncio.sleep(100)
        assert len(arrivals) == 0
        assert arrivals._timer is None
        return stopped

    late = [
        (f"m{n}", "a", float(begins + lasts))
        for n, (begins, lasts, answered) in enumerate(requests)
        if answered is None or answered + 0.5 > lasts
    ]
    assert sorted(run_virtual(main(), seed=seed)) == sorted(late)


@pytest.mark.anyio
async def test_what_is_answered_at_the_last_instant_is_not_stopped() -> None:
    stopped = Stopped()
    arrivals = Arrivals(stopped.note)
    arrivals.begin(envelope("m"), 1.0, 0.0)
    arrivals.end(Ended(1.0, "m", Outcome.REPLIED))
    arrivals.end(Ended(1.0, "m", Outcome.REPLIED))
    await asyncio.sleep(2.0)
    assert stopped == []
    assert len(arrivals) == 0


@pytest.mark.anyio
async def test_more_than_a_slice_is_stopped_at_one_instant() -> None:
    stopped = Stopped()
    arrivals = Arrivals(stopped.note)
    for n in range(1000):
        arrivals.begin(envelope(f"m{n:03}", "a" if n % 2 else "b"), 1.0, 0.0)
    assert repr(arrivals) == "<Arrivals under_way=1000>"
    await asyncio.sleep(1.5)
    assert stopped == [(f"m{n:03}", "a" if n % 2 else "b", 1.0) for n in range(1000)]


@pytest.mark.anyio
async def test_it_wakes_for_the_earliest_with_one_timer() -> None:
    stopped = Stopped()
    arrivals = Arrivals(stopped.note)
    for n, until in enumerate((5.0, 3.0, 4.0)):
        arrivals.begin(envelope(f"m{n}"), until, 0.0)
    timers = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]  # the loop's own queue
    assert [timer.when() for timer in timers] == [3.0]
    await asyncio.sleep(6.0)
    assert [(message_id, at) for message_id, _, at in stopped] == [("m1", 3.0), ("m2", 4.0), ("m0", 5.0)]


@pytest.mark.anyio
async def test_who_lets_go_of_the_timer_is_not_woken() -> None:
    stopped = Stopped()
    arrivals = Arrivals(stopped.note)
    arrivals.begin(envelope("m"), 1.0, 0.0)
    arrivals.stop()
    arrivals.stop()
    await asyncio.sleep(2.0)
    assert stopped == []


# ------------------------------------------------------------------ at the end of a bus's line


@dataclass(frozen=True, slots=True)
class Do(Request[str]):
    action: ClassVar[str] = "do"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Note(Message):
    action: ClassVar[str] = "note"


class Doer(Agent):
    name = "doer"
    concurrency = 2
    mailbox_capacity = 1

    def __init__(self) -> None:
        self.started = 0
        self.noted = 0
        self.stopped_at: list[float] = []

    @handles(Do)
    async def do(self, request: Do, ctx: Context) -> str:
        self.started += 1
        try:
            await asyncio.sleep(request.seconds)
        except asyncio.CancelledError:
            self.stopped_at.append(ctx.now)
            raise
        return "done"

    @hears(Note)
    async def note(self, message: Note, ctx: Context) -> None:
        self.noted += 1


class Bearer:
    """A transport that takes ``delay`` seconds, brings each parcel ``times``, and loses what ``loses`` says."""

    def __init__(self, *, delay: float = 0.125, times: int = 1, loses: type | None = None) -> None:
        self.delay = delay
        self.times = times
        self.loses = loses

    def carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        if self.loses is None or not isinstance(parcel, self.loses):
            for _ in range(self.times):
                asyncio.get_running_loop().call_later(self.delay, deliver)


def bus_with(transport: Bearer, **policies: Policy) -> tuple[Bus, Doer]:
    options = BusOptions(transport=transport, policies={("doer", action): policies[action] for action in policies})
    bus, doer = Bus(options), Doer()
    bus.register(doer)
    return bus, doer


def reasons(bus: Bus) -> list[Reason]:
    return [letter.reason for letter in bus.dead_letters()]


@pytest.mark.anyio
async def test_a_request_goes_there_and_its_outcome_comes_back() -> None:
    bus, doer = bus_with(Bearer())
    async with bus:
        assert await bus.ask("doer", Do(0.5)) == "done"
        assert now() == 0.75
    assert doer.started == 1
    assert reasons(bus) == []


@pytest.mark.anyio
async def test_what_comes_twice_is_handled_once_and_answered_once() -> None:
    bus, doer = bus_with(Bearer(times=3))
    async with bus:
        assert await bus.ask("doer", Do(0.5)) == "done"
        bus.tell("doer", Note())
        await asyncio.sleep(1.0)
    assert (doer.started, doer.noted) == (1, 1)
    assert reasons(bus) == [Reason.DUPLICATE] * 6  # two requests, two outcomes, two notes


@pytest.mark.anyio
@pytest.mark.parametrize("loses", [None, Withdraw])
async def test_a_handler_is_stopped_at_the_deadline_also_when_word_of_it_is_lost(loses: type | None) -> None:
    bus, doer = bus_with(Bearer(loses=loses))
    async with bus:
        with pytest.raises(DeadlineExceeded):
            await bus.ask("doer", Do(60.0), timeout=1.0)
        assert now() == 1.0
        await asyncio.sleep(1.0)
    assert doer.stopped_at == [1.0]


@pytest.mark.anyio
async def test_work_that_may_linger_is_stopped_when_that_is_over_though_word_of_it_is_lost() -> None:
    bus, doer = bus_with(Bearer(loses=Withdraw), do=Policy(linger=2.0))
    async with bus:
        with pytest.raises(DeadlineExceeded):
            await bus.ask("doer", Do(60.0), timeout=1.0)
        await asyncio.sleep(5.0)
    assert doer.stopped_at == [3.0]


@pytest.mark.anyio
async def test_a_lost_request_and_a_lost_outcome_end_at_the_deadline() -> None:
    for loses in (Envelope, Ended):
        bus, doer = bus_with(Bearer(loses=loses))
        async with bus:
            began = now()
            with pytest.raises(DeadlineExceeded):
                await bus.ask("doer", Do(), timeout=1.0)
            assert now() == began + 1.0
        assert doer.started == (loses is Ended)


@pytest.mark.anyio
async def test_what_arrives_after_its_deadline_is_not_begun() -> None:
    bus, doer = bus_with(Bearer(delay=2.0))
    async with bus:
        with pytest.raises(DeadlineExceeded):
            await bus.ask("doer", Do(), timeout=2.0)
        await asyncio.sleep(5.0)
    assert doer.started == 0
    assert reasons(bus) == [Reason.EXPIRED]


@pytest.mark.anyio
async def test_a_cancel_travels_to_the_handler() -> None:
    bus, doer = bus_with(Bearer())
    async with bus:
        asking = asyncio.ensure_future(bus.ask("doer", Do(60.0)))  # noqa: TID251 - the caller that is cancelled
        await asyncio.sleep(1.0)
        asking.cancel()
        await asyncio.sleep(1.0)
    assert doer.stopped_at == [1.125]


@pytest.mark.anyio
async def test_what_cannot_be_taken_when_it_arrives_comes_back_as_a_refusal() -> None:
    bus, doer = bus_with(Bearer())
    async with bus:
        asks = [bus.ask("doer", Do(1.0)) for _ in range(5)]
        answers = await asyncio.gather(*asks, return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in answers) == ["MailboxFull"] * 2 + ["str"] * 3
        on_the_way = asyncio.ensure_future(bus.ask("doer", Do()))  # noqa: TID251 - a caller beside the one who removes
        await asyncio.sleep(0.0625)
        await bus.remove("doer")
        with pytest.raises((UnknownRecipient, PeerLost)):
            await on_the_way
        bus.tell("doer", Note())
        await asyncio.sleep(1.0)
    assert doer.started == 3
    assert set(reasons(bus)) <= {Reason.UNDELIVERABLE, Reason.AFTER_LOSS}


@pytest.mark.anyio
async def test_a_tell_that_cannot_be_taken_when_it_arrives_is_buried() -> None:
    bus, doer = bus_with(Bearer())
    async with bus:
        bus.tell("doer", Note())
        await bus.remove("doer")
        await asyncio.sleep(1.0)
    assert doer.noted == 0
    assert reasons(bus) == [Reason.UNDELIVERABLE]


@pytest.mark.anyio
async def test_a_stopped_bus_leaves_no_timer_behind() -> None:
    bus, _ = bus_with(Bearer())
    async with bus:
        asks = [asyncio.ensure_future(bus.ask("doer", Do(60.0))) for _ in range(2)]  # noqa: TID251 - callers beside
        await asyncio.sleep(1.0)
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [PeerLost, PeerLost]
    await asyncio.sleep(1.0)
    timers = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]  # the loop's own queue
    assert timers == []
