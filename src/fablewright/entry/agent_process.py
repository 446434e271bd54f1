"""``fablewright agent``: some of the agents, in a process of their own, until somebody ends it."""

from __future__ import annotations

import asyncio
import difflib
import signal
from typing import TYPE_CHECKING

from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.bus_network import bus_place
from fablewright.entry.crew import AGENTS
from fablewright.entry.event_loop import run_loop
from fablewright.entry.late_scenes import make_late_scenes
from fablewright.entry.log_file import telling_warnings
from fablewright.entry.safety_net import safety_net
from fablewright.entry.terminal import emit, set_up_streams
from fablewright.errors import ConfigurationError, InvalidInput
from fablewright.gm.orchestrator import Orchestrator
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.entry.config import Settings

__all__ = ["agents_called", "run_agents"]

_TO_LEAVE = 10.0
"""Seconds that requests under way have when the process ends."""
_ALL = "all"


def run_agents(settings: Settings, names: Sequence[str]) -> int:
    """Run agents until Ctrl-C or SIGTERM, and return the exit status.

    Args:
        settings: As for every command; ``bus`` is where the others are.
        names: Which agents; ``all`` for all that the settings call for.

    Raises:
        ConfigurationError: There is no bus, or a setting makes no sense.
        InvalidInput: There is no agent of that name, or the notes folder is none.
    """
    set_up_streams()
    wanted = agents_called(settings, names)
    with telling_warnings():
        return run_loop(_run(settings, wanted))


def agents_called(settings: Settings, names: Sequence[str]) -> tuple[str, ...]:
    """Return the agents of these names.

    Raises:
        ConfigurationError: There is no bus for them.
        InvalidInput: There is no agent of that name.
    """
    if not settings.bus:
        raise ConfigurationError(
            "Agents in processes of their own meet on a bus: give --bus nats://ADDRESS:4222, or set FABLEWRIGHT_BUS."
        )
    for name in names:
        if name not in AGENTS and name != _ALL:
            near = difflib.get_close_matches(name, AGENTS, n=1)
            meant = f" Did you mean {near[0]}?" if near else f" There are {', '.join(AGENTS)}."
            raise InvalidInput(f"There is no agent {name}.{meant}")
    return AGENTS if _ALL in names else tuple(dict.fromkeys(names))


async def _run(settings: Settings, names: Sequence[str]) -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, ended.set)
        except NotImplementedError:  # Windows: Ctrl-C raises there, and the agents are ended all the same
            break
    notes = open_notes(settings, settings.notes)
    async with assistant(settings, notes, agents=names) as bus:
        here = [name for name in names if name in bus.statistics().agents]
        if len(here) < len(names) and len(names) < len(AGENTS):
            missing = ", ".join(sorted(set(names) - set(here)))
            raise ConfigurationError(f"The settings call for no {missing}: `fablewright doctor` shows them.")
        await bus.warm()
        emit(f"{', '.join(here)}: on {bus_place(settings)}. Ctrl-C ends it.\n")
        async with safety_net(settings) as net:
            supervisor = Supervisor()
            if net.scenes is not None and Orchestrator.name in here:
                supervisor.start(make_late_scenes(bus, net.scenes, settings), name="scenes that nobody made")
            await ended.wait()
            await supervisor.stop()
        await bus.stop(drain=_TO_LEAVE)
    return 0
