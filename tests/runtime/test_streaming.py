from __future__ import annotations

import asyncio
import gc
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import Cancelled, CircuitOpen, ContractViolation, DeadlineExceeded, PeerLost, RemoteError
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.message import Request, StreamRequest
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, handles, streams
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fablewright.runtime.context import Context
    from fablewright.runtime.streaming import Stream
    from fablewright.runtime.transport import Parcel

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Count(StreamRequest[int]):
    action: ClassVar[str] = "count"
    idempotent: ClassVar[bool] = True
    up_to: int
    pause: float = 0.0
    fails_at: int = -1


@dataclass(frozen=True, slots=True)
class CountOnce(StreamRequest[int]):
    action: ClassVar[str] = "count_once"
    fails_at: int = 0


@dataclass(frozen=True, slots=True)
class Double(StreamRequest[int]):
    action: ClassVar[str] = "double"
    up_to: int
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Sum(Request[int]):
    action: ClassVar[str] = "sum"
    up_to: int


class Counter(Agent):
    name = "counter"

    def __init__(self) -> None:
        self.made = 0
        self.calls = 0
        self.closed_at: list[float] = []
        self.deadlines: list[float] = []
        self.fails_before_the_first = 0

    @streams(Count)
    async def count(self, request: Count, ctx: Context) -> AsyncIterator[int]:
        self.calls += 1
        self.deadlines.append(ctx.envelope.deadline or 0.0)
        task = asyncio.current_task()
        if self.calls <= self.fails_before_the_first:
            raise OSError("not yet")
        try:
            for number in range(request.up_to):
                if number == request.fails_at:
                    raise ValueError("no further")
                if request.pause:
                    await asyncio.sleep(request.pause)
                self.made += 1
                yield number
        finally:
            assert asyncio.current_task() is task  # closed by whoever ran it, not by the collector
            self.closed_at.append(ctx.now)

    @streams(CountOnce)
    async def count_once(self, request: CountOnce, ctx: Context) -> AsyncIterator[int]:
        self.calls += 1
        for number in range(request.fails_at):
            yield number
        raise OSError("once is enough")

    @handles(Sum)
    async def sum(self, request: Sum, ctx: Context) -> int:
        self.calls += 1
        return request.up_to


class Doubler(Agent):
    """Streams what it makes of another's stream, and asks it for something else besides."""

    name = "doubler"

    def __init__(self) -> None:
        self.sums: list[int] = []

    @streams(Double)
    async def double(self, request: Double, ctx: Context) -> AsyncIterator[int]:
        self.sums.append(await ctx.ask("counter", Sum(request.up_to)))
        async for number in ctx.ask_stream("counter", Count(request.up_to), timeout=request.timeout):
            yield 2 * number


async def quiet(bus: Bus) -> None:
    """Nothing is left over: I7."""
    for _ in range(4):
        await asyncio.sleep(0)
    statistics = bus.statistics()
    assert (statistics.pending, statistics.tasks, len(bus._dispatch.channels)) == (0, 0, 0)
    assert statistics.asked == sum(statistics.outcomes.values())


async def read(stream: Stream[int], pause: float = 0.0) -> tuple[list[int], Exception | None]:
    """Read to the end; return the pieces, and what it ended with."""
    pieces: list[int] = []
    try:
        async for piece in stream:
            pieces.append(piece)
            await asyncio.sleep(pause)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
        return pieces, error
    return pieces, None


def started(*agents: Agent, **options: Any) -> Bus:
    bus = Bus(BusOptions(**options))
    for agent in agents:
        bus.register(agent)
    return bus


# ------------------------------------------------------------------ order, one end, bounds


