from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass
from math import ceil, log2
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import ContractViolation, DeadlineExceeded, MailboxFull, PeerLost, RemoteError, WouldDeadlock
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, batches, handles
from fablewright.runtime.bus import Bus
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio

MAX_SIZE, MAX_WAIT = 4, 0.5


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Square(Request[int]):
    action: ClassVar[str] = "square"
    idempotent: ClassVar[bool] = True
    number: int


@dataclass(frozen=True, slots=True)
class Through(Request[int]):
    action: ClassVar[str] = "through"
    number: int


class Squarer(Agent):
    """Squares; numbers from 1000 on are poison, and it takes its time."""

    name = "squarer"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.runs: list[list[int]] = []
        self.began: list[float] = []
        self.contexts: list[Context] = []
        self.at_once = 0
        self.most_at_once = 0
        self.cancelled = 0
        self.result: Any = None

    @batches(Square, max_size=MAX_SIZE, max_wait=MAX_WAIT)
    async def square(self, requests: Sequence[Square], ctx: Context) -> list[int | Exception]:
        self.runs.append([request.number for request in requests])
        self.began.append(ctx.now)
        self.contexts.append(ctx)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        if self.result is not None:
            return self.result  # type: ignore[no-any-return]  # whatever the test wants
        if any(request.number >= 1000 for request in requests):
            raise ValueError("poison")
        return [
            ValueError("negative") if request.number < 0 else request.number * request.number for request in requests
        ]


class OneAtATime(Squarer):
    concurrency = 1
    mailbox_capacity = 5


async def quiet(bus: Bus) -> None:
    for _ in range(4):
        await asyncio.sleep(0)
    statistics = bus.statistics()
    assert (statistics.pending, statistics.tasks) == (0, 0)
    assert statistics.asked == sum(statistics.outcomes.values())
    for batching in bus._batching.values():
        assert batching._waiting == {}
        assert batching._running == {}


async def ask_all(bus: Bus, numbers: Sequence[int], timeout: float = 60.0) -> list[Any]:
    asks = [bus.ask("squarer", Square(number), timeout=timeout) for number in numbers]
    return await asyncio.gather(*asks, return_exceptions=True)


async def test_what_comes_together_is_handled_together_and_the_first_waits_no_longer_than_it_must() -> None:
    squarer = Squarer()
    bus = Bus()
    bus.register(squarer)
    async with bus:
        assert await ask_all(bus, range(10)) == [number * number for number in range(10)]
        assert squarer.runs == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
        assert squarer.began == [0.0, 0.0, MAX_WAIT]
        assert bus.statistics().actions["squarer", "square"].batches == {4: 2, 2: 1}
        await quiet(bus)


async def test_those_who_join_do_not_move_the_time_of_the_first() -> None:
    squarer = Squarer()
    bus = Bus()
    bus.register(squarer)
    async with bus:
        first = asyncio.gather(bus.ask("squarer", Square(1)))
        await asyncio.sleep(0.375)
        second = asyncio.gather(bus.ask("squarer", Square(2)))
        assert (await first, await second) == ([1], [4])
        assert squarer.began == [MAX_WAIT]


