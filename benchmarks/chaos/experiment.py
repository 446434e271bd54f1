"""One experiment from its beginning to its end: everybody starts, faults come and go, all is looked at, and nobody stays."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.chaos.company import Company
from benchmarks.chaos.trial import Trial, count_writing, written
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import load_settings

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from benchmarks.chaos.faults import Fault

__all__ = ["Found", "experiment", "slowness"]

_SETTINGS = {"FABLEWRIGHT_CIRCUIT_BREAKER_RESET_TIME": "1"}
"""A search that failed five times is tried again after a second instead of a minute: else one fault would hide the next."""
_LAST = 1.0
"""Seconds in which what was told is written."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out.

    Attributes:
        trial: The scenes and the faults.
        copies: How often each scene was written down.
        broken: What should have held and did not, as sentences.
        slowness: How many times slower this machine was than one that is not slow.
    """

    trial: Trial
    copies: Counter[str]
    broken: list[str]
    slowness: float


async def experiment(faults: Iterable[Fault], *, scenes: int, rate: float, seed: int) -> Found:
    """Ask for scenes while faults come and go.

    Args:
        faults: In their order.
        scenes: How many are asked for at most; the last fault may add some.
        rate: Of them a second.
        seed: Of what is asked for.
    """
    slow = [slowness()]
    with tempfile.TemporaryDirectory(prefix="fw-chaos-") as place:
        folder = Path(place)
        tasks, files = asyncio.all_tasks(), 0
        async with Company(folder, **_SETTINGS) as company:
            settings = load_settings({"bus": company.url, "data_dir": str(folder / "front")}, directory=folder).settings
            files = _open_files()
            async with assistant(settings, open_notes(settings, settings.notes)) as bus:
                trial = Trial(bus, company, rate=rate, seed=seed)
                await trial.warm_up()
                count_writing(folder / "campaigns.sqlite")
                await trial.run(faults, scenes=scenes)
                await asyncio.sleep(_LAST)
                slow.append(slowness())
                copies = written(folder / "campaigns.sqlite")
                broken = trial.broken_promises(copies, slowness=max(slow))
            broken += _left(files)
        left = [task.get_name() for task in asyncio.all_tasks() - tasks if not task.done()]
        broken += [f"{len(left)} tasks are left: {', '.join(left)}"] if left else []
    return Found(trial, copies, broken, max(slow))


def _left(files: int) -> list[str]:
    """Return what is still open that was not before the front came, as a sentence."""
    gc.collect()
    more = _open_files() - files
    return [f"{more} files or connections are left open"] if more > 0 else []


def _open_files() -> int:
    table = Path("/proc/self/fd")
    return len(os.listdir(table)) if table.exists() else 0  # noqa: PTH208 - iterdir would count itself


def slowness() -> float:
    """Return how many times slower this machine is right now than one that is not slow; 1 or more."""

    def loop() -> float:
        began = time.perf_counter()
        table: dict[str, tuple[int, list[int]]] = {}
        for number in range(20_000):
            table[f"k{number}"] = (number, [number])
        return time.perf_counter() - began

    return max(1.0, statistics.median(loop() for _ in range(9)) / 0.0046)