@given(
    up_to=st.integers(0, 40),
    room=st.integers(1, 9),
    made=st.sampled_from([0.0, 0.25, 1.0]),
    taken=st.sampled_from([0.0, 0.25, 1.0]),
    fails_at=st.integers(-1, 40),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_all_pieces_come_once_in_order_and_no_more_are_made_than_there_is_room_for(  # noqa: PLR0917 - hypothesis
    up_to: int, room: int, made: float, taken: float, fails_at: int, seed: int | None
) -> None:
    async def main() -> None:
        counter = Counter()
        async with started(counter) as bus:
            pieces: list[int] = []
            error: Exception | None = None
            stream = bus.ask_stream("counter", Count(up_to, made, fails_at), room=room, timeout=1000.0)
            try:
                async for piece in stream:
                    pieces.append(piece)
                    assert counter.made - len(pieces) <= room
                    await asyncio.sleep(taken)
                    assert counter.made - len(pieces) <= room
            except RemoteError as caught:
                error = caught
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
            failed = 0 <= fails_at < up_to
            assert pieces == list(range(fails_at if failed else up_to))
            assert (error is not None) == failed
            assert len(counter.closed_at) == 1
            await quiet(bus)

    run_virtual(main(), seed=seed)


async def test_a_reader_that_stands_still_holds_the_handler_at_its_yield() -> None:
    counter = Counter()
    async with started(counter) as bus:
        async with bus.ask_stream("counter", Count(1000), room=4) as stream:
            assert await anext(stream) == 0
            await asyncio.sleep(5.0)
            assert counter.made <= 5  # one was read
            assert counter.closed_at == []
        await asyncio.sleep(0)
        await quiet(bus)
        assert counter.closed_at == [5.0]


async def test_what_comes_of_no_piece_is_an_empty_stream() -> None:
    async with started(Counter()) as bus:
        assert await read(bus.ask_stream("counter", Count(0))) == ([], None)
        await quiet(bus)


@pytest.mark.parametrize("room", [0, -1])
async def test_room_for_nothing_is_refused_to_the_asker(room: int) -> None:
    async with started(Counter()) as bus:
        with pytest.raises(ContractViolation, match="room for at least 1 piece"):
            bus.ask_stream("counter", Count(1), room=room)
        gc.collect()  # a stream that was never one has nothing to clean up either


async def test_a_stream_that_nobody_reads_costs_nothing_and_warns_of_nothing() -> None:
    counter = Counter()
    async with started(counter) as bus:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            stream = bus.ask_stream("counter", Count(3))
            assert "count" in repr(stream)
            del stream
            gc.collect()
        await asyncio.sleep(1.0)
        assert counter.calls == 0
        assert bus.statistics().asked == 0


async def test_two_readers_of_one_stream_are_one_too_many() -> None:
    async with started(Counter()) as bus:
        stream = bus.ask_stream("counter", Count(3, pause=1.0))
        first, second = await asyncio.gather(read(stream), read(stream))
        assert first == ([0, 1, 2], None)
        assert second[0] == []
        assert isinstance(second[1], ContractViolation)
        await quiet(bus)


# ------------------------------------------------------------------ leaving early


async def _break(stream: Stream[int]) -> None:
    async for piece in stream:
        if piece == 2:
            break


async def _aclose(stream: Stream[int]) -> None:
    await anext(stream)
    await stream.aclose()
    await stream.aclose()


async def _leave_the_block(stream: Stream[int]) -> None:
    async with stream as pieces:
        await anext(pieces)


async def _raise_in_the_block(stream: Stream[int]) -> None:
    async def fail() -> None:
        async with stream as pieces:
            await anext(pieces)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def _be_cancelled_at_the_first(stream: Stream[int]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(stream)


async def _be_cancelled_later(stream: Stream[int]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.5):
            await read(stream)


@pytest.mark.parametrize(
    "leave",
    [_break, _aclose, _leave_the_block, _raise_in_the_block, _be_cancelled_at_the_first, _be_cancelled_later],
)
async def test_whoever_leaves_early_stops_the_handler_at_once(leave: Callable[[Any], Any]) -> None:
    counter = Counter()
    async with started(counter) as bus:
        # The stream is dropped with the call: for `break` nothing else tells that its reader left.
        await leave(bus.ask_stream("counter", Count(1000, pause=1.0), timeout=500.0))
        left = bus.now()
        await asyncio.sleep(0.1)
        assert counter.closed_at == [left]
        assert bus.dead_letters() == ()
        await quiet(bus)


async def test_closing_it_from_elsewhere_ends_the_reader() -> None:
    counter = Counter()
    async with started(counter) as bus:
        stream = bus.ask_stream("counter", Count(1000, pause=1.0), timeout=500.0)
        reading = asyncio.gather(read(stream))
        await asyncio.sleep(2.5)
        await stream.aclose()
        [(pieces, error)] = await reading
        assert pieces == [0, 1]
        assert isinstance(error, Cancelled)
        assert bus.now() == 2.5
        await quiet(bus)


async def test_closing_it_between_two_tries_makes_no_further_one() -> None:
    counter = Counter()
    counter.fails_before_the_first = 1
    policies = {("counter", "count"): Policy(retry=RetryRules(2, backoff=2.0))}
    async with started(counter, policies=policies, draw=lambda: 1.0) as bus:
        stream = bus.ask_stream("counter", Count(3))
        reading = asyncio.gather(read(stream))
        await asyncio.sleep(1.0)
        await stream.aclose()
        [(pieces, error)] = await reading
        assert pieces == []
        assert isinstance(error, Cancelled)
        assert counter.calls == 1
        await quiet(bus)


# ------------------------------------------------------------------ other ends


async def test_the_deadline_ends_it_after_what_was_read_and_stops_the_handler() -> None:
    counter = Counter()
    async with started(counter) as bus:
        pieces, error = await read(bus.ask_stream("counter", Count(100, pause=1.0), timeout=3.5))
        assert pieces == [0, 1, 2]
        assert isinstance(error, DeadlineExceeded)
        assert bus.now() == 3.5
        await asyncio.sleep(0.1)
        assert counter.closed_at == [3.5]
        await quiet(bus)


async def test_what_was_made_before_the_end_is_read_by_a_slow_reader_too() -> None:
    async with started(Counter()) as bus:
        pieces, error = await read(bus.ask_stream("counter", Count(100), timeout=3.5, room=8), pause=1.0)
        assert pieces == list(range(len(pieces)))
        assert len(pieces) >= 8
        assert isinstance(error, DeadlineExceeded)


@pytest.mark.parametrize("end", ["stop", "crash", "remove"])
async def test_whoever_is_lost_ends_the_stream_at_once(end: str) -> None:
    counter = Counter()
    bus = started(counter)
    await bus.start()
    reading = asyncio.gather(read(bus.ask_stream("counter", Count(100, pause=1.0), timeout=99.0)))
    await asyncio.sleep(2.5)
    if end == "stop":
        await bus.stop()
    elif end == "crash":
        bus.crash("counter")
    else:
        await bus.remove("counter")
    [(pieces, error)] = await reading
    assert pieces == [0, 1]
    assert isinstance(error, PeerLost)
    assert bus.now() == 2.5
    assert counter.closed_at == [2.5]
    await quiet(bus)
    await bus.stop()


async def test_a_handler_that_goes_on_after_it_was_stopped_reaches_nobody() -> None:
    class Stubborn(Agent):
        name = "stubborn"

        @streams(Count)
        async def count(self, request: Count, ctx: Context) -> AsyncIterator[int]:
            for number in range(request.up_to):
                try:
                    await asyncio.sleep(1.0)
                except asyncio.CancelledError:
                    yield -1
                yield number

    async with started(Stubborn()) as bus:
        async with bus.ask_stream("stubborn", Count(5)) as stream:
            assert await anext(stream) == 0
            await asyncio.sleep(0.5)
        await asyncio.sleep(20.0)
        assert await read(bus.ask_stream("stubborn", Count(2))) == ([0, 1], None)
        await quiet(bus)


async def test_an_error_of_the_handler_that_looks_like_our_own_is_still_an_error() -> None:
    class Gone(Agent):
        name = "gone"

        @streams(Count)
        async def count(self, request: Count, ctx: Context) -> AsyncIterator[int]:
            yield 0
            raise Cancelled("something else was withdrawn")

    async with started(Gone()) as bus:
        pieces, error = await read(bus.ask_stream("gone", Count(5)))
        assert pieces == [0]
        assert isinstance(error, RemoteError)


# ------------------------------------------------------------------ policies


async def test_it_is_tried_again_before_the_first_piece_only() -> None:
    counter = Counter()
    counter.fails_before_the_first = 2
    policies = {("counter", action): Policy(retry=RetryRules(2)) for action in ("count", "count_once")}
    async with started(counter, policies=policies) as bus:
        assert await read(bus.ask_stream("counter", Count(3))) == ([0, 1, 2], None)
        assert counter.calls == 3
        pieces, error = await read(bus.ask_stream("counter", Count(9, fails_at=2)))
        assert (pieces, type(error), counter.calls) == ([0, 1], RemoteError, 4)
        pieces, error = await read(bus.ask_stream("counter", CountOnce()))
        assert (pieces, type(error), counter.calls) == ([], RemoteError, 5)  # not idempotent
        await quiet(bus)


async def test_the_breaker_opens_when_streams_fail_to_begin() -> None:
    policies = {("counter", "count_once"): Policy(breaker=BreakerRules(2))}
    async with started(Counter(), policies=policies) as bus:
        for expected in (RemoteError, RemoteError, CircuitOpen):
            assert isinstance((await read(bus.ask_stream("counter", CountOnce())))[1], expected)


# ------------------------------------------------------------------ wrong ways of asking


async def test_asking_for_a_stream_and_streaming_an_ordinary_reply_are_both_said_clearly() -> None:
    counter = Counter()
    async with started(counter) as bus:
        with pytest.raises(ContractViolation, match=r"counter streams count: use `ask_stream`"):
            await bus.ask("counter", Count(3))  # type: ignore[arg-type]  # the mistake
        with pytest.raises(ContractViolation, match=r"counter does not stream sum: use `ask`"):
            await anext(bus.ask_stream("counter", Sum(3)))  # type: ignore[arg-type, var-annotated]  # the mistake
        assert counter.calls == 0  # neither was begun
        await quiet(bus)


async def test_a_reply_that_is_no_stream_at_all_ends_it_too() -> None:
    class Liar(Counter):
        """Says that it streams what it answers; the number is none of chunks."""

    Liar.streamed = frozenset({"sum"})
    async with started(Liar()) as bus:
        with pytest.raises(ContractViolation, match="counter does not stream sum"):
            await anext(bus.ask_stream("counter", Sum(3)))  # type: ignore[arg-type, var-annotated]  # the mistake
        assert bus.now() == 0.0
        await quiet(bus)


@pytest.mark.parametrize("timeout", [float("nan"), -1.0, float("inf"), 1e12, "5"])
async def test_a_timeout_that_is_no_number_is_refused_when_the_stream_is_made(timeout: Any) -> None:
    async with started(Counter()) as bus:
        with pytest.raises(ContractViolation, match="time-out"):
            bus.ask_stream("counter", Count(1), timeout=timeout)


# ------------------------------------------------------------------ over hops


async def test_a_stream_of_a_stream_shrinks_its_deadline_and_ends_with_its_reader() -> None:
    counter, doubler = Counter(), Doubler()
    async with started(counter, doubler) as bus:
        assert await read(bus.ask_stream("doubler", Double(5, timeout=99.0), timeout=7.0)) == ([0, 2, 4, 6, 8], None)
        assert counter.deadlines == [7.0]
        async with bus.ask_stream("doubler", Double(10_000), room=2) as stream:
            assert [await anext(stream), await anext(stream)] == [0, 2]
        await asyncio.sleep(0.1)
        assert len(counter.closed_at) == 2
        assert doubler.sums == [5, 10_000]
        await quiet(bus)


class Slow:
    """A transport that takes its time."""

    def carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(0.25, deliver)


async def test_over_a_transport_it_comes_and_ends_too() -> None:
    counter = Counter()
    async with started(counter, transport=Slow()) as bus:
        assert await read(bus.ask_stream("counter", Count(40), room=3)) == (list(range(40)), None)
        pieces, error = await read(bus.ask_stream("counter", Count(40, fails_at=2), room=3))
        assert (pieces, type(error)) == ([0, 1], RemoteError)
        async with bus.ask_stream("counter", Count(40, pause=1.0)) as stream:
            assert await anext(stream) == 0
        left = bus.now()
        await asyncio.sleep(2.0)
        assert counter.closed_at[-1] == left + 0.25
        await quiet(bus)
