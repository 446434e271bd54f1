"""Everybody starts, what they can do is measured, and then they do 70 % of it for long while they are looked at."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.chaos.company import Company
from benchmarks.chaos.faults import SERVER
from benchmarks.soak.load import Load
from benchmarks.soak.meters import Sample, busy, look_at
from benchmarks.soak.requests import HEAVY, asks
from benchmarks.soak.trend import growing, slower
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import load_settings
from fablewright.errors import FablewrightError
from fablewright.gm.orchestrator import HandleRequest
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.runtime.bus import Bus

__all__ = ["Found", "Plan", "soak"]

_THIS = "this process"
_GIVE_UP = 60.0
_WORKERS = 16
"""Requests that are always under way while the caches are filled, and while it is measured what can be done."""
_OFTEN = 60
"""Looks at each process."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and how much.

    Attributes:
        seconds: Of load.
        fill: Seconds before it for which is asked, as much as can be done, what fills the caches.
        saturate: Seconds after that for which as much of everything is asked as can be done.
        share: Of what can be done, that is asked for.
        window: Seconds of which percentiles are taken.
        warm_up: Of the time, that is not judged: what is bounded in number fills.
        seed: Of what is asked.
    """

    seconds: float
    fill: float = 150.0
    saturate: float = 15.0
    share: float = 0.7
    window: float = 30.0
    warm_up: float = 0.2
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out.

    Attributes:
        load: What was asked and how long it took.
        capacity: Requests a second that can be answered.
        rate: Requests a second that were asked for.
        samples: Of each process, in time, those of the warm-up left out.
        judged: The first window that counts.
        broken: What should have held and did not, as sentences.
    """

    load: Load
    capacity: float
    rate: float
    samples: Mapping[str, list[Sample]]
    judged: int
    broken: list[str]


async def soak(plan: Plan) -> Found:
    """Run it; see the top of the file."""
    with tempfile.TemporaryDirectory(prefix="fw-soak-") as place:
        folder = Path(place)
        async with Company(folder, is_proxied=False) as company:
            settings = load_settings({"bus": company.url, "data_dir": str(folder / "front")}, directory=folder).settings
            async with assistant(settings, open_notes(settings, settings.notes)) as bus:
                return await _soaked(bus, company, plan)


async def _soaked(bus: Bus, company: Company, plan: Plan) -> Found:
    await _first_scene(bus)
    processes = {**company.processes, _THIS: os.getpid()}

    def others() -> float:
        return busy() - sum(look_at(process, 0).cpu for process in processes.values())

    load = Load(bus, window=plan.window, others=others)
    await load.saturate(asks(plan.seed, HEAVY), plan.fill, workers=_WORKERS)
    all_kinds = asks(plan.seed)
    capacity = await load.saturate(all_kinds, plan.saturate, workers=_WORKERS)
    rate = plan.share * capacity
    samples: dict[str, list[Sample]] = {}
    looking = Supervisor().start(_look(processes, load, plan.seconds / _OFTEN, samples), name="looking")
    await load.run(all_kinds, plan.seconds, rate=rate)
    if looking.done():  # a process is gone: what it was looked at with raises
        looking.result()
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    judged = round(plan.warm_up * len(load.windows))
    later = {name: each[round(plan.warm_up * len(each)) :] for name, each in samples.items()}
    broken = [f"{count} requests ended as {name}" for name, count in load.failed.items()]
    broken += slower(load.windows[judged:])
    for name, each in later.items():
        if name != SERVER:  # it is others' program: how much it takes is told, and not judged
            broken += growing(name, each)
    return Found(load, capacity, rate, later, judged, broken)


async def _first_scene(bus: Bus) -> None:
    """Wait until there is a scene out of the notes: whoever was started last may not be there yet."""
    async with asyncio.timeout(_GIVE_UP):
        while True:
            try:
                if (await bus.ask("orchestrator", HandleRequest("the first encounter", "scene"))).status == "answered":
                    return
            except FablewrightError:
                pass
            await asyncio.sleep(0.2)


async def _look(processes: Mapping[str, int], load: Load, often: float, samples: dict[str, list[Sample]]) -> None:
    while True:
        for name, number in processes.items():
            samples.setdefault(name, []).append(look_at(number, load.ended))
        await asyncio.sleep(often)
