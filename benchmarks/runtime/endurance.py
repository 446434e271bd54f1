"""A million requests that end in every way: does anything grow?"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runtime.endings import ENDINGS, bus_for_endings

if TYPE_CHECKING:
    from fablewright import Bus

__all__ = ["Endurance", "Residue", "endure"]

_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Residue:
    """What exists at one moment; None where the system does not say."""

    tasks: int
    timers: int
    open_files: int | None


@dataclass(frozen=True, slots=True)
class Endurance:
    """What many requests did.

    Attributes:
        requests: How many, four fifths of them replied, the rest ended in all other ways.
        seconds: How long all took.
        rss_slope: Growth of the resident memory in MiB per million requests, by least squares over the
            samples after the first fifth; None where the system does not say.
        before: Tasks, timers, open files at the start.
        after: And at the end.
    """

    requests: int
    seconds: float
    rss_slope: float | None
    before: Residue
    after: Residue


async def endure(requests: int) -> Endurance:
    """Run so many requests."""
    bus = bus_for_endings()
    async with bus:
        await _chunk(bus)
        gc.collect()
        before = _residue()
        samples: list[tuple[float, float]] = []
        began = time.perf_counter()
        chunks = requests // _CHUNK
        for chunk in range(chunks):
            await _chunk(bus)
            if chunk % max(1, chunks // 100) == 0 and (resident := _resident_mib()) is not None:
                samples.append(((chunk + 1) * _CHUNK / 1e6, resident))
        seconds = time.perf_counter() - began
        await asyncio.sleep(0.05)
        gc.collect()
        after = _residue()
    steady = samples[len(samples) // 5 :]
    slope = statistics.linear_regression(*zip(*steady, strict=True)).slope if len(steady) > 1 else None
    return Endurance(requests, seconds, slope, before, after)


async def _chunk(bus: Bus) -> None:
    others = [ending for name, ending in ENDINGS.items() if name != "replied"]

    async def replied() -> None:
        for _ in range(10):
            await ENDINGS["replied"](bus)

    async with asyncio.TaskGroup() as group:
        for _ in range(_CHUNK // 10 * 4 // 5):
            group.create_task(replied())
        for n in range(_CHUNK // 5):
            group.create_task(others[n % len(others)](bus))


def _residue() -> Residue:
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = getattr(loop, "_scheduled", [])
    files = Path("/proc/self/fd")
    return Residue(
        tasks=len(asyncio.all_tasks()),
        timers=sum(not timer.cancelled() for timer in timers),
        open_files=len(list(files.iterdir())) if files.is_dir() else None,
    )


def _resident_mib() -> float | None:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
