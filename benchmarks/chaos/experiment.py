"""One experiment from beginning to end: everybody starts, faults come and go, all is looked at, and nobody stays."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.chaos.company import Company
from benchmarks.chaos.faults import AGENTS
from benchmarks.chaos.trial import Trial
from benchmarks.chaos.visitor import TIMEOUT, Visitor
from benchmarks.chaos.witness import made_late
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import load_settings
from fablewright.entry.inspector import Inspector
from fablewright.entry.safety_net import safety_net
from fablewright.entry.whole_system import WholeSystem
from fablewright.testing.slowness import slowness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.chaos.faults import Fault
    from fablewright.entry.config import Settings
    from fablewright.runtime.bus import Bus

__all__ = ["Found", "experiment"]

_SETTINGS = {
    "FABLEWRIGHT_CIRCUIT_BREAKER_RESET_TIME": "1",
    "FABLEWRIGHT_TIMEOUT": str(TIMEOUT),
    "FABLEWRIGHT_MODEL_TIMEOUT": "5",
}
"""What failed five times is tried again after a second instead of a minute: else one fault would hide the next.
There is no model to be waited for: so who died over an accepted scene has it no longer than 40 s."""
_LAST = 1.0
"""Seconds in which what was told is written."""
_TO_COME = 90.0
"""Seconds until what was accepted is there: longer than somebody who died over it has it."""
_LOOKS, _LOOK = 20, 0.5
"""Looks, and seconds between them, until which agents have heard that nobody waits for what they do."""
_TO_REPORT = 2.0
"""Seconds that a process has to say how it is doing."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out.

    Attributes:
        trial: The scenes and the faults.
        copies: How often each scene and each note was written down, by its key.
        broken: What should have held and did not, as sentences.
        slowness: How many times slower this machine was than one that is not slow.
    """

    trial: Trial
    copies: Counter[str]
    broken: list[str]
    slowness: float


async def experiment(
    faults: Iterable[Fault], *, scenes: int, rate: float, seed: int, servers: int = 1, postgres: bool = False
) -> Found:
    """Ask for scenes while faults come and go.

    Args:
        faults: In their order.
        scenes: How many are asked for at most; the last fault may add some.
        rate: Of them a second.
        seed: Of what is asked for.
        servers: How many NATS servers there are.
        postgres: Whether the campaign is kept in PostgreSQL, and not in a file.
    """
    slow = [slowness()]
    with tempfile.TemporaryDirectory(prefix="fw-chaos-") as place:
        folder = Path(place)
        tasks = asyncio.all_tasks()
        async with Company(folder, servers, postgres=postgres, **_SETTINGS) as company:
            settings = load_settings({"bus": company.url, "data_dir": str(folder / "front")}, directory=folder).settings
            files = _open_files(company)
            notes = open_notes(settings, settings.notes)
            async with assistant(settings, notes) as bus, Visitor(lambda: company.page) as visitor:
                trial = Trial(bus, company, visitor, rate=rate, seed=seed)
                await trial.warm_up()
                await asyncio.to_thread(company.books.open)
                await trial.run(faults, scenes=scenes)
                await asyncio.sleep(_LAST)
                at_work = await _at_work(bus)
                slow.append(slowness())
                await trial.witness.look()
                late = await _made_late(settings, trial)
                copies = await asyncio.to_thread(company.books.read)
                copies.update(late)
                broken = trial.broken_promises(copies, slowness=max(slow)) + at_work
            broken += await _left(files, company)
        left = [task.get_name() for task in asyncio.all_tasks() - tasks if not task.done()]
        broken += [f"{len(left)} tasks are left: {', '.join(left)}"] if left else []
    return Found(trial, copies, broken, max(slow))


async def _made_late(settings: Settings, trial: Trial) -> Counter[str]:
    """Return what was accepted and has come, when all has that was promised."""
    async with safety_net(msgspec.structs.replace(settings, work=settings.bus)) as net:
        return await made_late(net, trial.witness.promised, patience=_TO_COME)


async def _at_work(bus: Bus) -> list[str]:
    """Return what the agents' processes still do although nobody waits for it, as a sentence."""
    system, found = WholeSystem(bus, patience=_TO_REPORT), ""
    for _ in range(_LOOKS):
        seen = await system.look()
        agents = [agent for agent in seen.agents if not agent.name.startswith(Inspector.name)]
        silent = set(AGENTS) - {agent.name for agent in agents}
        busy = [agent.name for agent in agents if agent.running + agent.waiting]
        if not silent and not busy and not seen.pending_count:
            return []
        found = f"pending: {seen.pending_count}, at work: {', '.join(busy) or 'nobody'}, silent: {len(silent)}"
        await asyncio.sleep(_LOOK)
    return [found]


async def _left(before: Counter[str], company: Company) -> list[str]:
    """Return what is still open that was not before the front came, as sentences."""
    more = _open_files(company) - before
    for _ in range(20):  # a transport that was closed lets its socket go a little later
        if not more:
            break
        await asyncio.sleep(0.1)
        gc.collect()
        more = _open_files(company) - before
    return [f"left open: {count} of {name}" for name, count in more.items()]


def _open_files(company: Company) -> Counter[str]:
    """Return how many files and connections of each kind this process has open, without those through the proxies.

    None where that cannot be seen. Others connect through the proxies when they like.
    """
    table = Path("/proc/self/fd")
    found: Counter[str] = Counter()
    for each in table.iterdir() if table.exists() else ():
        with suppress(OSError):  # that with which one looks
            found[str(each.readlink()).partition(":")[0]] += 1
    if found["socket"]:
        found["socket"] -= company.sockets
    return found
