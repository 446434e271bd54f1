"""A table that is open for questions: the assistant that runs, and whose notes and settings it has."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fablewright.entry.answering import settle
from fablewright.entry.assemble import assistant
from fablewright.entry.late_scenes import make_late_scenes
from fablewright.entry.safety_net import safety_net
from fablewright.entry.stages import Stages
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Settings
    from fablewright.entry.safety_net import SafetyNet
    from fablewright.runtime.bus import Bus

__all__ = ["OpenTable", "open_table"]


class OpenTable(Protocol):
    """What a request needs; asked anew for each, so a server may go on with other settings."""

    @property
    def bus(self) -> Bus:
        """With all agents up."""
        ...

    @property
    def net(self) -> SafetyNet:
        """What holds scenes that are asked for, should anybody die."""
        ...

    @property
    def settings(self) -> Settings:
        """Who plays, and how long an answer may take."""
        ...

    @property
    def notes(self) -> Notes:
        """What the agents search."""
        ...

    @property
    def stages(self) -> Stages:
        """Observes the bus."""
        ...

    @property
    def seeds(self) -> Iterator[int | None]:
        """One for each request that brings none: the same dice all evening would make a dull game."""
        ...


@dataclass(frozen=True, slots=True)
class _Opened:
    bus: Bus
    net: SafetyNet
    settings: Settings
    notes: Notes
    stages: Stages
    seeds: Iterator[int | None]


@asynccontextmanager
async def open_table(settings: Settings, notes: Notes) -> AsyncIterator[OpenTable]:
    """Run the assistant; what was told to the campaign's memory is kept before it ends, and scenes come late too.

    Raises:
        FablewrightError: As ``assistant``.
    """
    stages = Stages()
    seeds = itertools.repeat(None) if settings.seed is None else itertools.count(settings.seed)
    supervisor = Supervisor()
    async with assistant(settings, notes, on_report=stages.read) as bus, safety_net(settings) as net:
        bus.observe(stages)
        if net.scenes is not None:
            supervisor.start(make_late_scenes(bus, net.scenes, settings), name="scenes that nobody made")
        try:
            yield _Opened(bus, net, settings, notes, stages, seeds)
        finally:
            await supervisor.stop()
            await settle(bus)
