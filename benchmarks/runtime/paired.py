"""Timing on a noisy machine: small slices, each beside a slice of the baseline, and the median of their ratios.

One process runs all contestants in turn, the baseline before each of them: A B A C A D, and again. Whatever
slows the machine down for a while slows both slices of a pair; the median drops the pairs it cut in two.
The quartiles of the ratios are printed beside the median: where they are far apart the machine was too
busy, and where the baseline against itself is not 1.00 the run says nothing.

Nobody pays for the one before: each slice begins with a collection and some requests that do not count, for
else the baseline, always second to somebody else's garbage and cold caches, looks twice as slow at its p99.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from benchmarks.runtime.contestant import Contestant

__all__ = ["Costs", "Spread", "burst_slice", "compare", "in_flight_slice", "sequential_slice"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise one or more values."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)


@dataclass(frozen=True, slots=True)
class Costs:
    """One figure of one contestant: in microseconds per request, and as a ratio to the baseline beside it."""

    micros: Spread
    ratio: Spread
    slices: int


async def sequential_slice(contestant: Contestant, count: int) -> dict[str, float]:
    """Ask ``count`` times, one after the other; return the 50th and 99th percentile of the latency in µs."""
    clock = time.perf_counter_ns
    ask = contestant.ask
    took = []
    gc.collect()
    for n in range(-count // 10, count):
        began = clock()
        reply = await ask(n)
        took.append(clock() - began)
        if reply != n + 1:
            raise AssertionError(f"{contestant.name} answered {n} with {reply}")
    took = sorted(took[count // 10 :])
    return {"p50": took[count // 2] / 1e3, "p99": took[int(count * 0.99)] / 1e3}


async def in_flight_slice(contestant: Contestant, count: int) -> dict[str, float]:
    """Hold ``count`` requests in flight at one moment; return the CPU time of one in µs, all threads counted."""
    return {"in flight": await _cpu(contestant.crowd_of, count)}


async def burst_slice(contestant: Contestant, count: int) -> dict[str, float]:
    """Ask ``count`` times at once, answered at once; return the CPU time of one in µs, all threads counted."""
    return {"burst": await _cpu(contestant.burst, count)}


async def _cpu(work: Callable[[int], Awaitable[None]], count: int) -> float:
    gc.collect()
    await work(count // 4)
    began = time.process_time_ns()
    await work(count)
    return (time.process_time_ns() - began) / 1e3 / count


async def compare(
    contestants: Sequence[Contestant],
    measure: Callable[[Contestant, int], Awaitable[dict[str, float]]],
    *,
    count: int,
    rounds: int,
) -> dict[str, dict[str, Costs]]:
    """Run ``measure`` for all in turn, each beside the first of them, which is the baseline.

    Args:
        contestants: Started ones.
        measure: Returns figures in µs of one slice.
        count: Requests in a slice.
        rounds: How often each is measured, or every so-manieth time for those that say so.

    Returns:
        By the contestant's name and the figure's.
    """
    baseline = contestants[0]
    seen: dict[str, dict[str, tuple[list[float], list[float]]]] = {one.name: {} for one in contestants}
    for one in contestants:
        await measure(one, count)  # warm-up
    for turn in range(rounds):
        for one in contestants:
            if turn % one.every:
                continue
            base = await measure(baseline, count)
            figures = await measure(one, count)
            for figure, value in figures.items():
                micros, ratios = seen[one.name].setdefault(figure, ([], []))
                micros.append(value)
                ratios.append(value / base[figure])
    return {
        name: {
            figure: Costs(Spread.of(micros), Spread.of(ratios), len(ratios))
            for figure, (micros, ratios) in figures.items()
        }
        for name, figures in seen.items()
    }
