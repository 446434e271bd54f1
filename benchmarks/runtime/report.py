"""One run of everything: the figures that the tables, the page and the targets are made of."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runtime.endings import ENDINGS, bus_for_endings
from benchmarks.runtime.endurance import Endurance, endure
from benchmarks.runtime.expiry import Expiry, ForwardLoop, expire_at_once
from benchmarks.runtime.garbage import Garbage, garbage_of
from benchmarks.runtime.memory import BytesPending, bytes_per_pending
from benchmarks.runtime.paired import Costs, burst_slice, compare, in_flight_slice, sequential_slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runtime.contestant import Contestant

__all__ = ["PARTS", "Report", "run"]

#: What can be measured.
PARTS = ("sequential", "burst", "in-flight", "memory", "expiry", "garbage", "endurance")

_SLICES = {
    "sequential": (sequential_slice, 200),
    "burst": (burst_slice, 1000),
    "in-flight": (in_flight_slice, 1000),
}


@dataclass(slots=True)
class Report:
    """Figures by contestant, or by ending for the garbage; what was not measured is empty or None."""

    machine: str
    peers: dict[str, str | None]
    costs: dict[str, dict[str, Costs]] = field(default_factory=dict)
    memory: dict[str, BytesPending] = field(default_factory=dict)
    expiry: dict[str, Expiry] = field(default_factory=dict)
    garbage: dict[str, Garbage] = field(default_factory=dict)
    endurance: Endurance | None = None


def run(
    contestants: Sequence[type[Contestant]],
    peers: dict[str, str | None],
    *,
    parts: Sequence[str] = PARTS,
    rounds: int = 60,
    expiring: int = 100_000,
    requests: int = 1_000_000,
) -> Report:
    """Measure ``parts`` and return the figures; says on stderr what it is at.

    Args:
        contestants: Who takes part, the baseline first.
        peers: Versions, for the report.
        parts: Some of ``PARTS``.
        rounds: How often each contestant has its turn in what is timed.
        expiring: How many requests expire at one moment; of them up to 5,000 are weighed.
        requests: How many the endurance run makes; a tenth of it is how many the garbage is counted over.
    """
    report = Report(_machine(), peers)
    if "endurance" in parts:  # first: memory that others have freed would hide what grows
        _say(f"endurance: {requests} requests")
        report.endurance = asyncio.run(endure(requests))
    timed = [part for part in parts if part in _SLICES]
    if timed:
        asyncio.run(_time(report, contestants, timed, rounds))
    each = [contestant for contestant in contestants if not contestant.only_many]
    for contestant in each:
        if contestant.crowd:
            with asyncio.Runner(loop_factory=ForwardLoop) as runner:
                runner.run(_crowd(report, contestant(), parts, expiring))
    if "garbage" in parts:
        asyncio.run(_garbage(report, each, requests // 10))
    return report


async def _time(report: Report, contestants: Sequence[type[Contestant]], parts: Sequence[str], rounds: int) -> None:
    running = [contestant() for contestant in contestants]
    for one in running:
        await one.start()
    try:
        for part in parts:
            measure, count = _SLICES[part]
            _say(f"{part}: {rounds} rounds")
            gc.collect()
            gc.freeze()  # what was imported and started is walked in nobody's slice, nor later: it all stays
            field = [one for one in running if part != "sequential" or not one.only_many]
            for name, figures in (await compare(field, measure, count=count, rounds=rounds)).items():
                report.costs.setdefault(name, {}).update(figures)
    finally:
        for one in running:
            await one.stop()


async def _crowd(report: Report, one: Contestant, parts: Sequence[str], expiring: int) -> None:
    await one.start()
    try:
        if "memory" in parts:
            _say(f"memory: {one.name}")
            report.memory[one.name] = await bytes_per_pending(one, min(5_000, expiring, one.crowd))
        if "expiry" in parts:
            _say(f"expiry: {one.name}")
            report.expiry[one.name] = await expire_at_once(one, min(expiring, one.crowd))
    finally:
        await one.stop()


async def _garbage(report: Report, contestants: Sequence[type[Contestant]], requests: int) -> None:
    async with bus_for_endings() as bus:
        for name, ending in ENDINGS.items():
            _say(f"garbage: {name}")
            report.garbage[f"fablewright, {name}"] = await garbage_of(partial(ending, bus), requests)
    for contestant in contestants:
        one = contestant()
        await one.start()
        _say(f"garbage: {one.name}")
        count = requests if one.every == 1 else min(requests, 1000)
        report.garbage[f"{one.name}, replied"] = await garbage_of(partial(one.ask, 1), count)
        await one.stop()


def _say(what: str) -> None:
    print(what, file=sys.stderr)


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.system()}, {os.cpu_count()} cores ({model})"
