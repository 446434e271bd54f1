from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.testing.virtual_loop import Deadlock, Livelock, VirtualTimeLoop, run_virtual


@pytest.mark.benchmark
def test_an_hour_takes_milliseconds() -> None:
    async def main() -> float:
        await asyncio.sleep(3600.0)
        return asyncio.get_running_loop().time()

    started = time.perf_counter()
    assert run_virtual(main()) == pytest.approx(3600.0)
    assert time.perf_counter() - started < 1.0


def test_a_deadlock_raises() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="Nothing is ready"):
        run_virtual(main())


def test_timers_fire_in_order() -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def at(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            seen.append(name)

        await asyncio.gather(at(3.0, "c"), at(1.0, "a"), at(2.0, "b"))
        return seen

    assert run_virtual(main()) == ["a", "b", "c"]


def order_of(count: int, seed: int | None) -> list[int]:
    """In which order callbacks run that are ready at one instant."""

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        seen: list[int] = []
        await asyncio.sleep(1.0)
        for number in range(count):
            loop.call_soon(seen.append, number)
        await asyncio.sleep(1.0)
        return seen

    return run_virtual(main(), seed=seed)


def test_without_a_seed_the_order_is_that_of_asyncio() -> None:
    assert order_of(20, None) == list(range(20))


@given(count=st.integers(2, 30), seed=st.integers(0, 1000))
def test_with_a_seed_it_is_a_permutation_that_the_seed_gives_again(count: int, seed: int) -> None:
    order = order_of(count, seed)
    assert sorted(order) == list(range(count))
    assert order == order_of(count, seed)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_seeds_reach_every_order_about_equally_often(count: int) -> None:
    runs = 120 * math.factorial(count)
    orders = Counter(tuple(order_of(count, seed)) for seed in range(runs))
    assert len(orders) == math.factorial(count)
    assert all(60 < times < 200 for times in orders.values())


def test_callbacks_and_due_timers_are_shuffled_among_each_other() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        seen: list[str] = []
        await asyncio.sleep(1.0)
        loop.call_at(loop.time(), seen.append, "timer")  # due in the next turn, as the callback is
        loop.call_soon(seen.append, "callback")
        await asyncio.sleep(1.0)
        return " ".join(seen)

    assert {run_virtual(main(), seed=seed) for seed in range(20)} == {"timer callback", "callback timer"}


def test_what_a_callback_schedules_runs_in_a_later_turn() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        seen: list[str] = []
        for name in "abcdef":
            loop.call_soon(lambda name=name: (seen.append(name), loop.call_soon(seen.append, name.upper())))
        await asyncio.sleep(1.0)
        return seen

    for seed in range(20):
        seen = run_virtual(main(), seed=seed)
        assert sorted(seen[:6]) == list("abcdef")
        assert sorted(seen[6:]) == list("ABCDEF")


@pytest.mark.parametrize("seed", [None, 7])
def test_a_cancelled_timer_does_not_run(seed: int | None) -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        seen: list[str] = []
        timers = [loop.call_at(1.0, seen.append, name) for name in "abc"]
        timers[1].cancel()
        loop.call_at(1.0, timers[2].cancel)
        await asyncio.sleep(2.0)
        return seen

    assert "a" in (seen := run_virtual(main(), seed=seed))
    assert "b" not in seen


def test_thousands_of_cancelled_timers_cost_nothing_later() -> None:
    async def main() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        for _ in range(10_000):
            loop.call_at(5.0, print).cancel()
        loop.call_at(5.0, loop.stop)
        await asyncio.sleep(4.0)
        return len(loop._scheduled), loop.time()

    left, now = run_virtual(main(), seed=1)
    assert now == 4.0
    assert left < 200


def test_choices_are_the_events_that_had_an_alternative() -> None:
    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        before = loop.events, loop.choices
        loop.call_later(1.0, id, None)
        loop.call_later(1.0, id, None)
        loop.call_later(1.0, id, None)  # three at one instant: two of them chosen, the last one left over
        loop.call_later(2.0, id, None)  # one alone
        await asyncio.sleep(3.0)
        return loop.events - before[0], loop.choices - before[1]

    events, choices = run_virtual(main(), seed=1)
    assert choices == 2
    assert events == 3 + 1 + 2  # the sleeper's timer, then its task


def test_a_livelock_raises() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            loop.call_soon(again)

        again()
        await asyncio.sleep(1.0)

    with pytest.raises(Livelock, match="still ready at 0 s"):
        run_virtual(main(), seed=1)


def test_a_deadlock_raises_also_when_a_cancelled_timer_is_left() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(5.0, print).cancel()
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run_virtual(main(), seed=1)


def test_a_thread_is_heard_while_the_loop_has_something_to_do() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[str] = loop.create_future()
        threading.Thread(target=loop.call_soon_threadsafe, args=(heard.set_result, "heard")).start()
        while not heard.done():  # noqa: ASYNC110 - the thread needs the loop to have something to do
            await asyncio.sleep(1.0)
        return heard.result()

    assert run_virtual(main(), seed=1) == "heard"


def test_it_says_that_it_is_virtual() -> None:
    async def main() -> bool:
        return getattr(asyncio.get_running_loop(), "is_virtual", False)

    assert run_virtual(main())