@given(
    numbers=st.lists(st.sampled_from([1, 2, 3, -1, 1000]), min_size=1, max_size=20),
    concurrency=st.integers(1, 3),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_each_gets_its_own_result_whoever_is_poison(numbers: list[int], concurrency: int, seed: int | None) -> None:
    class Bounded(Squarer):
        pass

    Bounded.concurrency = concurrency

    async def main() -> None:
        squarer = Bounded(seconds=0.25)
        bus = Bus()
        bus.register(squarer)
        async with bus:
            for number, result in zip(numbers, await ask_all(bus, numbers), strict=True):
                if 0 <= number < 1000:
                    assert result == number * number
                else:
                    assert isinstance(result, RemoteError)
                    assert isinstance(result.__cause__, ValueError)
            assert squarer.most_at_once <= concurrency
            handled = Counter(number for run in squarer.runs for number in run)
            for number, times in Counter(numbers).items():
                assert handled[number] <= times * (1 + ceil(log2(MAX_SIZE)))
            await quiet(bus)

    run_virtual(main(), seed=seed)


@pytest.mark.parametrize("result", [[1, 4, 9], "abcd", 7, None, {1: 1}])
async def test_results_that_fit_nobody_break_the_contract_for_each(result: Any) -> None:
    squarer = Squarer()
    squarer.result = [] if result is None else result
    bus = Bus()
    bus.register(squarer)
    async with bus:
        for error in await ask_all(bus, range(4)):
            assert isinstance(error, RemoteError)
            assert isinstance(error.__cause__, ContractViolation)
        await quiet(bus)


async def test_none_for_one_breaks_the_contract_for_that_one() -> None:
    squarer = Squarer()
    squarer.result = [1, None, 9, 16]
    bus = Bus()
    bus.register(squarer)
    async with bus:
        one, two, three, four = await ask_all(bus, range(4))
        assert (one, three, four) == (1, 9, 16)
        assert isinstance(two, RemoteError)


async def test_who_leaves_before_the_run_is_not_in_it() -> None:
    squarer = Squarer()
    bus = Bus()
    bus.register(squarer)
    async with bus:
        leaver = asyncio.gather(bus.ask("squarer", Square(1)))
        others = asyncio.gather(ask_all(bus, [2, 3]))
        await asyncio.sleep(0.25)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        assert await others == [[4, 9]]
        assert squarer.runs == [[2, 3]]
        await quiet(bus)


async def test_when_all_leave_the_run_is_stopped_and_not_before() -> None:
    squarer = Squarer(seconds=60.0)
    bus = Bus()
    bus.register(squarer)
    async with bus:
        asks = [asyncio.gather(bus.ask("squarer", Square(number), timeout=100.0)) for number in range(4)]
        await asyncio.sleep(1.0)
        for ask in asks[1:]:
            ask.cancel()
        await asyncio.sleep(1.0)
        assert squarer.cancelled == 0
        asks[0].cancel()
        await asyncio.sleep(0.1)
        assert squarer.cancelled == 1
        await asyncio.gather(*asks, return_exceptions=True)
        await quiet(bus)


async def test_what_expired_is_not_handed_over() -> None:
    squarer = OneAtATime(seconds=10.0)
    bus = Bus()
    bus.register(squarer)
    async with bus:
        busy = asyncio.gather(ask_all(bus, range(4)))
        await asyncio.sleep(1.0)
        late, later = asyncio.gather(ask_all(bus, [5], timeout=2.0)), asyncio.gather(ask_all(bus, [6]))
        [[error]] = await late
        assert isinstance(error, DeadlineExceeded)
        assert bus.now() == 3.0
        assert (await busy, await later) == ([[0, 1, 4, 9]], [[36]])
        assert squarer.runs == [[0, 1, 2, 3], [6]]
        await quiet(bus)


async def test_no_more_run_than_the_agent_may_handle_and_the_mailbox_bounds_the_rest() -> None:
    squarer = OneAtATime(seconds=10.0)
    bus = Bus()
    bus.register(squarer)
    async with bus:
        busy = asyncio.gather(ask_all(bus, range(4)))
        await asyncio.sleep(1.0)
        results = await ask_all(bus, range(4, 20))
        assert squarer.most_at_once == 1
        assert [type(result) for result in results].count(MailboxFull) == 16 - 1 - OneAtATime.mailbox_capacity
        assert results[:6] == [16, 25, 36, 49, 64, 81]
        assert await busy == [[0, 1, 4, 9]]
        assert squarer.runs == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
        await quiet(bus)


@pytest.mark.parametrize("end", ["stop", "crash", "remove"])
async def test_whoever_waits_is_told_when_the_agent_goes(end: str, caplog: pytest.LogCaptureFixture) -> None:
    squarer = Squarer(seconds=60.0)
    bus = Bus()
    bus.register(squarer)
    await bus.start()
    asking = asyncio.gather(ask_all(bus, range(6), timeout=100.0))
    await asyncio.sleep(MAX_WAIT / 2)  # four run, two collect
    if end == "stop":
        await bus.stop()
    elif end == "crash":
        bus.crash("squarer")
    else:
        await bus.remove("squarer")
    assert [type(result) for result in (await asking)[0]] == [PeerLost] * 6
    assert bus.now() == MAX_WAIT / 2
    await asyncio.sleep(5.0)
    assert squarer.runs == [[0, 1, 2, 3]]
    assert squarer.cancelled == 1
    assert bus.dead_letters() == ()
    assert "Error" not in caplog.text
    await quiet(bus)
    squarer.seconds = 0.0
    if end == "crash":
        assert await ask_all(bus, [3]) == [9]
    await bus.stop()


@pytest.mark.parametrize("they_leave", [True, False])
async def test_a_half_that_waits_for_its_turn_is_not_run_when_nobody_waits_for_it(
    they_leave: bool, caplog: pytest.LogCaptureFixture
) -> None:
    squarer = OneAtATime(seconds=1.0)
    bus = Bus()
    bus.register(squarer)
    async with bus:
        asks = [asyncio.gather(bus.ask("squarer", Square(number), timeout=60.0)) for number in (1000, 1, 2, 3)]
        await asyncio.sleep(1.5)  # all four failed together; the first two run again, the others are next
        assert squarer.runs == [[1000, 1, 2, 3], [1000, 1]]
        if they_leave:
            for ask in asks[2:]:
                ask.cancel()
        else:
            bus.crash("squarer")
        await asyncio.gather(*asks, return_exceptions=True)
        await asyncio.sleep(5.0)
        assert [2, 3] not in squarer.runs
        await quiet(bus)
    assert "batch crashed" not in caplog.text


async def test_a_run_that_ends_in_its_own_way_after_the_crash_reaches_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(Agent):
        name = "squarer"

        @batches(Square, max_size=2)
        async def square(self, requests: Sequence[Square], ctx: Context) -> list[int]:
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                await asyncio.sleep(1.0)
                if requests[0].number == 1:
                    raise ValueError("I was not done") from None
            return [1, 2]

    bus = Bus()
    bus.register(Stubborn())
    async with bus:
        asking = asyncio.gather(ask_all(bus, [0, 0, 1, 1], timeout=100.0))
        await asyncio.sleep(1.0)
        bus.crash("squarer")
        assert [type(result) for result in (await asking)[0]] == [PeerLost] * 4
        await asyncio.sleep(5.0)
        await quiet(bus)
    assert "Error" not in caplog.text


async def test_a_run_has_the_time_of_whoever_waits_longest_and_everybodys_path() -> None:
    squarer = Squarer()

    class Asker(Agent):
        name = "asker"

        @handles(Through)
        async def through(self, request: Through, ctx: Context) -> int:
            return await ctx.ask("squarer", Square(request.number), timeout=3.0)

    bus = Bus()
    bus.register(squarer)
    bus.register(Asker())
    async with bus:
        direct = asyncio.gather(bus.ask("squarer", Square(2), timeout=5.0))
        assert await bus.ask("asker", Through(3)) == 9
        await direct
        [context] = squarer.contexts
        assert context.envelope.deadline == 5.0
        assert context.envelope.path == ("asker",)
        assert sorted(squarer.runs[0]) == [2, 3]


async def test_a_run_that_asks_back_is_refused_as_a_circle() -> None:
    class Circle(Agent):
        name = "squarer"

        @batches(Square, max_size=1)
        async def square(self, requests: Sequence[Square], ctx: Context) -> list[int]:
            return [await ctx.ask("asker", Through(request.number)) for request in requests]

    class Asker(Agent):
        name = "asker"

        @handles(Through)
        async def through(self, request: Through, ctx: Context) -> int:
            return await ctx.ask("squarer", Square(request.number))

    bus = Bus()
    bus.register(Circle())
    bus.register(Asker())
    async with bus:
        with pytest.raises(RemoteError) as caught:
            await bus.ask("asker", Through(1), timeout=60.0)
        assert bus.now() <= MAX_WAIT
        error: BaseException | None = caught.value
        while error is not None and not isinstance(error, WouldDeadlock):
            error = error.__cause__
        assert error is not None
        await quiet(bus)


async def test_a_batch_that_is_only_told_is_no_batch(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()
    bus.register(Squarer())
    async with bus:
        bus.tell("squarer", Square(1))
        await asyncio.sleep(1.0)
        assert "nobody to answer" in caplog.text
        await quiet(bus)


def test_a_batch_may_be_handled_on_a_thread() -> None:
    threads: list[int] = []

    class Blocking(Agent):
        name = "squarer"

        @batches(Square, max_size=4, max_wait=0.001)
        def square(self, requests: Sequence[Square], ctx: Context) -> list[int]:
            threads.append(threading.get_ident())
            return [request.number * request.number for request in requests]

    async def main() -> None:
        bus = Bus()
        bus.register(Blocking())
        async with bus:
            assert await ask_all(bus, range(6)) == [0, 1, 4, 9, 16, 25]

    asyncio.run(main())
    assert threading.get_ident() not in threads


def test_only_idempotent_requests_are_handled_in_batches() -> None:
    with pytest.raises(ContractViolation, match="must be idempotent"):
        batches(Through)
    with pytest.raises(ContractViolation, match="at least 1 item"):
        batches(Square, max_size=0)
